"""Training and held-out samples over weight decay: errors, noise and intrinsic dimension, a column a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from deepnrc.figures import INK, picture
from experiments.claims import COLLAPSED
from experiments.runner import DECAY

BLUE, ORANGE, GREEN = sns.color_palette("colorblind")[:3]
GREY, DASHED, TARGETS = "0.35", (0, (4, 1.5)), "targets' dimension"
LOOKS: dict[str, tuple[tuple[float, float, float], Any]] = {  # by column of a table of networks: colour, line style
    "error": (BLUE, "-"),
    "held-out error": (ORANGE, DASHED),
    "noise": (BLUE, "-"),
    "held-out noise": (ORANGE, DASHED),
    "dimension": (BLUE, "-"),
    TARGETS: (GREEN, ":"),
}
LEGEND = {"error": "training samples", "held-out error": "held-out samples", TARGETS: "the targets of training samples"}


@dataclass(frozen=True)
class PanelRow:
    """A row of panels: its columns of the table, what stands beside its axis, and whether that is logarithmic."""

    columns: tuple[str, ...]
    words: str
    log: bool


ROWS = (
    PanelRow(("error", "held-out error"), "mean squared error", log=True),
    PanelRow(("noise", "held-out noise"), "noise fraction,\nlast hidden layer", log=True),
    PanelRow(("dimension", TARGETS), "intrinsic dimension,\nlast hidden layer", log=False),
)


def draw_held_out(found: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Marks are means over seeds, bands their range; a filled mark is a setting that is collapsed in every seed.

    Args:
        found: by data set, its networks as ``experiments.claims.read_networks`` has them.
    """
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(1.6 * len(found) + 1.0, 5.4)
        axes = figure.subplots(len(ROWS), len(found), squeeze=False, sharex="col", sharey="row")
        for column, (name, networks) in enumerate(found.items()):
            for panel, row in zip(axes[:, column], ROWS, strict=True):
                draw(panel, networks, row)
            decays = sorted(networks[DECAY].unique())
            axes[0, column].set_title(name, parse_math=False)
            axes[-1, column].set_xticks(range(len(decays)), [f"{decay:g}" for decay in decays])
            axes[-1, column].set(xlabel="weight decay", xlim=(-0.3, len(decays) - 0.7))
        for panel, row in zip(axes[:, 0], ROWS, strict=True):
            panel.set_ylabel(row.words)
            if not row.log:
                panel.set_ylim(bottom=0)
        lines = [
            (Line2D([], [], color=LOOKS[name][0], linestyle=LOOKS[name][1]), said) for name, said in LEGEND.items()
        ]
        filled = [(_mark(GREY), "collapsed in every seed"), (_mark("white"), "not in every seed")]
        figure.legend(*zip(*lines, *filled, strict=True), loc="outside lower center", frameon=False, ncols=3)


def draw(panel: Axes, networks: pd.DataFrame, row: PanelRow) -> None:
    """The lines of one panel; where a measure is not defined for any network, that is said."""
    if row.log:
        panel.set_yscale("log")
    whole = networks.groupby(DECAY)[COLLAPSED].all()
    x = range(len(whole))
    for column in row.columns:
        colour, style = LOOKS[column]
        values = networks.groupby(DECAY)[column].agg(["mean", "min", "max"])
        panel.fill_between(x, values["min"], values["max"], color=colour, alpha=0.2, linewidth=0)
        panel.plot(x, values["mean"], color=colour, linestyle=style, linewidth=1.3)
        if column != TARGETS:
            face = [colour if collapsed else "white" for collapsed in whole]
            panel.scatter(x, values["mean"], s=20, c=face, edgecolors=[colour], linewidths=1.1, zorder=3)
    undefined = [column for column in row.columns if networks[column].isna().all()]
    if undefined:
        words = f"{' and '.join(undefined)}:\nnot defined"
        panel.text(0.5, 0.06, words, transform=panel.transAxes, ha="center", fontsize=6.5, color=INK)
    panel.minorticks_off()
    sns.despine(ax=panel)


def _mark(fill: str) -> Line2D:
    return Line2D([], [], color=GREY, marker="o", linestyle="", markersize=4.5, markerfacecolor=fill)

"""`noise_by_rank`: the noise fraction of every layer as a function of the signal rank k."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullFormatter, NullLocator

from deepnrc.figures.canvas import INK, picture
from deepnrc.figures.curves.held import DASHED
from deepnrc.figures.layout import Entry, headed, legend
from deepnrc.figures.spectra.panels import depth_colours, layer_bar, panels
from deepnrc.figures.spectra.tails import HOLLOW, LOOK, ROUNDING, Colour
from deepnrc.figures.words import log_ticks
from deepnrc.table import Table


def noise_by_rank(
    report: Table,
    *,
    step: int | None = None,
    run: str | None = None,
    path: str | Path | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of each layer's variance outside of its top k, over k = 1 .. min(2n, d - 1); a panel a run.

    A line is a layer, the first light and the last dark; the dashed upright is the k that was used. A layer that keeps
    k directions falls off at k. Open markers are no more than rounding could have made.

    Args:
        step, run: take these only; None for each run's last step, and for all runs.
        path: save there as .png, .pdf or .svg.
        ax: draw there instead of in a new figure.
    Returns: the first Axes; ``.figure.axes`` holds all.
    Errors: UsageError for a step, run or file name that will not do, and where the report holds no eigenvalues.
    """
    last = report.at(step, run)
    rows = last.noise_curves()
    runs = [name for name in last.runs if (rows["run"] == name).any()]
    colours = depth_colours(sorted(set(rows["depth"])))
    with picture(path, ax) as figure:
        axes = panels(figure, ax, runs, rows)
        shown: dict[str, Entry] = {}
        for panel, name in zip(axes, runs, strict=True):
            mine = rows[rows["run"] == name]
            for depth, layer in mine.groupby("depth"):
                shown |= {words: (handle, words) for handle, words in _line(panel, layer, colours[int(str(depth))])}
            _upright(panel, mine, int(rows["k"].max()))
            sns.despine(ax=panel)
        _scales(axes, rows)
        if len(colours) > 1:
            layer_bar(axes, rows, colours)
        moment = f", step {last.steps[0]}" if len(report.steps) > 1 and len(last.steps) == 1 else ""
        headed(axes, "Noise by signal rank" + moment, figure)
        legend(axes, list(shown.values()), figure, flat=True)
    return axes[0]


def _line(ax: Axes, rows: pd.DataFrame, colour: Colour) -> list[Entry]:
    """Draw a layer up to the first k whose noise is no more than rounding, which stands at the floor, hollow."""
    k, noise, floor = (rows[name].to_numpy(float) for name in ("k", "noise_fraction", "floor"))
    under = noise <= floor
    end = int(under.argmax()) + 1 if under.any() else len(k)
    drawn = np.where(under, np.where(floor > 0, floor, np.nan), noise)
    ax.plot(k[:end], drawn[:end], marker="o", color=colour, **LOOK)
    if not under.any():
        return []
    ax.plot(k[end - 1 : end], drawn[end - 1 : end], **{**LOOK, "color": colour, "zorder": 3, **HOLLOW})
    return [(Line2D([], [], **{**LOOK, "color": "0.35", **HOLLOW}), ROUNDING)]


def _upright(ax: Axes, rows: pd.DataFrame, most: int) -> None:
    ax.set_xlabel("signal rank k")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlim(0.6, most + 0.4)
    known = rows["rank"].dropna()
    if len(known) and int(known.iloc[0]) <= most:
        k = int(known.iloc[0])
        ax.axvline(k, **DASHED)
        ax.annotate(
            f"k = {k}", (k, 0), (2, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
            fontsize=6.5, color=INK,
        )  # fmt: skip


def _scales(axes: list[Axes], rows: pd.DataFrame) -> None:
    heights = np.concatenate([np.ravel(line.get_ydata()) for panel in axes for line in panel.lines])
    low = min(0.1, float(heights[heights > 0].min(initial=0.1))) / 1.8
    ticks = log_ticks(low, 1, 6)
    for panel in axes:
        place = panel.get_subplotspec()
        panel.set_ylabel("noise fraction" if place is None or place.is_first_col() else "")
        panel.set_yscale("log")
        panel.set_ylim(low, 1.8)
        panel.yaxis.set_major_locator(FixedLocator([level for level, _ in ticks]))
        panel.yaxis.set_major_formatter(FixedFormatter([text for _, text in ticks]))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_minor_formatter(NullFormatter())

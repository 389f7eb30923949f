"""Measured over predicted, layer by layer: trained networks beside deep linear ones of their weight decay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import seaborn as sns
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator
from torch import Tensor

from deepnrc.errors import UsageError
from deepnrc.figures import INK, picture
from experiments.theory import EveryLayer

PANELS: tuple[tuple[str, int, Callable[[EveryLayer], Tensor]], ...] = (  # title, first layer, ratios by layer
    ("singular values of the weights", 1, lambda one: one.weight_ratios),
    ("spread of the features", 2, lambda one: one.feature_ratios),
    ("stable rank of the features", 2, lambda one: one.rank_ratios[:, None]),
)
DASHES: tuple[Literal["-"], Literal["--"]] = ("-", "--")  # of the strongest and of the weakest direction


def draw_ratios(found: Mapping[str, EveryLayer], path: Path) -> None:
    """One panel each for weights, features and their stable rank: by layer the strongest direction (full lines) and the
    weakest that the prediction keeps (dashed), a colour a setting; 1 is the prediction.

    Errors: UsageError if there is nothing to draw.
    """
    if not found:
        raise UsageError("There is nothing to draw: give at least one network.")
    colours = dict(
        zip(found, sns.color_palette("viridis" if len(found) > 8 else "colorblind", len(found)), strict=True)
    )
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(7.4, 2.85 + 0.14 * -(-len(found) // 2))
        for ax, (title, first, ratios) in zip(figure.subplots(1, len(PANELS), sharey=True), PANELS, strict=True):
            ax.axhline(1, color=INK, linewidth=0.8)
            for label, one in found.items():
                values = ratios(one).numpy()
                ends = values[:, [0, -1]] if values.shape[1] > 1 else values
                layers = np.arange(first, first + len(values))
                for column, dash in zip(ends.T, DASHES, strict=False):
                    look = {"color": colours[label], "linestyle": dash, "marker": ".", "linewidth": 1.1}
                    ax.plot(layers, np.where(column > 0, column, np.nan), label=label if dash == "-" else None, **look)
            ax.set(xlabel="layer", title=title, yscale="log")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.yaxis.set(major_locator=LogLocator(subs=(1, 2, 3, 5, 7)), major_formatter="{x:g}", minor_formatter="")
            sns.despine(ax=ax)
        figure.axes[0].set_ylabel("measured / predicted")
        marks, names = figure.axes[0].get_legend_handles_labels()
        if any(one.weight_ratios.shape[1] > 1 for one in found.values()):
            marks = [*marks, *(Line2D([], [], color=INK, linestyle=dash, linewidth=1.1) for dash in DASHES)]
            names += ["strongest direction", "weakest direction kept"]
        figure.legend(marks, names, loc="outside lower center", ncols=2, frameon=False)

"""The panels that spectra and what is made of them share: a panel a run, a colour a layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from deepnrc.errors import UsageError
from deepnrc.figures.spectra.tails import Colour
from deepnrc.figures.words import labels, thinned

ACROSS = 3  # panels side by side
NAME = 16  # characters of a layer's name at the colour bar


def depth_colours(depths: Sequence[int]) -> dict[int, Colour]:
    """Light to dark in order of depth, without the yellow that white paper swallows."""
    places = np.linspace(0.12, 1, len(depths)) if len(depths) > 1 else [1.0]
    return {depth: colormaps["viridis_r"](place)[:3] for depth, place in zip(depths, places, strict=True)}


def panels(figure: Figure | None, ax: Axes | None, runs: Sequence[str], rows: pd.DataFrame) -> list[Axes]:
    """A panel a run, in the figure or on the one Axes that was given. Errors: UsageError for one Axes and more runs."""
    if figure is None:
        if ax is None or len(runs) > 1:
            raise UsageError(f"One Axes holds one panel, and here are {len(runs)}, one a run. Leave out ax.")
        return [ax]
    across = min(ACROSS, len(runs))
    lines = math.ceil(len(runs) / across)
    beside = 0.07 * max(len(name) for name in labels(rows["layer"], NAME)) + 0.45
    figure.set_size_inches((2.9 if across == 1 else 2.3 * across) + beside, 2.2 * lines + 0.6)
    axes: list[Axes] = figure.subplots(lines, across, squeeze=False, sharey=True).ravel().tolist()
    for spare in axes[len(runs) :]:
        spare.remove()
    for panel, name in zip(axes, labels(runs) if len(runs) > 1 else [""], strict=False):
        panel.set_title(name, parse_math=False)
    return axes[: len(runs)]


def layer_bar(axes: Sequence[Axes], rows: pd.DataFrame, colours: Mapping[int, Colour]) -> None:
    """The layers' colours as a bar, the first at the top; layers whose names differ between runs by their depths."""
    figure = axes[0].get_figure()
    assert figure is not None
    named = rows.drop_duplicates(["depth", "layer"]).sort_values("depth")
    same = len(named) == len(colours)
    names = labels(named["layer"], NAME) if same else [str(depth) for depth in colours]
    norm = BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours))
    bar = figure.colorbar(
        ScalarMappable(norm, ListedColormap(list(colours.values()))), ax=list(axes), aspect=20, pad=0.03
    )
    bar.outline.set_visible(False)
    kept = thinned(len(names), 14)
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.set_ticks(kept, labels=[names[i] for i in kept])
    for text in bar.ax.get_yticklabels():
        text.set_parse_math(False)
    bar.ax.tick_params(length=0)
    bar.ax.invert_yaxis()
    bar.set_label("layer, first at the top" if same else "depth (0: first layer)")

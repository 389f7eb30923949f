"""One panel of a heatmap: cells, the marks on them, and the colour bar beside them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from deepnrc.figures.canvas import INK
from deepnrc.figures.heatmaps.grids import Flags, Grid, Numbers
from deepnrc.figures.scales import COLLAPSED_IS_DARK, NEUTRAL, Scale
from deepnrc.figures.words import number

Words = NDArray[np.str_]
GREY, HATCH, BELOW_HATCH = "#d0d0d0", "////", "....."
PRINTED_SIZE = 6.5
CHARACTER, LINE = 0.056, 0.13  # inches that a printed character, and a line, needs
ONSET: dict[str, Any] = {
    "color": "white",
    "linewidth": 1.6,
    "path_effects": [withStroke(linewidth=3.2, foreground=INK)],
}
LOW: dict[str, Any] = {**ONSET, "linewidth": 1.0, "linestyle": (0, (2, 1.5))}
NARROW_HATCH = "xx"
VECTOR_CELLS = 400  # more than so many, or cells without lines between, are one embedded image in PDF and SVG


def paint(ax: Axes, grid: Grid, scales: Sequence[Scale], words: Words | None, *, joined: bool = True) -> None:
    """Draw the cells: colour, value where one is printed, grey where there is none, and where low noise and collapse
    begin.

    Args:
        scales: one for all columns, or one a column.
        words: what to print in each cell; None to print nothing.
        joined: whether columns follow one another, as steps do, so that the line of onset runs on.
    """
    scales = scales if len(scales) > 1 else [*scales] * len(grid.columns)
    place = np.column_stack([s.place(_clipped(grid, i, s)) for i, s in enumerate(scales)])
    for directed in (True, False):
        elsewhere = grid.missing | grid.absent | np.array([s.directed != directed for s in scales])
        if not elsewhere.all():
            _mesh(ax, place, elsewhere, words, COLLAPSED_IS_DARK if directed else NEUTRAL)
    _hatched(ax, grid.missing & ~grid.narrow, facecolor=GREY, edgecolor="white", hatch=HATCH)
    _hatched(ax, grid.narrow, facecolor=GREY, edgecolor="white", hatch=NARROW_HATCH)
    if words is None:
        _hatched(ax, grid.below, facecolor="none", edgecolor="white", hatch=BELOW_HATCH)
    _onset(ax, grid.low, len(grid.layers), LOW, joined=joined)
    _onset(ax, grid.onset, len(grid.layers), ONSET, joined=joined)
    ax.set(xlim=(0, len(grid.columns)), ylim=(len(grid.layers), 0), xlabel="", ylabel="")
    sns.despine(ax=ax, left=True, bottom=True)


def printed(grids: Sequence[Grid], logs: Sequence[bool], cell: tuple[float, float]) -> Sequence[Words | None]:
    """What to print in each panel's cells; None if a value does not fit into a cell of this width and height."""
    words = [
        np.array([[_word(g, i, j, logs[j % len(logs)]) for j in range(len(g.columns))] for i in range(len(g.layers))])
        for g in grids
    ]
    longest = max(len(word) for panel in words for word in panel.ravel())
    return words if cell[0] >= CHARACTER * longest + 0.03 and cell[1] >= LINE else [None] * len(grids)


def explained(grids: Sequence[Grid], tau: float, *, words: bool) -> list[tuple[Patch | Line2D, str]]:
    """Legend entries for the marks that the panels bear."""
    entries: list[tuple[Patch | Line2D, str]] = []
    if any(start is not None for grid in grids for start in grid.onset):
        line = Line2D([], [], **ONSET)
        entries.append((line, "collapse onset: from here to the last layer that can be judged"))
    if any(start is not None for grid in grids for start in grid.low):
        line = Line2D([], [], **LOW)
        entries.append((line, f"low noise: fraction ≤ τ = {tau:g} from here to the last layer"))
    if any(grid.narrow.any() for grid in grids):
        patch = Patch(facecolor=GREY, edgecolor="white", hatch=NARROW_HATCH, linewidth=0)
        entries.append((patch, "too narrow to tell: d < 2k"))
    if any((grid.missing & ~grid.narrow).any() for grid in grids):
        patch = Patch(facecolor=GREY, edgecolor="white", hatch=HATCH, linewidth=0)
        entries.append((patch, "not defined or degenerate"))
    if any(grid.below.any() for grid in grids):
        patch = Patch(facecolor="#440154", edgecolor="white", hatch="" if words else BELOW_HATCH, linewidth=0)
        entries.append((patch, f"{'< or ≤: ' if words else ''}at or below the numerical floor"))
    return entries


def _mesh(ax: Axes, place: Numbers, hidden: Flags, words: Words | None, colours: str) -> None:
    sns.heatmap(
        place,
        ax=ax,
        mask=hidden,
        cmap=colours,
        vmin=0,
        vmax=1,
        cbar=False,
        xticklabels=False,
        yticklabels=False,
        annot=words,
        fmt="",
        annot_kws={"size": PRINTED_SIZE},
        linewidths=0.6 if words is not None else 0,
    )
    ax.collections[-1].set_rasterized(words is None or place.size > VECTOR_CELLS)


def _clipped(grid: Grid, column: int, scale: Scale) -> Numbers:
    lowest = float(scale.norm.vmin or 0)
    return np.where((grid.below | grid.missing | grid.absent)[:, column], lowest, grid.values[:, column])


def _word(grid: Grid, row: int, column: int, log: bool) -> str:
    if grid.missing[row, column] or grid.absent[row, column]:
        return ""
    value, floor = grid.values[row, column], grid.floor[row, column]
    if not grid.below[row, column]:
        return number(value, log)
    return f"<{number(max(value, floor))}" if floor > 0 else f"≤{number(value)}"


def _hatched(ax: Axes, where: Flags, **look: Any) -> None:
    for row, flags in enumerate(where):
        start = 0
        for flag, run in groupby(flags):
            width = len(list(run))
            if flag:
                ax.add_patch(Rectangle((start, row), width, 1, linewidth=0, **look))
            start += width


def _onset(ax: Axes, onset: Sequence[int | None], rows: int, look: dict[str, Any], *, joined: bool) -> None:
    corners: list[tuple[float, float]] = []
    before: int | None = None
    for column, start in enumerate(onset):
        if joined and column and (start is None) != (before is None):
            corners.append((column, rows))
        if start is not None:
            corners += [(column, start), (column + 1, start)]
        if start is None or not joined:
            corners.append((np.nan, np.nan))
        before = start
    if any(start is not None for start in onset):
        ax.plot(*zip(*corners, strict=True), **look, solid_capstyle="butt", solid_joinstyle="miter")

"""What stands beside and below the cells: layers, steps, runs, measures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes

from deepnrc.figures.heatmaps.grids import Grid
from deepnrc.figures.referencelines import Mark
from deepnrc.figures.words import label, number, thinned
from probes import Probe

WRAPPED = 0.68  # inches of width that a heading in several lines needs


def name_rows(ax: Axes, grid: Grid, height: float) -> None:
    """Layer names down the side, first layer at the top, thinned if rows are lower than a line of text."""
    kept = thinned(len(grid.layers), max(2, int(len(grid.layers) * height / 0.11)))
    ax.set_yticks([i + 0.5 for i in kept], [grid.layers[i] for i in kept], parse_math=False, rotation=0)
    ax.tick_params(axis="y", length=0)
    place = ax.get_subplotspec()
    if place is None or place.is_first_col():
        ax.set_ylabel("layer, first at the top")


def name_columns(ax: Axes, grid: Grid, width: float) -> None:
    """Column labels, thinned if they do not fit."""
    longest = max(len(column) for column in grid.columns)
    upright = longest * 0.075 + 0.08 <= width or longest <= 5
    room = longest * 0.075 + 0.1 if upright else 0.14
    kept = thinned(len(grid.columns), max(2, int(len(grid.columns) * width / room)))
    ax.set_xticks(
        [i + 0.5 for i in kept],
        [grid.columns[i] for i in kept],
        parse_math=False,
        rotation=0 if upright else 30,
        ha="center" if upright else "right",
        rotation_mode="anchor",
    )
    ax.tick_params(axis="x", length=0 if len(kept) == len(grid.columns) else 3)


def head_columns(
    ax: Axes, probes: Sequence[Probe], marks: Sequence[Sequence[Mark]], width: float, *, last: bool
) -> None:
    """Measures in words below the last panel, with the value that collapse has; upwards if columns are narrow."""
    heads = [_head(probe, held) for probe, held in zip(probes, marks, strict=True)] if last else []
    if width < WRAPPED:
        heads = [" ".join(head.split()) for head in heads]
    ax.set_xticks([i + 0.5 for i in range(len(heads))], heads, parse_math=False, rotation=90 if width < WRAPPED else 0)
    ax.tick_params(axis="x", length=0)


def _head(probe: Probe, marks: Sequence[Mark]) -> str:
    words = textwrap.fill(label(probe.title, 60), 12, break_long_words=False)
    level = next((mark for mark in marks if not (mark.chance or mark.held.threshold)), None)
    if probe.collapsed is not None:
        goal = f"→ {probe.collapsed:g}"
    elif level is not None:
        goal = f"{level.held.short} {number(level.high, probe.log, 1)}"
    else:
        goal = {"low": "↓", "high": "↑", "": ""}[probe.better]
    return f"{words}\n{goal}"

"""The levels drawn into curves: what a measure is held against, chance, and the numerical floor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from deepnrc.figures.canvas import INK
from deepnrc.figures.referencelines import levels
from deepnrc.figures.words import number
from deepnrc.table import TAU, Table
from probes import Probe, Reference

NEAR = 1e3  # the floor is drawn if a value comes within this factor of it
LEVEL = "#5a5a5a"
DASHED: dict[str, Any] = {"color": LEVEL, "linewidth": 0.9, "linestyle": "--", "zorder": 1}
DOTTED: dict[str, Any] = {**DASHED, "linestyle": ":", "linewidth": 1.1}
Coloured = Sequence[tuple[tuple[float, float, float], pd.DataFrame]]


def draw_levels(
    ax: Axes,
    report: Table,
    probe: Probe,
    drawn: Coloured,
    along: str,
    tau: float = TAU,
    places: Mapping[str, int] | None = None,
    edge: float | None = None,
) -> None:
    """Draw what the lines' values are to be held against, each named at the right edge.

    Args:
        places: by run, where it stands along the horizontal axis, if that is what was swept.
        edge: where values stand that rounding made, if the floor lies too far below; None if the floor is drawn.
    """
    if along != "step":
        _chance(ax, [rows.dropna(subset="chance") for _, rows in drawn], along)
    if edge is None:
        _floor(ax, pd.concat([rows for _, rows in drawn]), along)
    else:
        _say(ax, edge, "at floor")
    if probe.reference is None:
        return
    held = levels(report.table, probe.reference, tau)
    if places is not None and probe.reference.measure:
        _swept(ax, probe.reference, held, places, log=probe.log)
    elif probe.reference.measure and probe.reference.collapsed:
        _own(ax, probe.reference, held, drawn, log=probe.log)
    elif len(held):
        for level in {held.min(), held.max()}:
            ax.axhline(level, **DASHED)
        _say(ax, float(held.min()), f"{probe.reference.short}\n{number(held.min(), probe.log, 1)}")


def _own(ax: Axes, reference: Reference, held: pd.Series[float], drawn: Coloured, *, log: bool) -> None:
    """Each run's own level, in the colour of its line if there are several."""
    for run, level in held.items():
        colours = [colour for colour, rows in drawn if len(held) > 1 and len(rows) and rows["run"].iloc[0] == run]
        ax.axhline(level, **{**DASHED, "color": [*colours, LEVEL][0]})
    if len(held):
        one = f"{reference.short}\n{number(held.min(), log, 1)}"
        _say(ax, float(held.min()), one if len(held) == 1 else reference.words.replace(" ", "\n", 1))


def _swept(ax: Axes, reference: Reference, held: pd.Series[float], places: Mapping[str, int], *, log: bool) -> None:
    """The mean level at each value of what is swept."""
    line = held[[run in places for run in held.index]]
    line = line.groupby(line.index.map(places)).mean().sort_index()
    if len(line):
        ax.plot(line.index, line, **DASHED)
        _say(ax, float(line.iloc[-1]), f"{reference.short}\n{number(line.iloc[-1], log, 1)}")


def _chance(ax: Axes, drawn: Sequence[pd.DataFrame], along: str) -> None:
    seen: set[tuple[float, ...]] = set()
    for rows in drawn:
        level = tuple(rows["chance"].round(12))
        if level and level not in seen:
            ax.plot(rows[along], rows["chance"], **DOTTED)
            if not seen:
                _say(ax, level[-1], "chance")
            seen.add(level)


def _floor(ax: Axes, rows: pd.DataFrame, along: str) -> None:
    if (rows["value"] <= NEAR * rows["floor"]).any():
        highest = rows.groupby(along)["floor"].max()
        ax.plot(highest.index, highest, **DOTTED)
        _say(ax, float(highest.iloc[-1]), "floor")


def _say(ax: Axes, level: float, words: str) -> None:
    if not math.isfinite(level) or (ax.get_yscale() == "log" and level <= 0):
        return  # words at a level that the axis has no place for would stand far outside and leave none for panels
    place: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "annotation_clip": False}
    ax.annotate(words, xy=(1, level), xytext=(2, 0), **place, va="center", fontsize=6.5, color=INK)

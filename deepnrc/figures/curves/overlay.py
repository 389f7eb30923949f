"""A published curve over the lines of a measure by depth, with how far each line is from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from deepnrc.errors import UsageError
from deepnrc.figures.canvas import INK
from deepnrc.figures.curves.axis import values
from deepnrc.figures.curves.curves import Curve
from deepnrc.table import PublishedCurve, apart, beside
from probes import Probe

LOOK: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 1.5)), "marker": "x", "markersize": 4.5, "linewidth": 1.2}


def check_axis(curve: PublishedCurve, along: str) -> None:
    """Refuse a curve by depth with a UsageError where something else lies below."""
    if list(curve.values) != [0] and along != "depth":
        raise UsageError("A published curve runs by depth, and here something else lies below. Leave out along.")


def draw_published(ax: Axes, curve: PublishedCurve, drawn: Sequence[Curve], probe: Probe) -> None:
    """Draw the curve layer by layer, or, of what belongs to the whole network, as a level, and make room for it."""
    heights = list(curve.values.values())
    if list(curve.values) == [0]:
        ax.axhline(heights[0], **{**LOOK, "marker": ""})
    else:
        places = dict(enumerate(sorted(set(drawn[0].rows["depth"])), 1))
        ax.plot([places[layer] for layer in curve.values], heights, zorder=3, **LOOK)
    low, high = ax.get_ylim()
    least, most = (0.8, 1.25) if probe.log else (1.0, 1.05)
    inside = [height for height in heights if height > 0] if ax.get_yscale() == "log" else heights
    ax.set_ylim(min([low, *(least * height for height in inside)]), max([high, *(most * height for height in inside)]))
    values(ax, probe)


def distance(line: Curve, curve: PublishedCurve) -> str:
    """How far a line is from the curve, in words; see ``deepnrc.table.beside`` for what is refused."""
    return apart(beside(line.rows, curve))


def beside_entries(drawn: Sequence[Curve], curve: PublishedCurve) -> list[tuple[Artist, str]]:
    """Legend entries: every line with its distance, and the curve."""
    handles = [Line2D([], [], color=c.colour, marker=c.marker, markersize=3.6, linewidth=1.3) for c in drawn]
    names = [line.words for line in drawn] if len(drawn) > 1 else [str(drawn[0].rows["run"].iloc[0])]
    words = [f"{name}\n{distance(line, curve)}" for name, line in zip(names, drawn, strict=True)]
    return [*zip(handles, words, strict=True), (Line2D([], [], **LOOK), f"{curve.told}\n{curve.paper}")]


def published_entry(curve: PublishedCurve) -> tuple[Artist, str]:
    """The legend entry of all the curves of a series."""
    return Line2D([], [], **LOOK), f"published: {', '.join(filter(None, (curve.study, curve.series)))} ({curve.paper})"

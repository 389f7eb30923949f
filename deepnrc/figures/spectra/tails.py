"""The lines of a spectrum in one panel: a layer each, by index, or a value each, by depth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from deepnrc.figures.canvas import INK
from deepnrc.figures.curves.axis import by_depth
from deepnrc.figures.curves.held import DASHED
from deepnrc.figures.layout import Entry
from deepnrc.figures.words import log_ticks, thinned

Colour = tuple[float, float, float]
SIGNAL, NOISE = sns.color_palette("colorblind")[:2]
BEHIND = 6  # values behind the k-th that are drawn by depth
SIGNALS = 12  # and values up to it, at most
WIDE = 24  # from so many values on the index stands on a logarithmic axis
ROUNDING = "no more than rounding"
LOOK: dict[str, Any] = {"linewidth": 1.1, "markersize": 2.4, "markeredgewidth": 0.8}
REFERENCE: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 2)), "marker": "s", "zorder": 3}
HOLLOW: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 3.2, "markerfacecolor": "white"}


def along_index(
    ax: Axes, rows: pd.DataFrame, targets: pd.DataFrame, colours: Mapping[int, Colour], k: int | None, most: int
) -> list[Entry]:
    """Draw a line for each layer and one for the targets, and the cut behind the k-th value; the legend's entries.

    Args:
        most: the largest index of all panels.
    """
    dots = {"marker": "o"} if most < WIDE else {}
    entries: list[Entry] = [(Line2D([], [], **LOOK, **REFERENCE), "targets")] if len(targets) else []
    for depth, layer in rows.groupby("depth"):
        entries += _line(ax, layer, "index", color=colours[int(str(depth))], **dots)
    if len(targets):
        entries += _line(ax, targets, "index", **REFERENCE)
    _indices(ax, most)
    if k is not None and k < most:
        cut = math.sqrt(k * (k + 1)) if most >= WIDE else k + 0.5
        ax.axvline(cut, **DASHED)
        place: Any = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "fontsize": 6.5}
        ax.annotate(f"k = {k}", (cut, 0), (-2, 3), **place, ha="right", color=INK)  # below the lines, which fall later
    return entries


def along_depth(ax: Axes, rows: pd.DataFrame, k: int | None) -> list[Entry]:
    """Draw a line for each of the leading values, the first k apart from the next; the legend's entries."""
    shown = [i for i in sorted(set(rows["index"])) if i <= (k or 0) + BEHIND]
    signal, noise = [i for i in shown if i <= (k or 0)], [i for i in shown if i > (k or 0)]
    found: list[Entry] = []
    for index in [*(signal[i] for i in thinned(len(signal), SIGNALS)), *noise]:
        colour = SIGNAL if index in signal or k is None else NOISE
        found += _line(ax, rows[rows["index"] == index], "depth", color=colour, marker="o")
    by_depth(ax, rows, tilted=True)
    words = [
        (signal, SIGNAL, f"values 1 to {k}" if k != 1 else "value 1"),
        (noise, SIGNAL if k is None else NOISE, f"values {noise[0]} to {noise[-1]}" if noise else ""),
    ]
    lines: list[tuple[Artist, str]] = [
        (Line2D([], [], color=colour, marker="o", **LOOK), text) for drawn, colour, text in words if drawn
    ]
    return [*lines, *found]


def _line(ax: Axes, rows: pd.DataFrame, along: str, **look: Any) -> list[Entry]:
    """Draw a line; what is no more than rounding stands at its floor with an open marker.

    By index the line ends at the first of those: whatever follows is smaller.
    """
    x, height, least = (rows[name].to_numpy(float) for name in (along, "height", "least"))
    under = height <= least
    drawn = np.where(under & (least > 0), least, np.where(under, np.nan, height))
    end = int(under.argmax()) + 1 if along == "index" and under.any() else len(x)
    ax.plot(x[:end], drawn[:end], **LOOK, **look)
    at = np.flatnonzero(under[:end])
    if not len(at):
        return []
    ax.plot(x[at], drawn[at], **{**LOOK, "color": look["color"], "zorder": 3, **HOLLOW})
    return [(Line2D([], [], **{**LOOK, "color": "0.35", **HOLLOW}), ROUNDING)]


def _indices(ax: Axes, most: int) -> None:
    ax.set_xlabel("index")
    if most < WIDE:
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.set_xlim(0.6, most + 0.4)
        return
    ax.set_xscale("log")
    ticks = log_ticks(1, most, 4) if most >= 100 else [(float(i), f"{i}") for i in (1, 2, 5, 10, 20, 50) if i <= most]
    ax.xaxis.set_major_locator(FixedLocator([level for level, _ in ticks]))
    ax.xaxis.set_major_formatter(FixedFormatter([f"{level:.0f}" for level, _ in ticks]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(0.88, most * 1.14)

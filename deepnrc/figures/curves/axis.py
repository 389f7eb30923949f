"""The axes of curves: layers in order of depth or steps below, and values up the side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from deepnrc.figures.words import labels, log_ticks, thinned
from probes import Probe

MANY = 1e4  # times: a logarithmic axis that reaches further has ticks at decades alone
CHARACTER, LINE = 0.075, 0.14  # inches that a character, and a line of text, of a tick label needs


def by_depth(ax: Axes, rows: pd.DataFrame, *, tilted: bool) -> None:
    """Name the layers in order of depth; layers whose names differ between runs, or do not fit, by their depths.

    Args:
        tilted: write names upwards if they do not fit otherwise.
    """
    named = rows.drop_duplicates(["depth", "layer"]).sort_values("depth")
    depths = sorted(set(named["depth"]))
    words = labels(named["layer"], 20)
    room = ax.get_position().width * ax.get_figure(root=True).get_figwidth() / len(depths)  # type: ignore[union-attr]
    longest = max(len(word) for word in words)
    upright = longest * CHARACTER + 0.05 <= room or longest <= 3
    same = len(named) == len(depths) and (upright or tilted)
    if not same:
        words, longest, upright = [str(depth) for depth in depths], 3, True
    needed = longest * CHARACTER + 0.05 if upright else LINE
    kept = thinned(len(words), max(2, int(len(words) * room / needed)))
    ax.set_xticks([depths[i] for i in kept], [words[i] for i in kept], parse_math=False, rotation=0 if upright else 90)
    ax.set_xlabel("layer" if same else "depth (0: first layer)")
    margin = max(0.04 * (depths[-1] - depths[0]), 0.3)
    ax.set_xlim(depths[0] - margin, depths[-1] + margin)


def by_step(ax: Axes, steps: Sequence[int]) -> None:
    """Steps on a linear axis, or, if most of them come early, on one that is logarithmic from 1."""
    early = len(steps) > 3 and steps[len(steps) // 2] < steps[-1] / 4
    if early:
        ax.set_xscale("symlog", linthresh=1, linscale=0.3)
        kept = _apart(ax, steps)
        ax.xaxis.set_major_locator(FixedLocator([steps[i] for i in kept]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter("{x:.0f}")
    ax.set_xlabel("step")


def _apart(ax: Axes, steps: Sequence[int]) -> list[int]:
    """Positions of steps whose numbers do not touch below the axis: the last, the first, and what fits between."""
    width = ax.get_position().width * ax.get_figure(root=True).get_figwidth()  # type: ignore[union-attr]
    places = ax.xaxis.get_transform().transform(np.array(steps, dtype=float))
    middles = (places - places[0]) / (places[-1] - places[0]) * width / 1.1  # in inches, less margins
    halves = [(len(str(step)) * CHARACTER + 0.05) / 2 for step in steps]
    kept = [len(steps) - 1, 0]
    for i in range(len(steps) - 2, 0, -1):
        if all(abs(middles[i] - middles[j]) >= halves[i] + halves[j] for j in kept):
            kept.append(i)
    return sorted(kept)


def by_place(ax: Axes, swept: Sequence[object]) -> None:
    """The values of what was swept, at equal distances."""
    words = [f"{value:g}" if isinstance(value, int | float) else str(value) for value in swept]
    words = labels(words, 20)
    kept = thinned(len(words), 8)
    tilted = max(len(word) for word in words) > 7
    ax.set_xticks(kept, [words[i] for i in kept], parse_math=False, rotation=90 if tilted else 0)
    ax.set_xlim(-0.3, len(words) - 0.7)


def values(ax: Axes, probe: Probe) -> None:
    """Limits and ticks of the vertical axis: a decade or more if logarithmic, 0 to 1 for what is bounded so."""
    if probe.log:
        low, high = ax.get_ylim()
        low = min(low, high / 12)
        ax.set_ylim(low, high)
        ticks = log_ticks(low, high, 6)
        ax.yaxis.set_major_locator(FixedLocator([level for level, _ in ticks]))
        ax.yaxis.set_major_formatter(FixedFormatter([words for _, words in ticks]))
        ax.yaxis.set_minor_formatter(NullFormatter())
        if high > MANY * low:
            ax.yaxis.set_minor_locator(NullLocator())  # as many small ticks would run together
        return
    bottom, top = probe.bounds
    if (bottom, top) == (0.0, 1.0):
        ax.set_ylim(-0.03, 1.03)
    elif bottom >= 0:
        ax.set_ylim(bottom=0)

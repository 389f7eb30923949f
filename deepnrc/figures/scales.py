"""What a colour means: the limits, direction and reference marks of a measure's scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, ListedColormap, LogNorm, Normalize
from numpy.typing import NDArray

from deepnrc.figures.referencelines import Mark
from probes import Probe

COLLAPSED_IS_DARK = "viridis"
NEUTRAL = "Oranges"
FLAT = 4.0  # times the median: a largest value beyond it takes a logarithmic scale
DECADES = 2  # a log scale spans at least so many, so that a layer far from collapse never looks collapsed


@dataclass(frozen=True)
class Scale:
    """Colours of one measure: what is dark in ``viridis`` is always what collapsed layers reach.

    Attributes:
        directed: whether the measure says where collapse lies: at an end, or at a level.
        level: the level, or the range of levels over runs, that collapsed layers come to from either side; None for a
            measure that has a better end.
    """

    norm: Normalize
    cmap: Colormap
    directed: bool
    level: tuple[float, float] | None = None

    def place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where values lie on the map, from 0 (dark: collapsed, where the measure says where that lies) to 1."""
        place = np.asarray(np.ma.filled(self.norm(np.clip(values, self.norm.vmin, self.norm.vmax)), np.nan))
        if self.level is not None:
            return _away(place, *(float(self.norm(end)) for end in self.level))
        return 1 - place if self.cmap.name.endswith("_r") else place


def _away(place: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """How far places in [0, 1] lie from a range, as a share of the farthest that any could."""
    farthest = max(low, 1 - high) or 1.0
    away: NDArray[np.float64] = np.maximum(np.maximum(low - place, place - high), 0) / farthest
    return away


def scale(probe: Probe, values: NDArray[np.float64], marks: Sequence[Mark] = ()) -> Scale:
    """The scale for values of one measure; every panel that shares it shows the same colour for the same value.

    Args:
        values: any shape; NaN, and on a log scale what is not positive, is left out.
        marks: references that the scale must reach; one at which a layer is collapsed is its dark end.
    """
    seen = np.array([*np.ravel(values), *(end for mark in marks for end in (mark.low, mark.high))], dtype=float)
    seen = seen[np.isfinite(seen) & ((seen > 0) | (not probe.log))]
    low, high = _log_limits(probe, seen) if probe.log else _linear_limits(probe, seen)
    low, high = _reaching(probe, marks, low, high)
    norm = LogNorm(low, high) if probe.log or _flattened(probe, seen, low) else Normalize(low, high)
    held = [m for m in marks if not (m.chance or m.held.threshold) and (m.low > 0 or not probe.log)]
    if held and not probe.better:
        return _about(norm, min(mark.low for mark in held), max(mark.high for mark in held))
    name = {"low": COLLAPSED_IS_DARK, "high": f"{COLLAPSED_IS_DARK}_r"}.get(probe.better, NEUTRAL)
    return Scale(norm, colormaps[name], bool(probe.better))


def _flattened(probe: Probe, seen: NDArray[np.float64], low: float) -> bool:
    """Whether a few large values of a measure without an upper bound would leave one colour to all others."""
    if not (low > 0 and math.isinf(probe.bounds[1]) and seen.size):
        return False
    return float(seen.max()) > FLAT * float(np.median(seen))


def _about(norm: Normalize, low: float, high: float) -> Scale:
    """The scale of a measure that collapsed layers have at a level: dark there, bright away from it."""
    places = _away(np.linspace(0, 1, 256), float(norm(low)), float(norm(high)))
    colours = colormaps[COLLAPSED_IS_DARK](places)
    return Scale(norm, ListedColormap(colours, name=f"{COLLAPSED_IS_DARK} about a level"), True, (low, high))


def _reaching(probe: Probe, marks: Sequence[Mark], low: float, high: float) -> tuple[float, float]:
    """Limits whose dark end is the level at which a layer is collapsed, however far beyond it others lie."""
    ends = [end for mark in marks if mark.held.collapsed for end in (mark.low, mark.high) if end > 0 or not probe.log]
    if not ends:
        return low, high
    if probe.better == "high":
        dark = max(ends)
        return (min(low, dark / 10) if probe.log else low if low < dark else dark - 1), dark
    dark = min(ends)
    return dark, (max(high, dark * 10) if probe.log else high if high > dark else dark + 1)


def _log_limits(probe: Probe, seen: NDArray[np.float64]) -> tuple[float, float]:
    bottom, top = probe.bounds
    largest = float(seen.max()) if seen.size else 1.0
    if bottom > 0:
        return bottom, top if math.isfinite(top) else max(largest, bottom * 10**DECADES)
    high = top if math.isfinite(top) else largest
    smallest = float(seen.min()) if seen.size else high
    return min(smallest, high / 10**DECADES), high


def _linear_limits(probe: Probe, seen: NDArray[np.float64]) -> tuple[float, float]:
    bottom, top = probe.bounds
    low = bottom if math.isfinite(bottom) else float(seen.min()) if seen.size else 0.0
    high = top if math.isfinite(top) else max([*seen, low])
    return low, high if high > low else low + 1

"""Heights at which the values of lines stand. On a logarithmic axis what rounding made says no more than that it is
small, and does not press into a few millimetres what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from deepnrc.figures.curves.curves import Curve
from deepnrc.table import SILENT

FAR = 1e4  # times: rounding further than that below what was measured stands at the lower edge
EDGE = 10.0  # times: how far the edge lies below what was measured


def lower_edge(drawn: Sequence[Curve], log: bool, beside: Iterable[float] = ()) -> float | None:
    """Where what rounding made stands, if it lies far below all else; None if it does not, on a linear axis, and where
    nothing was measured above rounding.

    Args:
        beside: levels and published values that stand beside the lines.
    """
    if not log or not drawn:
        return None
    parts = [shown(curve.rows, log) for curve in drawn]
    heights, below = (np.concatenate(each) for each in zip(*parts, strict=True))
    rounded = np.concatenate([heights[below], *(_rounded_ends(curve.rows) for curve in drawn)])
    rounded = rounded[np.isfinite(rounded)]
    measured = heights[~below & (heights > 0)]
    if not len(measured) or not len(rounded):
        return None
    least = min([float(measured.min()), *(level for level in beside if level > 0 and math.isfinite(level))])
    return None if rounded.min() * FAR > least else least / EDGE


def shown(rows: pd.DataFrame, log: bool, edge: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Heights at which values are drawn, NaN for what says nothing; and which of them are at or below the floor.

    On a log axis such a value stands at its floor, or, where no floor is known, at the smallest value that can stand;
    none stands below the edge.
    """
    value = rows["value"].where(~rows["status"].isin(SILENT)).to_numpy(float)
    if not log:
        return value, np.zeros(len(value), bool)
    floor = rows["floor"].to_numpy(float)
    below = (rows["status"] == "below floor").to_numpy() | (value <= floor) | (value <= 0)
    positive = value[(value > 0) & np.isfinite(value)]
    least = np.where(floor > 0, floor, positive.min() if positive.size else np.nan)
    heights = np.where(below, np.maximum(value, least), value)
    return heights if edge is None else np.maximum(heights, edge), below & ~np.isnan(value)


def banded(rows: pd.DataFrame, log: bool, edge: float | None = None) -> tuple[np.ndarray, np.ndarray] | None:
    """The lower and upper end of the band of a line, None if it has none. On a log axis an end that is rounding stands
    at its floor, none below the edge, and one below 0 at the line."""
    if "low" not in rows or not (rows["low"] < rows["high"]).any():
        return None
    low, high = (rows[end].to_numpy(float) for end in ("low", "high"))
    if not log:
        return low, high
    floor, height = rows["floor"].fillna(0).to_numpy(float), shown(rows, log, edge)[0]
    high = np.maximum(high, floor)
    low = np.where(low >= 0, np.maximum(low, floor), low)
    low = np.where(low > 0, low, np.fmin(height, high))
    return (low, high) if edge is None else (np.maximum(low, edge), np.maximum(high, edge))


def _rounded_ends(rows: pd.DataFrame) -> np.ndarray:
    """The floors of lower ends of a band that are at or below them; ends below 0 are no values."""
    if "low" not in rows:
        return np.empty(0)
    low, floor = rows["low"].to_numpy(float), rows["floor"].to_numpy(float)
    return floor[(low >= 0) & (low <= floor)]

"""Heights at which the values of lines stand. On a logarithmic axis what rounding made says no more than that it is
small, and does not press into a few millimetres what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from deepnrc.figures.curves.curves import Curve
from deepnrc.table import SILENT

FAR = 1e4  # times: rounding further than that below what was measured stands at the lower edge
EDGE = 10.0  # times: how far the edge lies below what was measured


def lower_edge(drawn: Sequence[Curve], log: bool) -> float | None:
    """Where what rounding made stands, if it lies far below every measured value of the lines; None if it does not,
    on a linear axis, and where nothing was measured above rounding."""
    if not log or not drawn:
        return None
    parts = [shown(rows, log) for curve in drawn for rows in _each(curve.rows)]
    heights, below = (np.concatenate(each) for each in zip(*parts, strict=True))
    measured, rounded = heights[~below & (heights > 0)], heights[below]
    if not len(measured) or not len(rounded) or rounded.min() * FAR > measured.min():
        return None
    return float(measured.min() / EDGE)


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
    """The lower and upper end of the band of a line, drawn as values are; None if it has none."""
    if "low" not in rows or not (rows["low"] < rows["high"]).any():
        return None
    _, low, high = (shown(ends, log, edge)[0] for ends in _each(rows))
    return (np.fmin(low, shown(rows, log, edge)[0]), high) if log else (low, high)


def _each(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows with their values, and with the ends of their band for values."""
    ends = [rows.assign(value=rows[end]) for end in ("low", "high") if end in rows]
    return [rows, *ends]

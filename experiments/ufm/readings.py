"""What the framework's own probes read at a point of a problem, beside what the closed form predicts."""

from __future__ import annotations

import math

import pandas as pd
import torch

import deepnrc
from experiments.ufm.problem import Chain, Point, Problem
from probes import Outcome

PROBES = ("deep.*", "nrc.*", "model.mse")


def probed(
    problem: Problem, point: Point, cell: int = 0, *, probes: tuple[str, ...] = PROBES, rank: int | None = None
) -> deepnrc.Report:
    """Report of one cell through ``deepnrc.probe``: layers W1, W2, .. with what enters them."""
    network = Chain(point, cell, len(problem.widths), problem.relu)
    samples = torch.arange(problem.Y.shape[0])
    batches = list(zip(samples.split(256), problem.Y.split(256), strict=True))
    return deepnrc.probe(network, batches, probes=list(probes), rank=rank, progress=False)


def compared(report: deepnrc.Report, layer: str, expected: dict[tuple[str, str], Outcome]) -> pd.DataFrame:
    """The rows of a layer with ``predicted`` and ``error`` beside ``value``, where the closed form has a value.

    The error is absolute up to 1 and relative above; where infinity is predicted, it is the value's inverse.
    """
    table = report.table
    mine = table[table["layer"].isin((layer, "(network)"))]
    rows = []
    for row in mine.to_dict("records"):
        outcome = expected.get((row["measure"], row["variant"]))
        if outcome is not None and not math.isnan(outcome.value):
            rows.append({**row, "predicted": outcome.value, "error": error(row["value"], outcome.value)})
    return pd.DataFrame(rows)


def error(value: float, predicted: float) -> float:
    """How far a value is off: absolute up to 1, relative above, the inverse of what should be infinite."""
    if math.isinf(predicted):
        return 1 / abs(value)
    return abs(value - predicted) / max(1.0, abs(predicted))

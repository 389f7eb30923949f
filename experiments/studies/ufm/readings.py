"""What the framework's own probes read at a point of a problem, beside what the closed form predicts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import torch

import deepnrc
from experiments.studies.ufm.problem import Chain, Point, Problem
from probes import Outcome, Probe

PROBES = ("deep.*", "nrc.*", "model.mse")


def probed(
    problem: Problem, point: Point, cell: int = 0, *, probes: Sequence[str | Probe] = PROBES, rank: int | None = None
) -> deepnrc.Report:
    """Report of one cell through ``deepnrc.probe``: layers W1, W2, .. with what enters them."""
    network = Chain(point, cell, len(problem.widths), problem.relu)
    samples = torch.arange(problem.Y.shape[0])
    batches = list(zip(samples.split(256), problem.Y.split(256), strict=True))
    return deepnrc.probe(network, batches, probes=list(probes), rank=rank, progress=False)


def compared(report: deepnrc.Report, layer: str, expected: dict[tuple[str, str], Outcome]) -> pd.DataFrame:
    """A row for each measure of which the closed form has a value: what the layer's row says of it, if it has one, with
    ``predicted`` and ``error``.

    The error is absolute up to 1 and relative above; where infinity is predicted, it is the value's inverse. What was
    not read has the value and the error NaN.
    """
    table = report.table
    mine = table[table["layer"].isin((layer, "(network)"))].to_dict("records")
    read = {(row["measure"], row["variant"]): row for row in mine}
    rows = []
    for (measure, variant), outcome in expected.items():
        if not math.isnan(outcome.value):
            row = read.get((measure, variant), {"measure": measure, "variant": variant, "value": math.nan})
            rows.append({**row, "predicted": outcome.value, "error": error(row["value"], outcome.value)})
    return pd.DataFrame(rows)


def error(value: float, predicted: float) -> float:
    """How far a value is off: absolute up to 1, relative above, the inverse of what should be infinite."""
    if math.isinf(predicted):
        return 1 / abs(value)
    return abs(value - predicted) / max(1.0, abs(predicted))

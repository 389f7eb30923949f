"""Classifiers of one level: without a bias, with a free one, and from simplex to frame as it is penalised."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from experiments.claims import Verdict
from experiments.data import one_hot
from experiments.studies.ufm.agreement import CLASSES, CLOSE, END, Row, largest, near, worst
from experiments.studies.ufm.descent import finish
from experiments.studies.ufm.levels import measured, model
from experiments.studies.ufm.readings import error
from probes.ufm import ClassMinimum

BIASES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)


def biases(seeds: int) -> tuple[list[dict[str, Any]], list[Row], list[Verdict]]:
    """One level without a bias, with a free and a penalised one; and from simplex to frame as the penalty grows."""
    K, n, penalty = 4, 50, 0.005
    named = {
        "no bias": ClassMinimum(K, n, penalty, (penalty,)),
        "free bias": ClassMinimum(K, n, penalty, (penalty,), bias=0.0),
        "penalised bias, 0.05": ClassMinimum(K, n, penalty, (penalty,), bias=0.05),
        "penalised bias, 1": ClassMinimum(K, n, penalty, (penalty,), bias=1.0),
    }
    rows = [one_level(name, minimum, seeds) for name, minimum in named.items()]
    records: list[dict[str, Any]] = []
    for value in BIASES:
        minimum = ClassMinimum(K, n, penalty, (penalty,), bias=value)
        found = _frame_error(minimum)
        records.append(
            {
                "setting": "one level, penalised bias", "lambda_h": penalty, "lambda_w": value, "seed": 0,
                "iteration": END, "layer": "1", "measure": "frame error", "value": found,
                "predicted": minimum.frame_error(1),
            }
        )  # fmt: skip
    off = largest(abs(r["value"] - r["predicted"]) for r in records)
    claims = [
        Verdict("One level, with and without bias: largest gap to the predicted loss", CLASSES,
              largest(abs(r.reached - r.predicted) for r in rows), "<", CLOSE),
        Verdict("From simplex to orthogonal frame as the bias is penalised: largest error of the frame's distance",
              CLASSES, off, "<", 1e-6),
    ]  # fmt: skip
    return records, rows, claims


def one_level(name: str, minimum: ClassMinimum, seeds: int) -> Row:
    """The lowest end of all starts beside the closed form."""
    started = time.perf_counter()
    problem = model(minimum)
    points = [finish(problem, problem.start(seed)) for seed in range(seeds)]
    losses = torch.cat([problem.evaluate(point)[0] for point in points])
    best = points[int(losses.argmin())]
    H, W = best[0][0], best[1][0]
    values = torch.linalg.svdvals(W)
    errors = {
        "singular values of W": float((values.sort().values - minimum.weight_values(1).sort().values).abs().max()),
        "frame error": error(_distance(H, minimum), minimum.frame_error(1)),
    }
    if minimum.bias is not None:
        errors["bias"] = float((best[2] - minimum.b).abs().max())
    off, which = worst(errors)
    count = sum(near(loss, minimum.loss) for loss in losses.tolist())
    seconds = time.perf_counter() - started
    return Row("one level", name, minimum.loss, float(losses.min()), count, seeds, off, which, seconds)


def _frame_error(minimum: ClassMinimum) -> float:
    problem = model(minimum)
    return _distance(finish(problem, problem.start(0))[0][0], minimum)


def _distance(H: Tensor, minimum: ClassMinimum) -> float:
    """nc.2 of the features against an orthogonal frame."""
    W = torch.eye(minimum.K, H.shape[1], dtype=H.dtype)
    return next(r["value"] for r in measured(H, one_hot(minimum.K, minimum.n), W) if r["measure"] == "nc.2")

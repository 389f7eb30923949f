"""The classifiers' losses, and what the framework's own class measures read at every level."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from experiments.data import one_hot
from experiments.studies.ufm.problem import Point, Problem, column
from probes import CATALOG, Classes, Moments, Snapshot
from probes.ufm import ClassMinimum

FRAME = "orthogonal frame"
WATCHED = (("nc.1", "default"), ("nc.2", FRAME), ("nc.3", FRAME))
WIDTH = 20


def model(minimum: ClassMinimum, cells: int = 1, d: int = WIDTH) -> Problem:
    """The loss of a closed form, with so many equal cells."""
    weights = tuple(column(*[value] * cells) for value in minimum.lambda_w)
    features = column(*[minimum.lambda_h] * cells)
    return Problem(one_hot(minimum.K, minimum.n), (d,) * len(weights), features, weights, minimum.bias, minimum.relu)


def levels(problem: Problem, point: Point, cell: int) -> list[dict[str, Any]]:
    """nc.1-3 of what enters W1 (level 1) and W2 (level 2). What stands over level 1 is the product W2 W1."""
    H, lower, upper = (part[cell] for part in point[:3])
    deeper = H @ lower.mT
    deeper = deeper.relu() if problem.relu else deeper
    both = (("1", H, upper @ lower), ("2", deeper, upper))
    return [{"layer": level, **read} for level, features, W in both for read in measured(features, problem.Y, W)]


def measured(H: Tensor, Y: Tensor, W: Tensor) -> list[dict[str, Any]]:
    """The class measures of WATCHED, by the framework's own statistics and table."""
    moments, classes = Moments(H.shape[1], Y.shape[1]), Classes(H.shape[1], Y.shape[1])
    moments.update(H, Y)
    classes.update(H, Y)
    snapshot = Snapshot({"moments": moments, "classes": classes}, W)
    rows = [p for p in CATALOG if (p.name, p.variant) in WATCHED]
    return [{"measure": p.name, "value": p.evaluate(snapshot).outcome.value, "predicted": 0.0} for p in rows]

"""Descent: plain gradient steps over all cells at once, and L-BFGS from there to the digits of float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.optimize import minimize

from deepnrc.data import progress_bar
from deepnrc.errors import UsageError
from experiments.studies.ufm.problem import Point, Problem

Look = Callable[[int, Point], None]


def milestones(steps: int, count: int) -> list[int]:
    """About ``count`` step numbers from 0 to ``steps``, evenly spaced on a log axis."""
    return sorted({0, *np.unique(np.geomspace(1, steps, count).round().astype(int)).tolist()})


def descend(
    problem: Problem,
    point: Point,
    steps: int,
    *,
    step: float = 0.1,
    feature_step: float | None = None,
    at: Sequence[int] = (),
    look: Look | None = None,
    progress: bool = False,
    title: str = "descent",
) -> Point:
    """Plain gradient descent of every cell.

    Args:
        step, feature_step: sizes of the steps of weights and bias, and of the features (None: the same). The models
            whose feature penalty carries 1/N need N times the step there: H's gradient is that much smaller.
        at, look: ``look(number, point)`` is called before the steps of these numbers (the last may be ``steps``).
    Errors: UsageError if a cell diverges.
    """
    rates = [step if feature_step is None else feature_step, *[step] * (len(point) - 1)]
    wanted = set(at)
    for i in progress_bar(range(steps + 1), desc=title, progress=progress):
        if look is not None and i in wanted:
            look(i, point)
        if i < steps:
            _, gradient = problem.evaluate(point)
            point = [part.sub(g, alpha=rate) for part, g, rate in zip(point, gradient, rates, strict=True)]
    if not all(bool(part.isfinite().all()) for part in point):
        raise UsageError(f"Gradient descent with steps of {step:g} diverged. Take smaller steps, or a smaller start.")
    return point


def finish(problem: Problem, point: Point, iterations: int = 20_000, memory: int = 40) -> Point:
    """L-BFGS from a point, each cell by itself, until no step lowers the loss or its gradient is 1e-12.

    Every factor is measured in units in which all penalties are one: their minima are of one size there.
    """
    found = [
        _finished(problem.cell(i), [p[i : i + 1] for p in point], iterations, memory) for i in range(problem.cells)
    ]
    return [torch.cat(parts) for parts in zip(*found, strict=True)]


def _finished(problem: Problem, point: Point, iterations: int, memory: int) -> Point:
    sizes, shapes = [part.numel() for part in point], [part.shape for part in point]
    unit = _units(problem, len(point))

    def unpacked(flat: np.ndarray) -> Point:
        parts = torch.from_numpy(flat).split(sizes)
        return [part.view(shape) * u for part, shape, u in zip(parts, shapes, unit, strict=True)]

    def evaluated(flat: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = problem.evaluate(unpacked(flat))
        return float(loss), torch.cat([(g * u).flatten() for g, u in zip(gradient, unit, strict=True)]).numpy()

    flat = torch.cat([(part / u).flatten() for part, u in zip(point, unit, strict=True)]).numpy()
    options = {"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": memory, "ftol": 0.0, "gtol": 1e-12}
    for _ in range(3):  # a line search that ends in rounding is given a fresh start
        flat = minimize(evaluated, flat, jac=True, method="L-BFGS-B", options=options).x
    return unpacked(flat)


def _units(problem: Problem, parts: int) -> list[float]:
    """For each part of a point: the penalties' geometric mean over its own, as a root; sqrt(N) and 1 without them."""
    penalties = [float(problem.feature_penalty), *(float(p) for p in problem.weight_penalties)]
    if min(penalties) > 0:
        G = math.prod(penalties) ** (1 / len(penalties))
        units = [(G / penalty) ** 0.5 for penalty in penalties]
    else:
        units = [problem.Y.shape[0] ** 0.5] + [1.0] * len(problem.widths)
    return units + [1.0] * (parts - len(units))

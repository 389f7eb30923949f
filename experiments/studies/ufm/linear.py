"""The deep linear model: every factor's singular values and every layer's measures, and when directions fall out."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from torch import Tensor

from experiments.claims import Verdict
from experiments.data import covariance, spread
from experiments.studies.ufm.agreement import CLOSE, END, OURS, Part, Row, frame, largest, near, worst
from experiments.studies.ufm.descent import descend, finish
from experiments.studies.ufm.problem import Chain, Point, Problem, column
from experiments.studies.ufm.readings import compared, probed
from probes import Moments, Snapshot
from probes.ufm import LinearMinimum, predicted

NAME = "linear"
EIGENVALUES, N, WIDTH, FEATURES = (1.0, 0.6, 0.3), 60, 8, 0.02
DEPTHS = ((0.02,), (0.01, 0.02), (0.005, 0.01, 0.02), (0.003, 0.005, 0.004, 0.006), (0.002,) * 6)
CROSSED = (1, 2, 3)  # depths whose penalties are raised until nothing is left
STARTS = ((0, 1.0, 0.4), (1, 1.0, 0.4), (2, 1.0, 0.3), (3, 0.6, 0.3), (4, 0.05, 0.05))  # seed, features, weights


def model(Y: Tensor, lambda_h: float, lambdas: tuple[float, ...]) -> Problem:
    """A chain of len(lambdas) layers without biases, each a little wider than the one before."""
    widths = tuple(range(WIDTH, WIDTH + len(lambdas)))
    return Problem(Y, widths, column(lambda_h / Y.shape[0]), tuple(column(value) for value in lambdas))


def study(seeds: int) -> Part:
    """Descend chains of every depth, and read every layer."""
    Y = spread(EIGENVALUES, N)
    records: list[dict[str, Any]] = []
    rows = []
    for lambdas in DEPTHS:
        row, found = reached(Y, lambdas, seeds)
        rows.append(row)
        records += found
    crossed = crossing(Y)
    caption = (
        f"Deep linear model, n = {len(EIGENVALUES)} targets with eigenvalues {EIGENVALUES}, N = {N}, lambda_h = "
        f"{FEATURES:g}: closed form and descent"
    )
    values = [abs(r["value"] - r["predicted"]) for r in records if r["measure"].startswith("singular")]
    ranks = [(r["value"] > 1e-4) == (r["predicted"] > 0) for r in crossed]
    claims = (
        Verdict(
            f"Descent reaches the predicted loss at depths 1 .. {len(DEPTHS[-1])}: largest gap", OURS,
            largest(abs(row.reached - row.predicted) for row in rows), "<", CLOSE,
        ),
        Verdict(
            "Every factor's singular values are what the scalar equation says: largest error", OURS,
            largest(values), "<", 1e-6,
        ),
        Verdict(
            "Every measure of every layer is what the closed form predicts: largest error", OURS,
            largest(math.nan if row.error is None else row.error for row in rows), "<", 1e-6,
        ),
        Verdict(
            "Directions fall out at the predicted thresholds: share of penalties and directions that agree", OURS,
            sum(ranks) / len(ranks), ">", 0.99,
        ),
    )  # fmt: skip
    table = frame([*records, *crossed], part=NAME)
    return Part(NAME, caption, tuple(rows), claims, table, len(DEPTHS) * seeds + len(crossed) // len(EIGENVALUES))


def label(lambdas: tuple[float, ...]) -> str:
    """A setting in words."""
    return f"L = {len(lambdas)}, lambdas {', '.join(f'{v:g}' for v in lambdas)}"


def reached(Y: Tensor, lambdas: tuple[float, ...], seeds: int) -> tuple[Row, list[dict[str, Any]]]:
    """Descend from every seed; the lowest end's singular values and measures beside the predicted."""
    started = time.perf_counter()
    minimum, problem = LinearMinimum(covariance(Y), FEATURES, lambdas), model(Y, FEATURES, lambdas)
    points = [
        finish(problem, descend(problem, problem.start(seed), 2000, feature_step=0.1 * N)) for seed in range(seeds)
    ]
    losses = torch.cat([problem.evaluate(point)[0] for point in points])
    seed = int(losses.argmin())
    best = points[seed]
    report, errors = probed(problem, best), dict[str, float]()
    for layer in range(1, minimum.depth + 1):
        expected = predicted(minimum, problem.widths[layer - 1], N, layer=layer)
        table = compared(report, f"W{layer}", expected)
        names = f"W{layer}: " + table["measure"] + ", " + table["variant"]
        errors.update(zip(names, table["error"], strict=True))
    error, which = worst(errors)
    shared = {"setting": label(lambdas), "lambda_h": FEATURES, "seed": seed, "iteration": END}
    records = [{**shared, **record} for record in factors(minimum, problem, best)]
    count = sum(near(loss, minimum.loss) for loss in losses.tolist())
    seconds = time.perf_counter() - started
    lowest = float(losses.min())
    return Row("deep linear", label(lambdas), minimum.loss, lowest, count, seeds, error, which, seconds), records


def factors(minimum: LinearMinimum, problem: Problem, point: Point) -> list[dict[str, Any]]:
    """Singular values of H/sqrt(N) and of every weight, read with ``probes`` off the torch network."""
    network = Chain(point, 0, minimum.depth)
    moments = Moments(problem.widths[0], problem.Y.shape[1])
    moments.update(point[0][0], problem.Y)
    n = minimum.targets.dim
    found = [
        ("H", Snapshot({"moments": moments}).features.values[:n].sqrt(), minimum.feature_values(1).sqrt(), FEATURES)
    ]
    for layer, penalty in enumerate(minimum.lambda_w, 1):
        weight = network.weight(layer)
        values = Snapshot({"moments": Moments(weight.shape[1], n)}, weight).weight.values[:n]
        found.append((f"W{layer}", values, minimum.weight_values(layer), penalty))
    return [
        {"layer": name, "measure": f"singular value {i}", "value": value, "predicted": said, "lambda_w": penalty}
        for name, values, expected, penalty in found
        for i, (value, said) in enumerate(zip(values.tolist(), expected.tolist(), strict=True), 1)
    ]


def crossing(Y: Tensor, size: int = 13) -> list[dict[str, Any]]:
    """What remains of each direction as all penalties of a chain rise together, from the lowest of STARTS."""
    records = []
    for depth in CROSSED:
        for i in range(size):
            penalty = 10 ** (-2.02 + 2.2 * i / (size - 1))
            lambdas = (penalty,) * depth
            minimum, problem = LinearMinimum(covariance(Y), penalty, lambdas), model(Y, penalty, lambdas)
            ends = [finish(problem, problem.start(*start)) for start in STARTS]
            lowest = min(ends, key=lambda point: float(problem.evaluate(point)[0]))
            shared = {"setting": f"L = {depth}", "lambda_h": penalty, "lambda_w": penalty, "iteration": END}
            for j, (value, said) in enumerate(zip(image(lowest), minimum.image.tolist(), strict=True), 1):
                own = {"layer": "output", "measure": f"image {j}", "value": value, "predicted": said}
                records.append({**shared, **own})
    return records


def image(point: Point) -> list[float]:
    """Singular values of the outputs over sqrt(N), descending."""
    after = point[0][0]
    for W in point[1:]:
        after = after @ W[0].mT
    return [float(v) for v in torch.linalg.svdvals(after / after.shape[0] ** 0.5)]

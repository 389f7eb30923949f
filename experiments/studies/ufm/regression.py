"""The regression model: nrc.1-3 on the way to the minimum, everything at it, and rank against the penalties."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import pandas as pd
from torch import Tensor

from experiments.claims import Verdict
from experiments.data import covariance, spread
from experiments.studies.ufm.agreement import CLOSE, END, TOP, Part, Row, frame, largest, near, smallest, worst
from experiments.studies.ufm.descent import descend, finish, milestones
from experiments.studies.ufm.problem import Point, Problem, column, stacked
from experiments.studies.ufm.readings import PROBES, compared, probed
from probes import CATALOG, Directions, Moments, Outcome, Probe, Snapshot, singular, top
from probes.ufm import RegressionMinimum, predicted

NAME = "regression"
EIGENVALUES, N, WIDTH = (1.0, 0.5, 0.2), 60, 12
PHASES = (1.0, 0.1, 0.01)  # eigenvalues of S_Y for the picture of ranks
LAMBDAS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
FOLLOWED = (*((v, v) for v in LAMBDAS), (1e-1, 1e-3), (1e-3, 1e-1), (0.0, 0.0))
WATCHED = ("nrc.1", "nrc.2", "nrc.3")
STEPS = 100_000
Pairs = Sequence[tuple[float, float]]


def model(Y: Tensor, pairs: Pairs, d: int = WIDTH) -> Problem:
    """The regression model with a cell for each (lambda_h, lambda_w)."""
    h, w = (column(*values) for values in zip(*pairs, strict=True))
    return Problem(Y, (d,), h / Y.shape[0], (w,), bias=0.0)


def study(seeds: int, steps: int = STEPS, progress: bool = False) -> Part:
    """Follow the descents, finish them, and read everything."""
    Y = spread(EIGENVALUES, N, mean=0.3)
    records, (rows, claims) = followed(Y, seeds, steps, progress)
    swept, sweep_rows, sweep_claims = every_pair(Y, seeds)
    ranks, rank_claim = phases()
    caption = (
        f"Regression model, n = {len(EIGENVALUES)} targets with eigenvalues {EIGENVALUES}, N = {N}, d = {WIDTH}: "
        "closed form and descent"
    )
    cells = (len(FOLLOWED) + len(LAMBDAS) ** 2) * seeds + len(ranks)
    table = frame([*records, *swept, *ranks], part=NAME)
    return Part(NAME, caption, (*rows, *sweep_rows), (*claims, *sweep_claims, rank_claim), table, cells)


def label(h: float, w: float) -> str:
    """A setting in words."""
    return f"lambda_h = {h:g}, lambda_w = {w:g}"


def followed(
    Y: Tensor, seeds: int, steps: int, progress: bool
) -> tuple[list[dict[str, Any]], tuple[list[Row], list[Verdict]]]:
    """Plain descent of FOLLOWED from every seed at once, L-BFGS from there, and what the probes read on the way."""
    started = time.perf_counter()
    pairs = [pair for _ in range(seeds) for pair in FOLLOWED]
    problem = model(Y, pairs)
    start = stacked([model(Y, FOLLOWED).start(seed) for seed in range(seeds)])
    records: list[dict[str, Any]] = []

    def look(i: int, point: Point) -> None:
        for cell, (h, w) in enumerate(pairs):
            shared = {"setting": label(h, w), "lambda_h": h, "lambda_w": w, "seed": cell // len(FOLLOWED)}
            for measure, value in watched(Y, point[0][cell], point[1][cell]).items():
                records.append({**shared, "iteration": i, "layer": "W1", "measure": measure, "value": value})

    reached = descend(
        problem, start, steps, feature_step=0.1 * N, at=milestones(steps, 36), look=look, progress=progress,
        title="regression",
    )  # fmt: skip
    reached = finish(problem, reached)
    look(END, reached)
    seconds = (time.perf_counter() - started) / len(FOLLOWED)
    rows = [_row(Y, problem, reached, i, seeds, seconds) for i in range(len(FOLLOWED))]
    zero = [r["value"] for r in records if r["iteration"] == END and r["lambda_h"] == 0 and r["measure"] != "nrc.3"]
    claim = Verdict(
        "Without regularisation the features do not collapse: smallest nrc.1 and nrc.2 at loss 0", TOP,
        smallest(zero), ">", 0.1,
    )  # fmt: skip
    return records, (rows, [claim])


def watched(Y: Tensor, H: Tensor, W: Tensor) -> dict[str, float]:
    """The top-layer measures of one point."""
    moments, directions = Moments(H.shape[1], Y.shape[1]), Directions(H.shape[1])
    moments.update(H, Y)
    directions.update(H)
    snapshot = Snapshot({"moments": moments, "directions": directions}, W)
    rows = [p for p in CATALOG if p.name in WATCHED and p.variant == "default"]
    return {row.name: row.evaluate(snapshot).outcome.value for row in rows}


def _row(Y: Tensor, problem: Problem, reached: Point, index: int, seeds: int, seconds: float) -> Row:
    """One setting's line of the table, its starts being every len(FOLLOWED)-th cell."""
    h, w = FOLLOWED[index]
    cells = [index + seed * len(FOLLOWED) for seed in range(seeds)]
    losses = problem.evaluate(reached)[0][cells]
    lowest, error, which = 0.0, None, "not unique: see nrc.1, nrc.2"
    if h:
        minimum = RegressionMinimum(covariance(Y), h, w)
        lowest = minimum.loss
        error, which = errors(minimum, problem, reached, cells[int(losses.argmin())])
    count = sum(near(loss, lowest) for loss in losses.tolist())
    return Row("regression", label(h, w), lowest, float(losses.min()), count, seeds, error, which, seconds)


def errors(minimum: RegressionMinimum, problem: Problem, point: Point, cell: int) -> tuple[float, str]:
    """The measure of the table that is furthest from its prediction, and how far."""
    table = readings(minimum, problem, point, cell)
    return worst(dict(zip(table["measure"] + ", " + table["variant"], table["error"], strict=True)))


def readings(minimum: RegressionMinimum, problem: Problem, point: Point, cell: int) -> pd.DataFrame:
    """Every predicted measure of a cell as it was read, among them ``nrc.3_at_c``: nrc.3 with gamma known to be c."""
    known = Probe("nrc.3_at_c", top.fixed_gamma(minimum.c), "NRC3 at gamma = lambda_h lambda_w", where="top")
    expected = predicted(minimum, problem.widths[0], problem.Y.shape[0])
    if minimum.rank:
        expected = {**expected, (known.name, known.variant): Outcome(0.0)}
    return compared(probed(problem, point, cell, probes=(*PROBES, known)), "W1", expected)


def every_pair(Y: Tensor, seeds: int) -> tuple[list[dict[str, Any]], list[Row], list[Verdict]]:
    """L-BFGS for every pair of LAMBDAS from every seed: loss, all measures, the residuals' covariance and gamma."""
    started = time.perf_counter()
    pairs = [(h, w) for h in LAMBDAS for w in LAMBDAS]
    minima = [RegressionMinimum(covariance(Y), h, w) for h, w in pairs]
    problem = model(Y, pairs)
    records: list[dict[str, Any]] = []
    off: dict[str, float] = {}
    gaps: dict[tuple[int, int], float] = {}
    for seed in range(seeds):
        point = finish(problem, problem.start(seed))
        for cell, loss in enumerate(problem.evaluate(point)[0].tolist()):
            found, errors_found = at_end(minima[cell], problem, point, cell, loss)
            where = label(*pairs[cell])
            off |= {f"{name} ({where}, seed {seed})": error for name, error in errors_found.items()}
            shared = {"setting": where, "seed": seed, "iteration": END, "layer": "W1"}
            shared |= dict(zip(("lambda_h", "lambda_w"), pairs[cell], strict=True))
            records += [{**shared, **record} for record in found]
            gaps[seed, cell] = loss - minima[cell].loss
    error, which = worst(off)
    furthest = max(gaps, key=lambda key: (math.isnan(gaps[key]), abs(gaps[key])))
    lowest = minima[furthest[1]].loss
    row = Row(
        "regression", f"all {len(pairs)} pairs of {min(LAMBDAS):g} .. {max(LAMBDAS):g}, worst", lowest,
        lowest + gaps[furthest], sum(near(gap, 0.0) for gap in gaps.values()), len(gaps), error, which,
        time.perf_counter() - started,
    )  # fmt: skip
    return records, [row], _pair_claims(records, abs(gaps[furthest]), error)


def at_end(
    minimum: RegressionMinimum, problem: Problem, point: Point, cell: int, loss: float
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """What was read of a cell beside what is predicted, and the error of each measure by its name."""
    found = readings(minimum, problem, point, cell)
    names = found["measure"] + ", " + found["variant"]
    own = [(f"end of {name}", v, p) for name, v, p in zip(names, found["value"], found["predicted"], strict=True)]
    own += [("loss", loss, minimum.loss), ("whiteness", whiteness(minimum, problem, point, cell), 0.0)]
    records = [{"measure": measure, "value": value, "predicted": said} for measure, value, said in own]
    return records, dict(zip(names, found["error"], strict=True))


def _pair_claims(records: list[dict[str, Any]], gap: float, error: float) -> list[Verdict]:
    """What the theorem says of every pair, held against the furthest loss, the worst measure and the records."""
    low, high = min(LAMBDAS), max(LAMBDAS)
    white = largest(r["value"] for r in records if r["measure"] == "whiteness")
    fits = [r for r in records if r["measure"].startswith("end of nrc.3_gamma")]
    gamma = largest(abs(r["value"] - r["predicted"]) for r in fits)
    return [
        Verdict(
            f"Descent reaches the predicted loss for all penalties {low:g} .. {high:g}: largest gap", TOP,
            gap, "<", CLOSE,
        ),
        Verdict(
            "Every deep.* and nrc.* measure is what the closed form predicts: largest error", TOP, error, "<", 1e-6
        ),
        Verdict("Residuals are white while c < l_min: largest |covariance/c - I|", TOP, white, "<", 1e-3),
        Verdict("nrc.3 recovers gamma = lambda_h lambda_w: largest error of gamma/l_min", TOP, gamma, "<", 1e-6),
    ]  # fmt: skip


def whiteness(minimum: RegressionMinimum, problem: Problem, point: Point, cell: int) -> float:
    """Largest entry of |residual covariance - predicted|/c of a cell; c I is predicted while c is below every l_i."""
    H, W, b = (part[cell] for part in point)
    found = covariance(H @ W.mT + b - problem.Y)
    return float((found - minimum.residual_covariance).abs().max()) / minimum.c


def phases(size: int = 9) -> tuple[list[dict[str, Any]], Verdict]:
    """Rank of W where descent ends, on a grid of penalties that crosses every eigenvalue of S_Y."""
    Y = spread(PHASES, N)
    grid = [10 ** (-2.85 + 3.2 * i / (size - 1)) for i in range(size)]
    pairs = [(h, w) for h in grid for w in grid]
    problem = model(Y, pairs)
    point = finish(problem, problem.start(0))
    records = []
    for cell, (h, w) in enumerate(pairs):
        values = singular(point[1][cell]).values
        expected = RegressionMinimum(covariance(Y), h, w).rank
        shared = {"setting": label(h, w), "lambda_h": h, "lambda_w": w, "seed": 0, "iteration": END, "layer": "W1"}
        rank = int((values > 1e-4).sum())
        records.append({**shared, "measure": "rank", "value": float(rank), "predicted": float(expected)})
    agree = sum(r["value"] == r["predicted"] for r in records) / len(records)
    claim = Verdict(
        "The rank drops by one as lambda_h lambda_w passes each eigenvalue of S_Y: share of the grid that agrees", TOP,
        agree, ">", 0.999,
    )  # fmt: skip
    return records, claim

"""Classifiers: both published settings without and with a ReLU between the levels, and what a bias changes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import torch
from torch import Tensor

from experiments.claims import Verdict
from experiments.studies.ufm.agreement import CLASSES, CLOSE, END, Part, Row, frame, largest, near, smallest, worst
from experiments.studies.ufm.biases import BIASES, biases
from experiments.studies.ufm.descent import descend, finish, milestones
from experiments.studies.ufm.levels import levels, model
from experiments.studies.ufm.problem import Point, stacked
from probes.ufm import ClassMinimum

NAME = "classes"
COARSE = 1e-3  # of nc.1: what the published curves show
CLOSE_RELU = 1e-4  # the same as CLOSE, with a ReLU


@dataclass(frozen=True)
class PublishedRun:
    """A published run: K classes of n samples, the penalties of W2, W1 and H, and plain descent's steps."""

    K: int
    n: int
    lambdas: tuple[float, float, float]
    steps: int
    relu: bool

    @property
    def minimum(self) -> ClassMinimum:
        """What the theorems say of it."""
        upper, lower, features = self.lambdas
        return ClassMinimum(self.K, self.n, features, (lower, upper), relu=self.relu)

    @property
    def label(self) -> str:
        """In words."""
        return f"K = {self.K}, {'ReLU' if self.relu else 'linear'}"

    @property
    def entries(self) -> float:
        """Standard deviation of a start's entries; behind a ReLU a smaller one leaves dead samples."""
        return 0.3 if self.relu else 0.1


PUBLISHED = tuple(
    PublishedRun(K, n, lambdas, steps, relu)
    for K, n, lambdas, steps in ((5, 100, (0.005, 0.0025, 0.001), 40_000), (4, 50, (0.005,) * 3, 20_000))
    for relu in (True, False)
)


def study(seeds: int, jobs: int = 1, shorter: int = 1, progress: bool = False) -> Part:
    """Follow both settings with and without a ReLU, side by side, and the models of one level.

    Args:
        shorter: divides the number of descent steps, for a quick look.
    """
    work = [joblib.delayed(_followed)(setting, seeds, shorter, progress) for setting in PUBLISHED]
    done = joblib.Parallel(n_jobs=min(jobs, len(work)))(work)
    records = [record for found, _ in done for record in found]
    rows = [row for _, row in done]
    biased, bias_rows, bias_claims = biases(seeds)
    caption = "Classifiers (Tirer & Bruna): closed form and descent"
    table = frame([*records, *biased], part=NAME)
    claims = (*_claims(rows, table), *bias_claims)
    cells = len(PUBLISHED) * seeds + len(bias_rows) * seeds + len(BIASES)
    return Part(NAME, caption, (*rows, *bias_rows), claims, table, cells)


def _followed(setting: PublishedRun, seeds: int, shorter: int, progress: bool) -> tuple[list[dict[str, Any]], Row]:
    """``followed`` in a worker, which has torch's threads still at their default."""
    torch.set_num_threads(1)
    return followed(setting, seeds, shorter, progress)


def followed(setting: PublishedRun, seeds: int, shorter: int, progress: bool) -> tuple[list[dict[str, Any]], Row]:
    """Plain descent with steps of 0.1 from every seed, L-BFGS from there, and both levels' measures on the way."""
    started = time.perf_counter()
    minimum = setting.minimum
    problem = model(minimum, seeds)
    start = stacked([model(minimum).start(seed, setting.entries, setting.entries) for seed in range(seeds)])
    records: list[dict[str, Any]] = []

    def look(i: int, point: Point) -> None:
        losses = problem.evaluate(point)[0].tolist()
        for seed, loss in enumerate(losses):
            shared = {"setting": setting.label, "seed": seed, "iteration": i}
            own = {"layer": "network", "measure": "loss", "value": loss, "predicted": minimum.loss}
            records.append({**shared, **own})
            records.extend({**shared, **read} for read in levels(problem, point, seed))

    steps = setting.steps // shorter
    reached = descend(
        problem, start, steps, at=milestones(steps, 40), look=look, progress=progress, title=setting.label
    )
    descended = problem.evaluate(reached)[0]
    reached = finish(problem, reached, iterations=300 if setting.relu else 20_000)
    look(END, reached)
    losses = problem.evaluate(reached)[0]
    best = int(losses.argmin())
    deepest = {
        f"{r['measure']} of level {r['layer']}": r["value"] for r in records
        if r["iteration"] == END and r["seed"] == best and r["layer"] in (("2",) if setting.relu else ("1", "2"))
    }  # fmt: skip
    off, which = worst(deepest)
    within = CLOSE_RELU if setting.relu else CLOSE
    count = sum(near(loss, minimum.loss, within) for loss in losses.tolist())
    words = f"{setting.label}, n = {setting.n}, penalties {setting.lambdas}; descent alone {_gap(descended, minimum)}"
    row = Row(
        "two levels", words, minimum.loss, float(losses[best]), count, seeds, off, which, time.perf_counter() - started
    )
    return records, row


def _gap(losses: Tensor, minimum: ClassMinimum) -> str:
    return f"{float(losses.min()) - minimum.loss:.1e}"


def _claims(rows: Sequence[Row], table: Any) -> list[Verdict]:
    """What the theorems say of the ends, and what tells the linear model from networks and from the ReLU model."""
    gaps = [
        largest(abs(r.reached - r.predicted) for r in rows if ("ReLU" in r.setting) == relu) for relu in (False, True)
    ]
    ends = table[(table["iteration"] == END) & table["layer"].isin(("1", "2"))]
    linear, relu = (ends[ends["setting"].str.contains(kind)] for kind in ("linear", "ReLU"))
    below = smallest(relu[(relu["layer"] == "1") & (relu["measure"] == "nc.2")]["value"])
    return [
        Verdict("Two linear levels reach the predicted loss: largest gap", CLASSES, gaps[0], "<", CLOSE),
        Verdict("With a ReLU the lowest start comes to the same loss: largest gap", CLASSES, gaps[1], "<", CLOSE_RELU),
        Verdict("Linear: both levels collapse, nc.1, nc.2 and nc.3 at the end: largest", CLASSES,
              largest(linear["value"]), "<", 1e-6),
        Verdict(f"Limitation of the linear model: between 1 and {COARSE:g}, nc.1 of both levels is nearly equal; "
              "largest ratio between them over all runs", CLASSES, along(table, "linear").max(), "<", 2),
        Verdict("With a ReLU the deeper level leads: the same ratio, smallest over the runs", CLASSES,
              along(table, "ReLU").min(), ">", 2),
        Verdict("ReLU: the deepest features are an orthogonal frame: nc.2 at the end", CLASSES,
              deepest_frame(table), "<", 0.02),
        Verdict("ReLU: the level below is none: smallest nc.2 at the end", CLASSES, below, ">", 0.3),
    ]  # fmt: skip


def deepest_frame(table: Any) -> float:
    """nc.2 of the deepest features behind a ReLU where each setting's start of lowest loss ends: the largest."""
    ends = table[(table["iteration"] == END) & table["setting"].str.contains("ReLU")]
    found = []
    for _, mine in ends.groupby("setting"):
        losses = mine[mine["measure"] == "loss"].set_index("seed")["value"]
        frames = mine[(mine["layer"] == "2") & (mine["measure"] == "nc.2")].set_index("seed")["value"]
        found.append(math.nan if losses.isna().any() else float(frames[losses.idxmin()]))
    return largest(found)


def along(table: Any, kind: str) -> Any:
    """For each run the largest ratio of the two levels' nc.1, either way, while both are between 1 and COARSE.

    Below that the linear levels part as well.
    """
    chosen = table[(table["measure"] == "nc.1") & (table["iteration"] >= 0) & table["setting"].str.contains(kind)]
    wide = chosen.pivot_table(index=["setting", "seed", "iteration"], columns="layer", values="value")
    wide = wide[((wide > COARSE) & (wide < 1)).all(axis=1)]
    ratio = wide["1"] / wide["2"]
    return ratio.where(ratio > 1, 1 / ratio).groupby(["setting", "seed"]).max()

"""The study on the command line: unconstrained-feature models, theory beside measurement, and its page."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import joblib
import pandas as pd
import torch
from tyro.conf import arg

from deepnrc.errors import UsageError
from deepnrc.table import write_whole
from experiments.pages import Page, closing, leave_settings
from experiments.studies.ufm import classes, linear, pictures, regression
from experiments.studies.ufm.agreement import Part

NAME = "ufm"
ABOUT = (
    "Models whose features are free parameters, descended to their minima and held against their closed forms: "
    "regression (Andriopoulos et al.), deep linear regression, and classifiers of one and two levels (Tirer & Bruna). "
    "Losses, every measure of every layer and every singular value are predicted; the framework's own probes read "
    "what descent reached."
)


@dataclass(frozen=True, kw_only=True)
class Ufm:
    """Descend unconstrained-feature models to their minima, and hold everything against the closed forms."""

    takes: ClassVar[str] = "2 minutes"

    parts: Annotated[
        tuple[Literal["regression", "linear", "classes"], ...],
        arg(help="regression: one layer; linear: deep chains; classes: classifiers of one and two levels."),
    ] = ("regression", "linear", "classes")
    seeds: Annotated[int, arg(help="Random starts of each descent.")] = 3
    shorter: Annotated[int, arg(help="Divide the steps of the long descents by this, for a quick look.")] = 1
    jobs: Annotated[int, arg(help="Descents side by side.")] = os.cpu_count() or 1
    out: Annotated[Path, arg(help="Folder of all studies; this one has its own in it.")] = Path("runs/studies")
    progress: Annotated[bool, arg(help="Show progress bars.")] = True

    def run(self) -> None:
        """Descend, probe, draw, and print the verdict."""
        started = time.perf_counter()
        self._refuse()
        folder = self.out / NAME
        leave_settings(self, folder)
        parts = self._parts()
        files = write(NAME, parts, folder, time.perf_counter() - started)
        for claim in (claim for part in parts for claim in part.claims):
            print(claim.line)
        for warning in warnings(parts):
            print(f"! {warning}")
        closing(NAME, time.perf_counter() - started, files)

    def _refuse(self) -> None:
        for name in ("seeds", "shorter", "jobs"):
            if getattr(self, name) < 1:
                raise UsageError(f"--{name} must be at least 1; it is {getattr(self, name)}.")
        if not self.parts:
            raise UsageError("--parts needs at least one of regression, linear, classes.")

    def _parts(self) -> list[Part]:
        """The chosen parts in their own order; the two short ones side by side."""
        work = []
        if "regression" in self.parts:
            steps = max(1, regression.STEPS // self.shorter)
            work.append(joblib.delayed(on_one_thread)(regression.study, self.seeds, steps, self.progress))
        if "linear" in self.parts:
            work.append(joblib.delayed(on_one_thread)(linear.study, self.seeds))
        found: list[Part] = joblib.Parallel(n_jobs=min(self.jobs, max(1, len(work))))(work)
        if "classes" in self.parts:
            found.append(on_one_thread(classes.study, self.seeds, self.jobs, self.shorter, self.progress))
        return found


def on_one_thread(study: Callable[..., Part], *args: object) -> Part:
    """Run a part on one of torch's threads: more make matrices this small slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return study(*args)
    finally:
        torch.set_num_threads(before)


def write(name: str, parts: Sequence[Part], folder: Path, seconds: float) -> dict[Path, str]:
    """Write everything and return the files to open, with what they show."""
    table = pd.concat([part.table for part in parts], ignore_index=True)
    write_whole({folder / "table.parquet": table.to_parquet(index=False)}, "The table")
    page = Page(
        name=name,
        about=ABOUT,
        verdicts=[claim for part in parts for claim in part.claims],
        warnings=warnings(parts),
        tables=[part.summary() for part in parts],
        drawn=list(pictures.draw_all(table, folder)),
        seconds=seconds,
        cells=sum(part.cells for part in parts),
    )
    return page.write(folder)


def warnings(parts: Sequence[Part]) -> list[str]:
    """Models of which no start reached the predicted loss, from above or below."""
    return [
        f"{row.model}, {row.setting}: no start reached the predicted loss; the lowest ended "
        f"{abs(row.reached - row.predicted):.1e} {'below' if row.reached < row.predicted else 'above'} it."
        for part in parts for row in part.rows if not row.near
    ]  # fmt: skip

"""Run every cell of a study that is not done yet, side by side, and gather the results."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import joblib
import torch

from deepnrc.data import progress_bar, quiet
from deepnrc.measuring import backend
from experiments.data import Split
from experiments.runner import cells
from experiments.runner.cells import Cell
from experiments.runner.ending import ended_in_order
from experiments.runner.results import Results
from experiments.runner.study import Study


@dataclass(frozen=True)
class Workers:
    """Where cells run: how many side by side, on which of joblib's backends (see ``deepnrc.measuring.backend``), and
    with how many threads each; None shares out the cores. ``scheduler`` is Dask's address or file."""

    jobs: int = 2
    backend: str = "loky"
    each: int | None = None
    scheduler: str | None = None

    def threads(self, total: int) -> int:
        """Threads for each cell; from the whole sweep, so that a resumed one computes the same digits."""
        if self.each is not None:
            return self.each
        return max(1, (os.cpu_count() or 1) // max(1, min(self.jobs, total)))


def sweep(study: Study, folder: Path, workers: Workers, progress: bool = True) -> Results:
    """Run what is missing and return the results of all cells.

    Every cell's folder appears whole or not at all, under a key made of its configuration and its data: a sweep that
    was killed goes on where it was, and a changed setting is run anew. SIGTERM and Ctrl-C end its workers too.
    """
    store = folder / "cells"
    store.mkdir(parents=True, exist_ok=True)
    for left in store.glob(".*"):
        if cells.abandoned(left):
            shutil.rmtree(left, ignore_errors=True)
    wanted = dict.fromkeys((s.data, seed) for s in study.settings for seed in study.seeds)
    with quiet(not progress):
        data = {(source, seed): source.load(seed) for source, seed in wanted}
    planned = [cells.make(s, seed, data[s.data, seed]) for s in study.settings for seed in study.seeds]
    missing: dict[str, Cell] = {}
    for cell in planned:
        if not cells.done(cell, store):
            missing.setdefault(cell.key, cell)  # two names for one configuration are one cell
    with_data = [(cell, data[cell.setting.data, cell.seed]) for cell in missing.values()]
    before = torch.get_num_threads()
    try:
        _run(with_data, store, workers, len(planned), study.name, progress)
    finally:
        torch.set_num_threads(before)  # a single job runs in this process
    return Results.read(study, planned, store)


def _run(
    missing: list[tuple[Cell, Split]], store: Path, workers: Workers, total: int, name: str, progress: bool
) -> None:
    threads = workers.threads(total)
    bar = progress_bar(total=total, initial=total - len(missing), desc=name, unit="cell", progress=progress)
    with bar, backend(workers.backend, workers.jobs, workers.scheduler):
        jobs = [
            joblib.delayed(cells.run)(cell, split, store, threads, 1 + i % workers.jobs if progress else None)
            for i, (cell, split) in enumerate(missing)
        ]
        parallel = joblib.Parallel(n_jobs=min(workers.jobs, max(1, len(jobs))), return_as="generator_unordered")
        with ended_in_order(), contextlib.closing(parallel(jobs)) as finished:
            for _ in finished:
                bar.update()

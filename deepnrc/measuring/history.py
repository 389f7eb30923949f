"""`probe_checkpoints`: one network at many checkpoints, as one report."""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deepnrc.arguments import whole
from deepnrc.data import as_loader, progress_bar
from deepnrc.errors import DataError, UsageError
from deepnrc.loading import checkpoint_files, load_checkpoint, steps_of
from deepnrc.measuring.clusters import backend as cluster
from deepnrc.measuring.probing import probe
from deepnrc.measuring.provenance import told
from deepnrc.measuring.settling.remembered import Remembered
from deepnrc.measuring.streaming.distributed import AUTO, Ranks
from deepnrc.report import Report, load
from deepnrc.table import MANIFEST, Journal, join
from deepnrc.wording import Argument, Remedy, shown


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights, the step that it is of, and what is in it."""

    path: Path
    step: int

    @property
    def checksum(self) -> str:
        """Hash of the file's bytes."""
        digest = hashlib.blake2b(digest_size=16)
        with self.path.open("rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        return digest.hexdigest()


def probe_checkpoints(
    model: nn.Module,
    checkpoints: str | Path | Sequence[str | Path],
    loader: Any,
    *,
    steps: Sequence[int] | None = None,
    folder: str | Path | None = None,
    replace: bool = False,
    state_key: str | None = None,
    allow_extra: bool = False,
    run: str | None = None,
    progress: bool = True,
    jobs: int = 1,
    backend: str = "loky",
    scheduler: str | Path | None = None,
    passed_over: Callable[[Path, DataError], object] | None = None,
    **options: Any,
) -> Report:
    """Measure one network with the weights of each of many checkpoints, as steps of one report.

    >>> import tempfile, torch, deepnrc
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> with tempfile.TemporaryDirectory() as ck:
    ...     for step in (1, 10):
    ...         torch.save(net.state_dict(), f"{ck}/net-{step}.pt")
    ...     report = deepnrc.probe_checkpoints(net, f"{ck}/*.pt", (torch.randn(64, 4), torch.randn(64, 2)))
    >>> report.steps
    [1, 10]

    The network's own weights are put back. What only changes the network is told beside each measurement in the
    report's ``provenance``: the file's name and checksum. Under torch.distributed all processes probe each file
    together, and the first of them keeps the folder.

    Args:
        model: the network; it is given the weights of each file in turn.
        checkpoints: a pattern ("ck/*.pt"), a folder, or the files; nothing in them is executed.
        loader: as for ``deepnrc.probe``; it must give the same samples each time.
        steps: of each file, in the order of ``checkpoints``; None for the numbers in their names.
        folder: save there after each measurement. A report of the same checkpoints, arguments and data that is there
            is gone on with: what it holds is not measured again.
        replace: begin anew, whatever is in the folder.
        state_key, allow_extra: as for ``deepnrc.load_checkpoint``.
        run: label in the table.
        jobs: how many are measured side by side, each in a process of its own.
        backend: "loky" (local processes), "dask" or "ray".
        scheduler: address of Dask's scheduler, or the file that it wrote; None for what is connected, the address in
            DASK_SCHEDULER_ADDRESS, or a local one.
        passed_over: what to call with a file that cannot be read or does not fit, and why; None for a warning.
        options: any other argument of ``deepnrc.probe``.
    Errors: UsageError where steps cannot be told, and for a folder that holds something else; DataError if no file
        could be read.
    """
    todo = _listed(checkpoints, steps)
    loader = as_loader(loader)
    if isinstance(loader, Iterator):
        raise UsageError("Each checkpoint reads the data again, and an iterator gives it once. Use a loader.")
    ranks, tell = Ranks.of(options.get("distributed", AUTO)), passed_over or _warned
    if ranks.count > 1 and jobs > 1:
        raise UsageError(
            f"{ranks.count} processes probe each checkpoint together already: leave out ", Argument("jobs", jobs), "."
        )
    mine = folder is not None and ranks.number == 0
    keeping = _Folder(Path(folder), replace, {"state_key": state_key, **options}) if mine and folder else None
    kept = ranks.told(ranks.agreed(lambda: None if keeping is None else keeping.earlier(todo)))[0]
    done = {} if kept is None else {record["step"]: record for record in kept.provenance}
    todo = [one for one in todo if one.step not in done]
    found = [] if kept is None else [kept]
    work = _Work(model, loader, state_key, allow_extra, run, options, ranks)
    results = _measured(work, todo, jobs, (backend, scheduler))
    counted = progress_bar(total=len(todo), desc="checkpoints", unit="file", progress=progress)
    with counted, contextlib.closing(results):
        for one, result in zip(todo, results, strict=True):
            if isinstance(result, DataError):
                tell(one.path, result)
            else:
                found.append(result)
                ranks.agreed(partial(_keep, keeping, result))
            counted.update()
    if not found:
        raise DataError(
            f"None of the {len(todo)} checkpoints could be read. The first is '{shown(str(todo[0].path))}'."
        )
    return join(found)


@dataclass
class _Work:
    """What is done with each file."""

    model: nn.Module
    loader: Any
    state_key: str | None
    allow_extra: bool
    run: str | None
    options: dict[str, Any]
    ranks: Ranks

    def __call__(self, one: Checkpoint) -> Report | DataError:
        try:
            checksum = self.ranks.agreed(lambda: self._load(one))
        except DataError as error:
            return error
        report = probe(self.model, self.loader, run=self.run, step=one.step, progress=False, **self.options)
        file = {"name": one.path.name, "checksum": checksum, "state_key": self.state_key}
        facts = {"checkpoint": file, "options": told(self.options)}
        return Report(report.table, tuple({**record, **facts} for record in report.provenance), report.spectra)

    def _load(self, one: Checkpoint) -> str:
        try:
            checksum = one.checksum
            load_checkpoint(self.model, one.path, self.state_key, allow_extra=self.allow_extra)
        except OSError as error:
            raise DataError(f"The checkpoint '{one.path}' cannot be read ({error.strerror}).") from error
        return checksum


def _measured(
    work: _Work, todo: Sequence[Checkpoint], jobs: int, where: tuple[str, str | Path | None]
) -> Generator[Report | DataError]:
    """What each file gives, in order; the network's own weights are put back."""
    backend, scheduler = where
    if jobs > 1 or backend != "loky" or scheduler is not None:
        import joblib

        with cluster(backend, jobs, scheduler):
            _check_sent(work)
            yield from joblib.Parallel(jobs, return_as="generator")(joblib.delayed(work)(one) for one in todo)
        return
    own = {name: value.clone() for name, value in work.model.state_dict().items() if isinstance(value, torch.Tensor)}
    work.options = {"remembered": Remembered(), **work.options}
    try:
        for one in todo:
            yield work(one)
    finally:
        work.model.load_state_dict(own, strict=False)


def _check_sent(work: _Work) -> None:
    """Errors: UsageError if the network or its data cannot be sent to another process. What fails later is the
    network's own."""
    import cloudpickle

    try:
        cloudpickle.dumps(work)
    except Exception as error:  # whatever an object's own way of being sent raises
        raise UsageError(
            f"The network or its data cannot be sent to another process ({error}). Measure one at a time: ",
            Remedy("jobs", 1),
            ".",
        ) from error


def _keep(keeping: _Folder | None, result: Report) -> None:
    if keeping is not None:
        keeping.add(result)


class _Folder:
    """The folder in which measurements are kept, and gone on with."""

    def __init__(self, folder: Path, replace: bool, options: dict[str, Any]) -> None:
        self.path, self.replace, self.options = folder, replace, options
        self.journal: Journal[Report] | None = None
        self.held: list[Mapping[str, Any]] = []

    def earlier(self, todo: Sequence[Checkpoint]) -> Report | None:
        """What was measured of these very files before, and begin to write.

        Errors: UsageError if what is there is not of these checkpoints and arguments.
        """
        there = (self.path / MANIFEST).exists() and not self.replace
        if not there:
            self.journal = Journal(self.path, self.replace)
            return None
        report = load(self.path)
        known = {one.step: one for one in todo}
        for record in report.provenance:
            self._check(record, known.get(record["step"]))
        self.journal = Journal(self.path, replace=True)
        self.add(report)
        return report

    def add(self, report: Report) -> None:
        """Write one more. Errors: UsageError if it is of other data than what is there."""
        data = {str(record["data"]) for record in (*self.held, *report.provenance)}
        if len(data) > 1:
            raise self._other("was measured on other data")
        self.held.extend(report.provenance)
        if self.journal is not None:
            self.journal.add(report)

    def _check(self, record: Mapping[str, Any], one: Checkpoint | None) -> None:
        held = record.get("checkpoint")
        if held is None:
            raise self._other("is not of checkpoints")
        if one is None or one.checksum != held["checksum"]:
            raise self._other(f"has a step {record['step']} of another file, '{shown(held['name'])}'")
        options = {name: value for name, value in self.options.items() if name != "state_key"}
        if record.get("options") != told(options) or held["state_key"] != self.options["state_key"]:
            raise self._other("was measured with other arguments")

    def _other(self, why: str) -> UsageError:
        return UsageError(
            f"'{self.path}' holds a report that {why}. Name another folder, or begin anew with ",
            Remedy("replace", True),
            ".",
        )


def _listed(checkpoints: str | Path | Sequence[str | Path], steps: Sequence[int] | None) -> list[Checkpoint]:
    files = checkpoint_files(checkpoints)
    numbers = steps_of(files) if steps is None else [whole(step, "A step") for step in steps]
    if len(numbers) != len(files):
        raise UsageError(
            Argument("steps", steps), f" are {len(numbers)}, and there are {len(files)} checkpoints. Give one for each."
        )
    if len(set(numbers)) < len(numbers):
        raise UsageError(Argument("steps", steps), " name a step twice. Give each checkpoint a step of its own.")
    return sorted((Checkpoint(path, step) for path, step in zip(files, numbers, strict=True)), key=lambda one: one.step)


def _warned(path: Path, why: DataError) -> None:
    warnings.warn(f"The checkpoint {shown(path.name)} is passed over. {why}", stacklevel=3)

"""A report on disk that grows by one measurement at a time, at a cost that does not grow with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from deepnrc.table.files import manifest, storage
from deepnrc.table.files.manifest import ENTRIES, MANIFEST, RECORDS, Entries
from deepnrc.table.files.storage import UnwritableError
from deepnrc.table.tidy import Table, join

T = TypeVar("T", bound=Table)


@dataclass
class Stretch(Generic[T]):
    """Measurements that lie in one file, the last of them at step ``until``; ``entries`` are the manifest's, None until
    it is written."""

    report: T
    entries: Entries | None = None
    until: int = field(init=False)

    def __post_init__(self) -> None:
        self.until = self.report.steps[-1]

    @property
    def size(self) -> int:
        return len(self.report.provenance)


@dataclass
class Journal(Generic[T]):
    """Measurements in a folder, in files of which each holds more than all behind it: a measurement is written once and
    then once for every doubling of their number.

    Args:
        replace: whether a report that is there may give way; else it is refused, now and whenever one turns up that
            was written by somebody else.
    Errors: UsageError if the folder cannot be written to, or holds a report.
    """

    folder: Path
    replace: bool = False
    stretches: list[Stretch[T]] = field(default_factory=list)
    _numbered: int = 0
    _ours: set[str] = field(default_factory=set)
    _begun: bool = False

    def __post_init__(self) -> None:
        self.folder = storage.writable(self.folder)
        self._check(self.folder)

    @classmethod
    def going_on(cls, folder: Path, report: T) -> Journal[T]:
        """One that goes on with the report that was just read from a folder, unless somebody else writes there."""
        journal = cls(folder, replace=True)
        journal.stretches = [Stretch(report)]
        journal._ours.add(manifest.checksum((folder / MANIFEST).read_bytes()))
        journal._begun = True
        return journal

    def cut(self, step: int) -> None:
        """Drop what was measured at a step and later; it goes from the folder with the next measurement."""
        kept = [s.report.at(one) for s in self.stretches for one in s.report.steps if one < step]
        self.stretches = [Stretch(join(kept))] if kept else []

    def add(self, measured: T) -> None:
        """Write one more measurement, and those that could not be written before.

        Errors: UnwritableError if they cannot be written now; they are kept.
        """
        self._keep(measured)
        files: dict[str, bytes] = {}
        entries = [self._described(place, stretch, files) for place, stretch in enumerate(self.stretches)]
        alone = self.stretches[0].report.provenance if len(entries) == 1 else None
        naming = manifest.manifest_of(entries, alone)
        self._ours.add(manifest.checksum(naming))  # also if it fails: it may have been written all the same
        storage.put(self.folder, files, naming, self._check)
        self._begun = True
        for stretch, named in zip(self.stretches, entries, strict=True):
            stretch.entries = named

    def _keep(self, measured: T) -> None:
        """Join what is no longer than what comes behind it; all of it if a step comes late, as steps ascend."""
        late = any(measured.steps[0] < stretch.until for stretch in self.stretches)
        self.stretches.append(Stretch(measured))
        while len(self.stretches) > 1 and (late or self.stretches[-2].size <= self.stretches[-1].size):
            *before, one, other = self.stretches
            self.stretches = [*before, Stretch(join([one.report, other.report]))]
        if late:
            (whole,) = self.stretches
            steps = [whole.report.at(step) for step in whole.report.steps]
            self.stretches = [Stretch(join(steps))]

    def _described(self, place: int, stretch: Stretch[T], files: dict[str, bytes]) -> Entries:
        """The manifest's entries of a stretch, with its records if it is one of several; what is not written yet is
        added to ``files``."""
        held = dict(stretch.entries or {})
        if not held.keys() >= ENTRIES.keys():
            self._add(held, files, manifest.described(stretch.report.table, stretch.report.spectra, self._next(place)))
        if len(self.stretches) > 1 and RECORDS not in held:
            self._add(held, files, manifest.recorded(stretch.report.provenance, self._next()))
        return held

    def _add(self, held: dict[str, Any], files: dict[str, bytes], more: tuple[Entries, dict[str, bytes]]) -> None:
        held |= more[0]
        files |= more[1]

    def _next(self, place: int = 1) -> int:
        """A number that no file has; 0 for the first place, whose tables need none."""
        self._numbered += 1
        return self._numbered if place else 0

    def _check(self, folder: Path) -> None:
        """Refuse to write over a report that is not ours."""
        there = folder / MANIFEST
        if not there.exists() or (self.replace and not self._begun):
            return
        if not self._begun:
            storage.kept(folder)
        if manifest.checksum(there.read_bytes()) not in self._ours:
            raise UnwritableError(
                f"'{folder}' holds a report that somebody else wrote meanwhile. Name a folder of its own for each."
            )

"""A report on disk: table.parquet, spectra.parquet and manifest.json; no pickle, and damage is noticed.

A report that grows (``deepnrc.table.Journal``) has numbered tables and records beside these, which its manifest names.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow

from deepnrc.errors import DataError, UsageError
from deepnrc.table.files import places
from deepnrc.table.files.manifest import (
    AGAIN,
    ENTRIES,
    MANIFEST,
    NUMBERED,
    RECORDS,
    checksum,
    described,
    files,
    manifest_at,
    manifest_of,
    records_in,
)
from deepnrc.table.schema import COLUMNS, SPECTRA, completed, no_spectra
from deepnrc.wording import Remedy

ATTEMPTS, PAUSE = 100, 0.02
PLACE = ["run", "step", "depth", "layer", "measure", "variant"]  # of which a table has one row each


class UnwritableError(UsageError):
    """A report could not be written where it was to be, and what was there is there still."""


def writable(folder: str | Path) -> Path:
    """The folder, if files can be written there as far as one can tell without writing.

    Errors: UsageError if it, or a folder above it, is a file or may not be written to.
    """
    folder = Path(folder)
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise UsageError(f"'{there}' is a file where a folder is needed. Name another one.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"'{there}' cannot be written to. Name a folder that you may write to.")
    return folder


def save(
    table: pd.DataFrame,
    provenance: Sequence[Mapping[str, Any]],
    spectra: pd.DataFrame,
    folder: str | Path,
    replace: bool = False,
) -> Path:
    """Write all files. Whenever this is cut short, the folder still holds a whole report: this one or the last.

    Errors: UsageError if it holds a report that may not be replaced.
    """
    if flaw := _flaw(table, provenance):
        raise UsageError(
            f"A table cannot be saved as it is: {flaw}. Leave out what belongs to no run, or is there twice."
        )
    folder = Path(folder)
    entries, content = described(table, spectra)
    put(folder, content, manifest_of([entries], provenance), _replaced if replace else kept)
    return folder


def kept(folder: Path) -> None:
    """Refuse to write where a report is."""
    if (folder / MANIFEST).exists():
        raise UsageError(
            f"'{folder}' holds a report already. Name another folder, or say ", Remedy("replace", True), "."
        )


def _replaced(folder: Path) -> None:
    """Write whatever is there."""


def load(folder: str | Path) -> tuple[pd.DataFrame, tuple[Mapping[str, Any], ...], pd.DataFrame]:
    """Read all files back and check them; a report from before spectra were kept has an empty frame of them.

    While somebody writes there it is read again, until it is whole: the last report or the new one.
    """
    folder = Path(folder)
    before: object = None
    for _ in range(ATTEMPTS):
        try:
            return _loaded(folder)
        except DataError:
            now = _state(folder)
            if now == before:  # nobody writes: it is damaged
                raise
            before = now
            time.sleep(PAUSE)
    return _loaded(folder)


def put(folder: Path, content: Mapping[str, bytes], manifest: bytes, allowed: Callable[[Path], None]) -> None:
    """Put the files of a report in their places, the manifest last, and remove what it names no more.

    Args:
        allowed: called before anything is written, when nobody else writes; it may refuse.
    Errors: UnwritableError, after which a whole report is there: this one or the last.
    """
    try:
        writable(folder).mkdir(parents=True, exist_ok=True)
        with places.alone(folder):
            _finish(folder)
            allowed(folder)
            places.put(folder, {**content, MANIFEST: manifest})
            _tidy(folder, manifest)
    except OSError as error:
        raise UnwritableError(
            f"The report cannot be written to '{folder}' ({error.strerror or error}). Name a folder that you may write "
            "to, with room on its disk."
        ) from error


def _finish(folder: Path) -> None:
    """Bring a save that was cut short between its files to its end, before another one writes."""
    for token, late in _late(folder):
        contents = _contents(folder, late)
        if None not in contents.values():
            for name, data in contents.items():
                if data != _read(folder / name):
                    places.coming(folder, name, token).replace(folder / name)
            places.coming(folder, MANIFEST, token).replace(folder / MANIFEST)


def _tidy(folder: Path, manifest: bytes) -> None:
    """Remove what no manifest names: what was cut short for good, and numbered files that were joined since."""
    named = files(json.loads(manifest))
    found = [*folder.glob("*.parquet"), *folder.glob(f"{RECORDS}.*.json")]
    numbered = [path for path in found if NUMBERED.fullmatch(path.name) and path.name not in named]
    for path in [*places.leftovers(folder), *numbered]:
        path.unlink(missing_ok=True)


def _loaded(folder: Path) -> tuple[pd.DataFrame, tuple[Mapping[str, Any], ...], pd.DataFrame]:
    manifest = manifest_at(folder, folder / MANIFEST)
    contents = _contents(folder, manifest)
    if None in contents.values():
        late = [(one, found) for _, one in _late(folder) if None not in (found := _contents(folder, one)).values()]
        manifest, contents = late[0] if late else (manifest, contents)
    held = {name: _held(folder, name, data) for name, data in contents.items()}
    frames = {name: _frame(folder, name, data) for name, data in held.items() if not name.startswith(RECORDS)}
    records = [r for name, data in held.items() if name.startswith(RECORDS) for r in records_in(name, data, folder)]
    tables, spectra = ([frame for n, frame in frames.items() if n.startswith(kind)] for kind in ENTRIES)
    whole = tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
    behind = pd.concat(spectra, ignore_index=True) if len(spectra) > 1 else spectra[0] if spectra else no_spectra()
    named = records if RECORDS in manifest else manifest["measurements"]
    if flaw := _flaw(whole, named):
        raise DataError(f"The table in '{folder}' is damaged: {flaw}. {AGAIN}.")
    return whole, tuple(named), behind


def _flaw(table: pd.DataFrame, records: Sequence[Mapping[str, Any]]) -> str:
    """What a table holds twice, or lacks of the runs that it is of; nothing if it is whole."""
    twice = table[table.duplicated(PLACE)]
    if len(twice):
        run, step, _, layer, measure, _ = twice[PLACE].iloc[0]
        return f"{measure} of '{layer}' stands in it twice for run '{run}', step {step}"
    missing = [run for run in dict.fromkeys(str(r["run"]) for r in records) if not (table["run"] == run).any()]
    return f"it holds no row of run '{missing[0]}'" if missing else ""


def _held(folder: Path, name: str, data: bytes | None) -> bytes:
    """A file's content; None is content that no manifest describes."""
    if data is not None:
        return data
    try:
        (folder / name).read_bytes()
    except OSError as error:
        raise DataError(f"'{folder}' has no readable {name} ({error.strerror}). {AGAIN}.") from error
    raise DataError(
        f"{name} in '{folder}' is not the one that its {MANIFEST} describes: it was cut short, damaged or changed. "
        f"{AGAIN}, or take all files from one copy."
    )


def _frame(folder: Path, name: str, data: bytes) -> pd.DataFrame:
    columns = COLUMNS if name.startswith("table") else SPECTRA
    try:
        return completed(pd.read_parquet(pyarrow.BufferReader(data)), columns)
    except (KeyError, ValueError, TypeError, OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{name} in '{folder}' is no report's table ({error}). {AGAIN}.") from error


def _contents(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes | None]:
    """The content of each file that a manifest names, from its place or still on its way there; None if neither is what
    the manifest describes."""
    waiting = places.beside(folder, MANIFEST)
    return {name: _content(folder, name, digest, waiting) for name, digest in files(manifest).items()}


def _content(folder: Path, name: str, digest: str, waiting: Sequence[str]) -> bytes | None:
    for path in (folder / name, *(places.coming(folder, name, token) for token in waiting)):
        data = _read(path)
        if data is not None and checksum(data) == digest:
            return data
    return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _state(folder: Path) -> list[tuple[str, int, int]]:
    """What tells that somebody writes in a folder, when it is looked at twice."""
    try:
        with os.scandir(folder) as found:
            return sorted((entry.name, (s := entry.stat()).st_mtime_ns, s.st_ino) for entry in found)
    except OSError:
        return []


def _late(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """The manifests of saves that were cut short, or are under way, between their files, with their tokens."""
    found = []
    for token in places.beside(folder, MANIFEST):
        try:
            found.append((token, manifest_at(folder, places.coming(folder, MANIFEST, token))))
        except DataError:
            continue
    return found

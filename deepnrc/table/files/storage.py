"""A report on disk: table.parquet, spectra.parquet and manifest.json; no pickle, and damage is noticed.

A report that grows (``deepnrc.table.Journal``) has numbered tables beside these, which its manifest names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow

from deepnrc.errors import DataError, UsageError
from deepnrc.table.files import places
from deepnrc.table.records import plain
from deepnrc.table.schema import COLUMNS, SPECTRA, completed, no_spectra
from deepnrc.wording import Either

FORMAT = 2  # 1 with one table and one of spectra alone, which version 0.1 reads
TABLE, SPECTRA_FILE, MANIFEST = "table.parquet", "spectra.parquet", "manifest.json"
ENTRIES = {"table": TABLE, "spectra": SPECTRA_FILE}  # without the second it is from before spectra were kept
NUMBERED = re.compile(r"(table|spectra)\.[1-9]\d*\.parquet")
AGAIN = "Measure and save the report again"
ATTEMPTS, PAUSE = 100, 0.02
Entries = Mapping[str, Mapping[str, Any]]


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
    table: pd.DataFrame, provenance: Sequence[Mapping[str, Any]], spectra: pd.DataFrame, folder: str | Path
) -> Path:
    """Write all files. Whenever this is cut short, the folder still holds a whole report: this one or the last."""
    folder = Path(folder)
    entries, files = described(table, spectra)
    put(folder, files, manifest_of([entries], provenance))
    return folder


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


def described(table: pd.DataFrame, spectra: pd.DataFrame, number: int = 0) -> tuple[Entries, dict[str, bytes]]:
    """A table and its spectra as a manifest names them, and the content of their files; numbered from 1 if there are
    others before them."""
    entries, files = {}, {}
    for entry, frame in (("table", table), ("spectra", spectra)):
        name = f"{entry}.{number}.parquet" if number else ENTRIES[entry]
        files[name] = _written(frame)
        entries[entry] = {"file": name, "rows": len(frame), "sha256": checksum(files[name])}
    return entries, files


def manifest_of(entries: Sequence[Entries], provenance: Sequence[Mapping[str, Any]]) -> bytes:
    """The manifest of tables and spectra, one after another, and of the records of all."""
    first, *later = entries
    kind: dict[str, Any] = {"format": FORMAT, **first, "later": later} if later else {"format": 1, **first}
    manifest = kind | {"measurements": [plain(record) for record in provenance]}
    return json.dumps(manifest, indent=None if later else 2).encode()  # an indent takes six times as long


def put(
    folder: Path, files: Mapping[str, bytes], manifest: bytes, allowed: Callable[[Path], None] = lambda folder: None
) -> None:
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
            places.put(folder, {**files, MANIFEST: manifest})
            _tidy(folder, manifest)
    except OSError as error:
        raise UnwritableError(
            f"The report cannot be written to '{folder}' ({error.strerror or error}). Name a folder that you may write "
            "to, with room on its disk."
        ) from error


def manifest_at(folder: Path, path: Path) -> dict[str, Any]:
    """The manifest of the report in ``folder`` that stands in the file ``path``.

    Errors: DataError if it cannot be read, is no report's, or is of a newer format than this one.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"'{folder}' is not a saved report: it has no readable {MANIFEST} ({error.strerror}). Name a folder that ",
            Either("Report.save() or ", ""),
            "`deepnrc probe --out` wrote.",
        ) from error
    except ValueError as error:  # not JSON, or not text at all
        raise DataError(f"{MANIFEST} in '{folder}' is damaged ({error}). {AGAIN}.") from error
    wrong = _wrong(manifest)
    if wrong:
        raise DataError(f"{MANIFEST} in '{folder}' is not a report's: {wrong}. {AGAIN}.")
    if manifest["format"] > FORMAT:
        raise DataError(
            f"'{folder}' was saved by a newer DeepNRC (format {manifest['format']}; this one reads {FORMAT}). Upgrade "
            "to read it: pip install --upgrade deepnrc."
        )
    return dict(manifest)


def _wrong(manifest: object) -> str:
    """What keeps this from being a manifest; nothing if it is one."""
    if not isinstance(manifest, dict):
        return f"it holds a {type(manifest).__name__} where a JSON object should be"
    if not isinstance(manifest.get("format"), int):
        return "its entry 'format' is missing or no whole number"
    if manifest["format"] > FORMAT:
        return ""
    for name, entry in ((name, manifest.get(name)) for name in ("table", "spectra") if name in {"table", *manifest}):
        if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
            return f"its entry '{name}' is missing or has no checksum"
    later = manifest.get("later", [])
    if not isinstance(later, list) or not all(map(_names_tables, later)):
        return "its entry 'later' is no list of numbered tables with checksums"
    records = manifest.get("measurements")
    if not isinstance(records, list) or not all(isinstance(r, dict) and {"run", "step"} <= r.keys() for r in records):
        return "its entry 'measurements' is missing or is no list of records with a run and a step"
    return ""


def _names_tables(later: object) -> bool:
    """Whether an entry of the manifest names a table and its spectra, in this folder and nowhere else."""
    if not isinstance(later, dict):
        return False
    for entry in map(later.get, ENTRIES):
        if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
            return False
        if not NUMBERED.fullmatch(str(entry.get("file"))):
            return False
    return True


def _written(frame: pd.DataFrame) -> bytes:
    # no two values are alike, so a dictionary of them costs more time and room than it saves
    return frame.to_parquet(index=False, use_dictionary=[name for name in frame if name != "value"])


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
    """Remove what no manifest names: what was cut short for good, and numbered tables that were joined since."""
    named = set(_files(json.loads(manifest)))
    numbered = [path for path in folder.glob("*.parquet") if NUMBERED.fullmatch(path.name) and path.name not in named]
    for path in [*places.leftovers(folder), *numbered]:
        path.unlink(missing_ok=True)


def _loaded(folder: Path) -> tuple[pd.DataFrame, tuple[Mapping[str, Any], ...], pd.DataFrame]:
    manifest = manifest_at(folder, folder / MANIFEST)
    contents = _contents(folder, manifest)
    if None in contents.values():
        late = [(one, found) for _, one in _late(folder) if None not in (found := _contents(folder, one)).values()]
        manifest, contents = late[0] if late else (manifest, contents)
    frames = {name: _frame(folder, name, data) for name, data in contents.items()}
    tables, spectra = ([frame for n, frame in frames.items() if n.startswith(kind)] for kind in ENTRIES)
    whole = tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
    behind = pd.concat(spectra, ignore_index=True) if len(spectra) > 1 else spectra[0] if spectra else no_spectra()
    return whole, tuple(manifest["measurements"]), behind


def _frame(folder: Path, name: str, data: bytes | None) -> pd.DataFrame:
    """The frame in a file's content; None is content that no manifest describes."""
    if data is None:
        try:
            (folder / name).read_bytes()
        except OSError as error:
            raise DataError(f"'{folder}' has no readable {name} ({error.strerror}). {AGAIN}.") from error
        raise DataError(
            f"{name} in '{folder}' is not the one that its {MANIFEST} describes: it was cut short, damaged or changed. "
            f"{AGAIN}, or take all files from one copy."
        )
    columns = COLUMNS if name.startswith("table") else SPECTRA
    try:
        return completed(pd.read_parquet(pyarrow.BufferReader(data)), columns)
    except (KeyError, ValueError, TypeError, OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{name} in '{folder}' is no report's table ({error}). {AGAIN}.") from error


def _files(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The checksum of each file that a manifest names; the first two have names of their own."""
    first = {name: manifest[entry]["sha256"] for entry, name in ENTRIES.items() if entry in manifest}
    later = [one[entry] for one in manifest.get("later", []) for entry in ENTRIES]
    return first | {entry["file"]: entry["sha256"] for entry in later}


def _contents(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes | None]:
    """The content of each file that a manifest names, from its place or still on its way there; None if neither is what
    the manifest describes."""
    waiting = places.beside(folder, MANIFEST)
    return {name: _content(folder, name, digest, waiting) for name, digest in _files(manifest).items()}


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


def checksum(data: bytes) -> str:
    """SHA-256, as a manifest holds it."""
    return hashlib.sha256(data).hexdigest()


def _late(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """The manifests of saves that were cut short, or are under way, between their files, with their tokens."""
    found = []
    for token in places.beside(folder, MANIFEST):
        try:
            found.append((token, manifest_at(folder, places.coming(folder, MANIFEST, token))))
        except DataError:
            continue
    return found

"""A report on disk: table.parquet, spectra.parquet and manifest.json; no pickle, and damage is noticed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow

from deepnrc.errors import DataError, UsageError
from deepnrc.table.records import plain
from deepnrc.table.schema import COLUMNS, SPECTRA, completed, no_spectra
from deepnrc.wording import Either

FORMAT = 1
TABLE, SPECTRA_FILE, MANIFEST = "table.parquet", "spectra.parquet", "manifest.json"
ENTRIES = {TABLE: "table", SPECTRA_FILE: "spectra"}  # without the second it is from before spectra were kept
AGAIN = "Measure and save the report again"


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
    frames = {TABLE: table, SPECTRA_FILE: spectra}
    parts = {name: _written(frame) for name, frame in frames.items()}
    described = {
        ENTRIES[name]: {"file": name, "rows": len(frames[name]), "sha256": _checksum(data)}
        for name, data in parts.items()
    }
    manifest = {"format": FORMAT, **described, "measurements": [plain(record) for record in provenance]}
    parts[MANIFEST] = json.dumps(manifest, indent=2).encode()
    try:
        folder = writable(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _finish(folder)
        for name, content in parts.items():
            _coming(folder, name).write_bytes(content)
        for name in parts:  # the manifest last: `load` finds what did not come to its place
            _coming(folder, name).replace(folder / name)
    except OSError as error:
        raise UsageError(
            f"The report cannot be written to '{folder}' ({error.strerror or error}). Name a folder that you may write "
            "to, with room on its disk."
        ) from error
    return folder


def load(folder: str | Path) -> tuple[pd.DataFrame, tuple[Mapping[str, Any], ...], pd.DataFrame]:
    """Read all files back and check them; a report from before spectra were kept has an empty frame of them."""
    folder = Path(folder)
    manifest = manifest_at(folder, folder / MANIFEST)
    parts = _parts(folder, manifest)
    if None in parts.values() and (late := _late(folder)) is not None:
        coming = _parts(folder, late)
        manifest, parts = (manifest, parts) if None in coming.values() else (late, coming)
    table = _frame(folder, TABLE, parts[TABLE], COLUMNS)
    spectra = _frame(folder, SPECTRA_FILE, parts[SPECTRA_FILE], SPECTRA) if SPECTRA_FILE in parts else no_spectra()
    return table, tuple(manifest["measurements"]), spectra


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
    records = manifest.get("measurements")
    if not isinstance(records, list) or not all(isinstance(r, dict) and {"run", "step"} <= r.keys() for r in records):
        return "its entry 'measurements' is missing or is no list of records with a run and a step"
    return ""


def _written(frame: pd.DataFrame) -> bytes:
    # no two values are alike, so a dictionary of them costs more time and room than it saves
    return frame.to_parquet(index=False, use_dictionary=[name for name in frame if name != "value"])


def _finish(folder: Path) -> None:
    """Bring a save that was cut short between its files to its end, before another one writes where it left off."""
    late = _late(folder)
    parts = {} if late is None else _parts(folder, late)
    if late is not None and None not in parts.values():
        for name, data in parts.items():
            if data != _read(folder / name):
                _coming(folder, name).replace(folder / name)
        _coming(folder, MANIFEST).replace(folder / MANIFEST)


def _frame(folder: Path, name: str, data: bytes | None, columns: dict[str, str]) -> pd.DataFrame:
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
    try:
        return completed(pd.read_parquet(pyarrow.BufferReader(data)), columns)
    except (KeyError, ValueError, TypeError, OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{name} in '{folder}' is no report's table ({error}). {AGAIN}.") from error


def _parts(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes | None]:
    """The content of each file that a manifest describes, from its place or still on its way there; None if neither
    is what the manifest describes."""
    return {name: _content(folder, name, manifest[entry]) for name, entry in ENTRIES.items() if entry in manifest}


def _content(folder: Path, name: str, described: Mapping[str, Any]) -> bytes | None:
    for data in map(_read, (folder / name, _coming(folder, name))):
        if data is not None and _checksum(data) == described["sha256"]:
            return data
    return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _coming(folder: Path, name: str) -> Path:
    return folder / f".{name}.new"


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _late(folder: Path) -> dict[str, Any] | None:
    """The manifest of a save that was cut short between its files, if there is one."""
    try:
        return manifest_at(folder, _coming(folder, MANIFEST))
    except DataError:
        return None

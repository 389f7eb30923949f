"""A report on disk: table.parquet and manifest.json; no pickle, and damage is noticed."""

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
from deepnrc.provenance import plain
from deepnrc.rows import COLUMNS

FORMAT = 1
TABLE, MANIFEST = "table.parquet", "manifest.json"
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


def save(table: pd.DataFrame, provenance: Sequence[Mapping[str, Any]], folder: str | Path) -> Path:
    """Write both files. Whenever this is cut short, the folder still holds a whole report: this one or the last."""
    data = table.to_parquet(index=False)
    manifest = {
        "format": FORMAT,
        "table": {"file": TABLE, "rows": len(table), "sha256": hashlib.sha256(data).hexdigest()},
        "measurements": [plain(record) for record in provenance],
    }
    try:
        folder = writable(folder)
        folder.mkdir(parents=True, exist_ok=True)
        parts = {TABLE: data, MANIFEST: json.dumps(manifest, indent=2).encode()}
        for name, content in parts.items():
            _coming(folder, name).write_bytes(content)
        for name in parts:  # the table first: `load` finds a manifest that did not come to its place, never a table
            _coming(folder, name).replace(folder / name)
    except OSError as error:
        raise UsageError(
            f"The report cannot be written to '{folder}' ({error.strerror or error}). Name a folder that you may write "
            "to, with room on its disk."
        ) from error
    return folder


def load(folder: str | Path) -> tuple[pd.DataFrame, tuple[Mapping[str, Any], ...]]:
    """Read both files back and check them."""
    folder = Path(folder)
    manifest = _manifest(folder, folder / MANIFEST)
    try:
        data = (folder / TABLE).read_bytes()
    except OSError as error:
        raise DataError(f"'{folder}' has no readable {TABLE} ({error.strerror}). {AGAIN}.") from error
    if not _describes(manifest, data):
        late = _late(folder)
        if late is None or not _describes(late, data):
            raise DataError(
                f"{TABLE} in '{folder}' is not the one that its {MANIFEST} describes: it was cut short, damaged or "
                f"changed. {AGAIN}, or take both files from one copy."
            )
        manifest = late
    try:
        table = pd.read_parquet(pyarrow.BufferReader(data))
        return table[list(COLUMNS)].astype(COLUMNS), tuple(manifest["measurements"])
    except (KeyError, ValueError, TypeError, OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{TABLE} in '{folder}' is no report's table ({error}). {AGAIN}.") from error


def _coming(folder: Path, name: str) -> Path:
    return folder / f".{name}.new"


def _describes(manifest: Mapping[str, Any], data: bytes) -> bool:
    return bool(manifest["table"]["sha256"] == hashlib.sha256(data).hexdigest())


def _late(folder: Path) -> dict[str, Any] | None:
    """The manifest of a save that was cut short between its two files, if there is one."""
    try:
        return _manifest(folder, _coming(folder, MANIFEST))
    except DataError:
        return None


def _manifest(folder: Path, path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"'{folder}' is not a saved report: it has no readable {MANIFEST} ({error.strerror}). Name a folder that "
            "Report.save() or `deepnrc probe --out` wrote."
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
    table, records = manifest.get("table"), manifest.get("measurements")
    if not isinstance(table, dict) or not isinstance(table.get("sha256"), str):
        return "its entry 'table' is missing or has no checksum"
    if not isinstance(records, list) or not all(isinstance(r, dict) and {"run", "step"} <= r.keys() for r in records):
        return "its entry 'measurements' is missing or is no list of records with a run and a step"
    return ""

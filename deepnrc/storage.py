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
from deepnrc.rows import COLUMNS

FORMAT = 1
TABLE, MANIFEST = "table.parquet", "manifest.json"


def save(table: pd.DataFrame, provenance: Sequence[Mapping[str, Any]], folder: str | Path) -> Path:
    """Write both files; each appears whole or not at all."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is a file. Name a folder to save the report in.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        data = table.to_parquet(index=False)
        manifest = {
            "format": FORMAT,
            "table": {"file": TABLE, "rows": len(table), "sha256": hashlib.sha256(data).hexdigest()},
            "measurements": list(provenance),
        }
        _replace(folder / TABLE, data)
        _replace(folder / MANIFEST, json.dumps(manifest, indent=2).encode())
    except OSError as error:
        raise UsageError(
            f"The report cannot be written to '{folder}': {error.strerror}. Name a folder that you may write to."
        ) from error
    return folder


def load(folder: str | Path) -> tuple[pd.DataFrame, tuple[Mapping[str, Any], ...]]:
    """Read both files back and check them."""
    folder = Path(folder)
    manifest = _manifest(folder)
    try:
        data = (folder / TABLE).read_bytes()
    except OSError as error:
        raise DataError(f"'{folder}' has no readable {TABLE} ({error.strerror}). Save the report again.") from error
    if hashlib.sha256(data).hexdigest() != manifest["table"]["sha256"]:
        raise DataError(f"{TABLE} in '{folder}' is not the one its manifest describes: it was damaged or changed.")
    try:
        table = pd.read_parquet(pyarrow.BufferReader(data))
        return table[list(COLUMNS)].astype(COLUMNS), tuple(manifest["measurements"])
    except (KeyError, ValueError, pyarrow.ArrowException) as error:
        raise DataError(f"{TABLE} in '{folder}' is no report's table: {error}.") from error


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        if manifest["format"] > FORMAT:
            raise DataError(f"'{folder}' was saved by a newer DeepNRC (format {manifest['format']}). Upgrade to read it.")
        if not isinstance(manifest["measurements"], list) or not isinstance(manifest["table"]["sha256"], str):
            raise TypeError("entries of the wrong kind")
    except OSError as error:
        raise DataError(f"'{folder}' is not a saved report: it has no readable {MANIFEST} ({error.strerror}).") from error
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{MANIFEST} in '{folder}' is damaged ({error}). Save the report again.") from error
    return manifest


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)

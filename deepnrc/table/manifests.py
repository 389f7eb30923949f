"""The manifest of a saved report: which tables lie beside it, their checksums, and where they came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deepnrc.errors import DataError

FORMAT = 1
MANIFEST = "manifest.json"
AGAIN = "Measure and save the report again"


def manifest_at(folder: Path, path: Path) -> dict[str, Any]:
    """The manifest of the report in ``folder`` that stands in the file ``path``.

    Errors: DataError if it cannot be read, is no report's, or is of a newer format than this one.
    """
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
    for name, entry in ((name, manifest.get(name)) for name in ("table", "spectra") if name in {"table", *manifest}):
        if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
            return f"its entry '{name}' is missing or has no checksum"
    records = manifest.get("measurements")
    if not isinstance(records, list) or not all(isinstance(r, dict) and {"run", "step"} <= r.keys() for r in records):
        return "its entry 'measurements' is missing or is no list of records with a run and a step"
    return ""

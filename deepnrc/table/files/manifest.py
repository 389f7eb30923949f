"""What names the files of a report with their checksums: its manifest, of one table or of several that follow."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from deepnrc.errors import DataError
from deepnrc.table.records import plain
from deepnrc.wording import Either

FORMAT = 2  # 1 with one table, one of spectra and the records in the manifest itself, which version 0.1 reads
TABLE, SPECTRA_FILE, MANIFEST = "table.parquet", "spectra.parquet", "manifest.json"
ENTRIES = {"table": TABLE, "spectra": SPECTRA_FILE}  # without the second it is from before spectra were kept
RECORDS = "records"
NUMBERED = re.compile(r"((table|spectra)\.[1-9]\d*\.parquet|records\.[1-9]\d*\.json)")
AGAIN = "Measure and save the report again"
Entries = Mapping[str, Mapping[str, Any]]
Records = Sequence[Mapping[str, Any]]


def described(table: pd.DataFrame, spectra: pd.DataFrame, number: int = 0) -> tuple[Entries, dict[str, bytes]]:
    """A table and its spectra as a manifest names them, and the content of their files; numbered from 1 if there are
    others before them."""
    entries, files = {}, {}
    for entry, frame in (("table", table), ("spectra", spectra)):
        name = f"{entry}.{number}.parquet" if number else ENTRIES[entry]
        files[name] = _written(frame)
        entries[entry] = {"file": name, "rows": len(frame), "sha256": checksum(files[name])}
    return entries, files


def recorded(records: Records, number: int) -> tuple[Entries, dict[str, bytes]]:
    """The records of measurements, likewise, for a manifest of several tables."""
    name, content = f"{RECORDS}.{number}.json", json.dumps([plain(record) for record in records]).encode()
    return {RECORDS: {"file": name, "rows": len(records), "sha256": checksum(content)}}, {name: content}


def manifest_of(entries: Sequence[Entries], records: Records | None = None) -> bytes:
    """The manifest of a table, its spectra and its records, or of several tables whose records lie in files too."""
    first, *later = entries
    if records is None:
        return json.dumps({"format": FORMAT, **first, "later": later}).encode()
    return json.dumps({"format": 1, **first, "measurements": [plain(record) for record in records]}, indent=2).encode()


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
    except (ValueError, RecursionError) as error:  # not JSON, not text at all, or nested without end
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


def files(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The checksum of each file that a manifest names, in order; the first two have names of their own."""
    first = {name: manifest[entry]["sha256"] for entry, name in ENTRIES.items() if entry in manifest}
    named = [manifest[RECORDS]] if RECORDS in manifest else []
    named += [one[entry] for one in manifest.get("later", []) for entry in (*ENTRIES, RECORDS)]
    return first | {entry["file"]: entry["sha256"] for entry in named}


def records_in(name: str, content: bytes, folder: Path) -> list[Mapping[str, Any]]:
    """The records in a file's content. Errors: DataError if they are none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} in '{folder}' is damaged ({error}). {AGAIN}.") from error
    if not _are_records(found):
        raise DataError(f"{name} in '{folder}' holds no records with a run and a step. {AGAIN}.")
    return list(found)


def checksum(data: bytes) -> str:
    """SHA-256, as a manifest holds it."""
    return hashlib.sha256(data).hexdigest()


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
    if not isinstance(later, list) or not all(_names(one, (*ENTRIES, RECORDS)) for one in later):
        return "its entry 'later' is no list of numbered tables with checksums"
    if RECORDS in manifest and not _names(manifest, [RECORDS]):
        return f"its entry '{RECORDS}' names no numbered file with a checksum"
    if RECORDS not in manifest and not _are_records(manifest.get("measurements")):
        return "its entry 'measurements' is missing or is no list of records with a run and a step"
    return ""


def _names(entries: object, wanted: Sequence[str]) -> bool:
    """Whether entries name a file each, in this folder and nowhere else."""
    named = [entries.get(name) if isinstance(entries, dict) else None for name in wanted]
    return all(
        isinstance(entry, dict)
        and isinstance(entry.get("sha256"), str)
        and NUMBERED.fullmatch(str(entry.get("file"))) is not None
        and str(entry["file"]).startswith(name)
        for name, entry in zip(wanted, named, strict=True)
    )


def _are_records(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(r, dict) and {"run", "step"} <= r.keys() for r in found)


def _written(frame: pd.DataFrame) -> bytes:
    # no two values are alike, so a dictionary of them costs more time and room than it saves
    return frame.to_parquet(index=False, use_dictionary=[name for name in frame if name != "value"])

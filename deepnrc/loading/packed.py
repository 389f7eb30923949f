"""Packed files, looked at before they are unpacked: a few bytes can ask for any amount of memory."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path
from typing import IO

from deepnrc.errors import DataError

LARGE = 2**28
RATIO = 50
PIECE = 2**20
DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError, KeyError)


def check_zip(path: Path) -> list[str]:
    """The names in a zip archive, unless it is damaged, encrypted, in several parts, or unpacks to over 256 MB and 50
    times its size. Errors: DataError."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except DAMAGED as error:
        raise _damaged(path, error) from error
    if any(member.flag_bits & 1 for member in members):
        raise DataError(f"'{path}' is an encrypted archive. Save it without a password.")
    _check_ratio(path, sum(member.file_size for member in members))
    return [member.filename for member in members]


def unpacked(path: Path, name: str, held: IO[bytes] | None = None) -> bytes:
    """What is packed under that name in an archive, or in one that is held in memory and came from there.

    Errors: DataError if it is damaged.
    """
    try:
        with zipfile.ZipFile(held or path) as archive:
            return archive.read(name)
    except DAMAGED as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"'{path}' is a damaged zip archive ({error}). Copy, download or save it again.")


def check_gzip(path: Path) -> None:
    """Refuse a gzip file that is damaged, or unpacks to over 256 MB and 50 times its size. Errors: DataError."""
    most, size = max(LARGE, RATIO * path.stat().st_size), 0
    try:
        with gzip.open(path) as file:
            while size <= most and (piece := file.read(PIECE)):
                size += len(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' is a damaged gzip file ({error}). Copy or download it again.") from error
    _check_ratio(path, size)


def _check_ratio(path: Path, size: int) -> None:
    packed = path.stat().st_size
    if size > max(LARGE, RATIO * packed):
        raise DataError(
            f"'{path}' would unpack from {packed / 1e6:.1f} MB to over {max(LARGE, RATIO * packed) / 1e6:.0f} MB, as "
            "hardly any data does: refused. If it is yours, unpack it, or save it uncompressed."
        )

"""Pickles, looked through before they are read: a few bytes can ask for any amount of memory."""

from __future__ import annotations

import io
import mmap
import pickletools
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from deepnrc.errors import DataError
from deepnrc.loading.packed import unpacked

STORAGE = re.compile(r"torch(\.storage)? \w*Storage")
MEMO = {"PUT", "BINPUT", "LONG_BINPUT"}
WHOLE = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"}


def check_pickles(path: Path, held: IO[bytes] | None = None) -> None:
    """Refuse a file whose pickles, or those in a zip archive, ask for more memory than the file has bytes to fill.

    Nothing is built or imported; pickles that are damaged otherwise are left to their reader. What is ``held`` in
    memory came from that file. Errors: DataError.
    """
    size = path.stat().st_size
    if zipfile.is_zipfile(held or path):
        with zipfile.ZipFile(held or path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".pkl")]
        for name in names:
            check_pickle(io.BytesIO(unpacked(path, name, held)), size, path)
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        stream = held or mapped
        stream.seek(0)
        while stream.tell() < size and check_pickle(stream, size, path):
            pass


def check_pickle(stream: Any, size: int, path: Path) -> bool:
    """Whether a pickle that begins here ends in order; then the stream stands behind it.

    Errors: DataError if it asks for more than ``size`` bytes.
    """
    operations, storages, storage, key = 0, {}, False, ""
    try:
        for name, argument in _operations(stream):
            operations += 1
            if (name in MEMO and argument > operations) or (name == "GLOBAL" and "bytearray" in str(argument)):
                raise _greedy(path)
            if name == "GLOBAL":
                storage = STORAGE.fullmatch(str(argument)) is not None
            elif storage and isinstance(argument, str):
                key = key or argument
            elif storage and name in WHOLE:
                storages[key], storage, key = int(argument), False, ""
                if sum(storages.values()) > size:
                    raise _greedy(path)
    except DataError:
        raise
    except ValueError as error:
        if "bytes in a" in str(error):  # "expected 4294967295 bytes in a unicodestring4, but only 3 remain"
            raise _greedy(path) from error
        return False
    return True


def _operations(stream: Any) -> Iterator[tuple[str, Any]]:
    for operation, argument, _ in pickletools.genops(stream):
        yield operation.name, argument


def _greedy(path: Path) -> DataError:
    return DataError(
        f"'{path}' asks for more memory than it holds data for: it is damaged, or made to harm, and was refused. Copy, "
        "download or save it again."
    )

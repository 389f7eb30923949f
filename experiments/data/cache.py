"""A folder of generated data, so that each set of images or times is made once."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepnrc.errors import DataError, UsageError

Arrays = dict[str, NDArray[Any]]


def folder() -> Path:
    """Where generated data goes unless told otherwise: deepnrc in the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "deepnrc"


def cached(name: str, make: Callable[[], Mapping[str, NDArray[Any]]], where: Path | None = None) -> Arrays:
    """The arrays in the file ``name``.npz, which is made first if it is not there.

    Args:
        name: holds everything that the arrays depend on; one word.
        make: makes the arrays, by name.
        where: a folder in place of ``folder()``.
    Errors: UsageError if they cannot be kept; DataError for a file that cannot be read; others as ``make`` raises them.
    """
    path = (where or folder()) / f"{name}.npz"
    if not path.is_file():
        _write(path, make, "Let XDG_CACHE_HOME name" if where is None else "Give")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(
            f"The generated data '{path}' cannot be read ({error}). Remove the file, and it is made anew."
        ) from error


def _write(path: Path, make: Callable[[], Mapping[str, NDArray[Any]]], remedy: str) -> None:
    """All at once: an interrupted run leaves no half of a file."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.part")
    with _keeping(path, remedy):  # a folder that cannot be written to is found before the making
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    try:
        arrays = make()
        with _keeping(path, remedy):
            with part.open("wb") as file:
                np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type]
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _keeping(path: Path, remedy: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"The generated data cannot be kept in '{path.parent}' ({error.strerror or error}). {remedy} a folder with "
            "room that you may write to."
        ) from error

"""A folder of generated data, so that each set of images is made once."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepnrc.errors import DataError

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
    Errors: DataError for a file that cannot be read, and UsageError or others as ``make`` raises them.
    """
    path = (where or folder()) / f"{name}.npz"
    if not path.is_file():
        _write(path, make())
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"The generated data '{path}' cannot be read ({error}). Remove the file, and it is made anew."
        ) from error


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """All at once: an interrupted run leaves no half of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type]
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)

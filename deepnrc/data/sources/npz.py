"""Archives of arrays, x and y in one .npz file."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from deepnrc.data.sources.arrays import paired, say_values
from deepnrc.data.sources.npy import as_pictures
from deepnrc.errors import DataError, UsageError
from deepnrc.loading import check_zip
from deepnrc.wording import listing

INPUTS = ("x", "X", "inputs", "images")
TARGETS = ("y", "Y", "targets")
SAVE = "Save plain numbers: np.savez('data.npz', x=x, y=y)."
DAMAGED = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    SyntaxError,
    MemoryError,
    RuntimeError,
    NotImplementedError,
    OverflowError,
    TypeError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(
    path: Path, dtype: torch.dtype, image_size: int | None = None, model: nn.Module | None = None
) -> Dataset[tuple[Tensor, ...]]:
    """The arrays x (N, ...) and y (N, n) or (N,) in an .npz archive; X and Y, inputs or images and targets, do as well.

    Bytes (N, h, w, c) or (N, c, h, w) are pictures, as in an .npy file.
    Errors: DataError if the archive cannot be read, lacks one of the arrays, or holds Python objects in them;
    UsageError for an image size without images.
    """
    if not path.is_file():
        raise DataError(f"There is no file '{path}' (looked from {Path.cwd()}). Check the path.")
    if not zipfile.is_zipfile(path):
        raise DataError(f"'{path}' is no .npz archive, or is cut short. {SAVE}")
    check_zip(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            x, y = (_member(archive, names, path) for names in (INPUTS, TARGETS))
    except DataError:
        raise
    except DAMAGED as error:
        if "Object arrays" in str(error):
            raise DataError(f"'{path}' holds Python objects, which could run any code: refused. {SAVE}") from error
        raise DataError(f"'{path}' is a damaged .npz archive ({error}). Copy, download or save it again.") from error
    pictures = as_pictures(x, y, str(path), image_size, dtype, model)
    if pictures is not None:
        return pictures
    if image_size is not None:
        raise UsageError(
            f"The image size is for pictures: bytes (N, h, w, c); '{path}' holds {x.dtype} {x.shape}. Leave it out."
        )
    say_values(y, str(path), stacklevel=4)
    return paired(x, y, dtype, str(path))


def _member(archive: Any, names: tuple[str, ...], path: Path) -> NDArray[Any]:
    present = [name for name in names if name in archive]
    if len(present) != 1:
        what = f"none of the arrays {listing(names)}" if not present else f"more than one of {listing(names)}"
        raise DataError(f"'{path}' holds {what}; it holds {listing(archive.files)}. {SAVE}")
    _check_length(archive.zip, present[0], path)
    array: NDArray[Any] = archive[present[0]]
    return array


def _check_length(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    """Refuse an array that says it is longer than what is there, before room is made for it."""
    info = archive.getinfo(name if name in archive.namelist() else f"{name}.npy")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(file)
    if math.prod(shape) * kind.itemsize > info.file_size:
        raise DataError(
            f"The array {name!r} of '{path}' says it is {shape} of {kind}, for which there are too few bytes."
        )

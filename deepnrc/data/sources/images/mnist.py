"""MNIST and what shares its files: IDX arrays, packed with gzip or not."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepnrc.data.sources.arrays import classes
from deepnrc.data.sources.images.pixels import Pixels
from deepnrc.errors import DataError
from deepnrc.loading import check_gzip

INSIDE = ("", "raw", "MNIST/raw")  # the last two are torchvision's
BYTES = 8


def read_mnist(folder: Path, test: bool, image_size: int | None, dtype: torch.dtype, model: nn.Module | None) -> Pixels:
    """The training or test digits (1, 28, 28) with their classes, from a folder of IDX files or torchvision's root.

    Prepared as in ``Pixels``.
    Errors: DataError if a file is missing, damaged, or holds something else.
    """
    kind = "t10k" if test else "train"
    images, kept = (_found(folder, f"{kind}-{what}") for what in ("images-idx3", "labels-idx1"))
    x, y = read_idx(images), read_idx(kept)
    if x.ndim != 3 or y.ndim != 1 or len(x) != len(y) or not len(x):
        raise DataError(f"'{images}' holds {x.shape} and '{kept}' {y.shape}; (N, h, w) and (N,) are needed.")
    return Pixels(x[..., None], classes(y, str(kept)), image_size, dtype, model)


def _found(folder: Path, stem: str) -> Path:
    names = [f"{stem}{dot}ubyte{packed}" for dot in "-." for packed in ("", ".gz")]
    names += [name.replace("-idx", ".idx") for name in names]
    for path in (folder / part / name for part in INSIDE for name in names):
        if path.is_file():
            return path
    raise DataError(f"There is no {names[0]} (or .gz) in '{folder}' or its raw or MNIST/raw. Check the folder.")


def read_idx(path: Path) -> NDArray[Any]:
    """The array of bytes in an IDX file. Errors: DataError if it is damaged, or of another kind."""
    if path.suffix == ".gz":
        check_gzip(path)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' is a damaged gzip file ({error}). Copy or download it again.") from error
    if len(content) < 4 or content[:3] != bytes((0, 0, BYTES)) or not 1 <= content[3] <= 4:
        raise DataError(f"'{path}' is no IDX file of bytes; it begins with {content[:4].hex() or 'nothing'}.")
    start = 4 + 4 * content[3]
    shape = struct.unpack(f">{content[3]}I", content[4:start].ljust(start - 4, b"\0"))
    if len(content) != start + math.prod(shape):
        raise DataError(
            f"'{path}' is cut short or damaged: {len(content)} bytes for an array {shape}. Copy or download it again."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)

"""CIFAR-10 as its publishers pack it for Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepnrc.data.sources.arrays import classes
from deepnrc.data.sources.images.pixels import Pixels
from deepnrc.data.sources.images.unpickling import read_arrays
from deepnrc.errors import DataError
from deepnrc.wording import listing

TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST = ("test_batch",)
CLASSES = 10
INSIDE = ("", "cifar-10-batches-py")


def read_cifar(folder: Path, test: bool, image_size: int | None, dtype: torch.dtype, model: nn.Module | None) -> Pixels:
    """The training or test images (3, 32, 32) with their classes, from a folder of python batches or the one above it.

    Prepared as in ``Pixels``. The batches are pickles; nothing in them is run.
    Errors: DataError if a batch is missing, damaged, asks for code, or does not hold images and labels.
    """
    names = TEST if test else TRAIN
    within = next((folder / part for part in INSIDE if (folder / part / names[0]).is_file()), folder)
    missing = [name for name in names if not (within / name).is_file()]
    if missing:
        raise DataError(f"'{within}' lacks {listing(missing)} of CIFAR-10's python batches. Name the folder of them.")
    batches = [_batch(within / name) for name in names]
    x, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return Pixels(x.transpose(0, 2, 3, 1), classes(y, str(within)), image_size, dtype, model)


def _batch(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Images (N, 3, 32, 32) and classes (N,) of one file."""
    held = read_arrays(path)
    named = {_text(key): value for key, value in held.items()} if isinstance(held, dict) else {}
    x, y = named.get("data"), named.get("labels")
    if not isinstance(x, np.ndarray) or x.dtype != np.uint8 or x.ndim != 2 or x.shape[1] != 3072:
        raise DataError(f"'{path}' holds {listing(list(named))}, but no data (N, 3072) of bytes as CIFAR-10 does.")
    if not isinstance(y, list) or len(y) != len(x) or not all(isinstance(each, int) for each in y):
        raise DataError(f"'{path}' holds {listing(list(named))}, but no labels, one whole number for each image.")
    beyond = sorted({each for each in y if not 0 <= each < CLASSES})
    if beyond:
        raise DataError(f"'{path}' holds the label {beyond[0]}; CIFAR-10's are 0 to {CLASSES - 1}. Download it again.")
    return x.reshape(-1, 3, 32, 32), np.array(y, dtype=np.int64)


def _text(key: object) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)

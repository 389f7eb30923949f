"""Pairs of .npy files, of inputs and of targets, read from the disk as they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from deepnrc.data.sources.arrays import TIMES, check_steps, labels, say_values
from deepnrc.data.sources.columns import numbered
from deepnrc.data.sources.images.pixels import CHANNELS, Pixels
from deepnrc.data.sources.recordings.carla import layout
from deepnrc.errors import DataError, UsageError

PAIRS = {"x.npy": "y.npy", "X.npy": "Y.npy", "images.npy": "targets.npy", "inputs.npy": "targets.npy"}


class Rows(Dataset[tuple[Tensor, Tensor]]):
    """Inputs (...) in `dtype` beside targets (n,) or a class (), from an array on the disk."""

    def __init__(self, x: NDArray[Any], targets: Tensor, dtype: torch.dtype) -> None:
        self.x, self.targets, self.dtype = x, targets, dtype

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        row = self.x[index]
        wide = np.float64 if self.dtype == torch.float64 else np.float32
        return torch.from_numpy(np.array(row, dtype=wide)).to(self.dtype), self.targets[index]


def pair_in(path: Path) -> tuple[Path, Path] | None:
    """The files of inputs and targets that a folder holds, or that stand beside the named file of inputs."""
    folder, names = (path, list(PAIRS)) if path.is_dir() else (path.parent, [path.name])
    found = [(folder / name, folder / PAIRS[name]) for name in names if name in PAIRS]
    return next((pair for pair in found if all(file.is_file() for file in pair)), None)


def read_npy(
    path: Path,
    targets: Sequence[str] | str | None,
    image_size: int | None,
    dtype: torch.dtype,
    model: nn.Module | None,
) -> Dataset[tuple[Tensor, Tensor]]:
    """The pair x.npy and y.npy, images.npy and targets.npy, or inputs.npy and targets.npy in a folder.

    Bytes (N, h, w, c) or (N, c, h, w) are pictures, prepared as in ``Pixels``; anything else is passed on in `dtype`.
    `targets` chooses columns, by number or, if there are 28, by CARLA's names; all of them if not given.
    Errors: DataError if there is no such pair, or one of them cannot be read, holds Python objects or does not fit the
    other; UsageError for columns that are not there and for an image size without images.
    """
    pair = pair_in(path)
    if pair is None:
        wanted = "; ".join(f"{x} and {y}" for x, y in PAIRS.items())
        raise DataError(f"There is no pair of arrays at '{path}'. Give the folder, or the file of inputs, of {wanted}.")
    x, y = (_mapped(file) for file in pair)
    if len(x) != len(y):
        raise DataError(f"'{pair[0]}' has {len(x)} rows and '{pair[1]}' {len(y)}; there must be as many of each.")
    if targets:
        if y.ndim != 2:
            raise UsageError(f"'{pair[1]}' holds an array {y.shape}, which has no columns to choose. Leave them out.")
        y = y[:, numbered(targets, y.shape[1], str(pair[1]), layout(y.shape[1]))]
    pictures = as_pictures(x, y, str(pair[1]), image_size, dtype, model)
    if pictures is not None:
        return pictures
    if image_size is not None:
        raise UsageError(
            f"The image size is for pictures: bytes (N, h, w, c); '{pair[0]}' holds {x.dtype} {x.shape}. Leave it out."
        )
    check_steps(x, dtype, str(pair[0]))
    say_values(y, str(pair[1]), stacklevel=4)
    return Rows(x, labels(np.asarray(y), str(pair[1])), dtype)


def _mapped(path: Path) -> NDArray[Any]:
    """The array in a file, left on the disk. Errors: DataError if it is damaged, empty, or holds Python objects."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        if "Python objects" in str(error) or "Object arrays" in str(error):
            raise DataError(f"'{path}' holds Python objects, which could run any code: refused.") from error
        raise DataError(f"'{path}' is no .npy file, or is cut short ({error}). Copy or save it again.") from error
    if array.ndim == 0 or not array.size or array.dtype.kind not in "fiub":
        remedy = f" {TIMES}" if array.dtype.kind in "mM" else ""
        raise DataError(
            f"'{path}' holds {array.dtype} {array.shape}; it must be numbers, with one row for a sample.{remedy}"
        )
    if array.ndim == 1 and path.name in PAIRS:
        raise DataError(f"'{path}' holds inputs {array.shape}; they must be (N, d) or (N, ...). Reshape one to (N, 1).")
    return array


def as_pictures(
    x: NDArray[Any],
    y: NDArray[Any],
    source: str,
    image_size: int | None,
    dtype: torch.dtype,
    model: nn.Module | None,
) -> Pixels | None:
    """Bytes (N, h, w, c) or (N, c, h, w) beside their targets; None if x holds something else.

    Errors: DataError if there are not as many of each.
    """
    if x.dtype != np.uint8 or x.ndim != 4 or not (x.shape[3] in CHANNELS or x.shape[1] in CHANNELS):
        return None
    if len(x) != len(y) or not len(x):
        raise DataError(f"'{source}' holds x {x.shape} and y {y.shape}; there must be as many targets as pictures.")
    frames = x if x.shape[3] in CHANNELS else x.transpose(0, 2, 3, 1)
    return Pixels(frames, labels(np.asarray(y), source), image_size, dtype, model)

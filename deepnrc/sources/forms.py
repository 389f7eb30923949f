"""Decide which form of data a user named, and hand it to the reader of that form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from deepnrc.errors import DataError, UsageError
from deepnrc.sources.arrays import read_npz
from deepnrc.sources.episodes import read_episodes
from deepnrc.sources.images import read_images
from deepnrc.sources.produced import produced
from deepnrc.sources.tables import read_table

FORMS = (
    "a .npz file with the arrays x and y; a .csv or .parquet table with --targets COLUMN,COLUMN; a folder of images "
    "with --targets LABELS.csv; a local Minari data set such as mujoco/swimmer/expert-v0; or path/to/file.py:factory"
)
TABLES = {".csv", ".parquet"}
MINARI = "minari:"
MINARI_ID = re.compile(r"([\w.-]+/)*[\w.-]+-v\d+")


def load_data(
    spec: str,
    *,
    targets: Sequence[str] | None = None,
    image_size: int | None = None,
    batch_size: int = 256,
    dtype: torch.dtype = torch.float32,
    model: nn.Module | None = None,
) -> Iterable[Any]:
    """Batches (inputs (b, ...), targets (b, n) or classes (b,)) of the data that `spec` names, in their own order.

    Nothing is shuffled, dropped or standardised. The first of these rules that holds decides on the form:
    `minari:ID` is a local Minari data set; a folder holds images, with `targets` the path of their csv; a name that
    ends in .npz, .csv or .parquet is that kind of file, with `targets` the target columns of a table; a name such as
    `a/b-v0` is a Minari data set; a name with a colon is a factory. A factory's own batches are passed on; everything
    else comes as a DataLoader of batches of `batch_size`, floating point in `dtype`. `image_size` overrides the side
    to which images are brought; `model` lets them be prepared as timm prepares them for that network.
    Errors: UsageError for a name of no known form, or options that do not go with it; DataError for unreadable data.
    """
    _check_numbers(batch_size, image_size, dtype)
    path = Path(spec)
    if image_size is not None and not path.is_dir():
        raise UsageError(f"The image size is for a folder of images, and {spec!r} is not a folder. Leave it out.")
    if path.is_dir() and not spec.startswith(MINARI):
        return _batches(read_images(path, targets, image_size, dtype, model), batch_size)
    if path.suffix.lower() in TABLES:
        return _batches(read_table(path, targets, dtype), batch_size)
    if targets is not None:
        raise UsageError(f"Targets are for a table or a folder of images, and {spec!r} is neither. Leave them out.")
    if path.suffix.lower() == ".npz":
        return _batches(read_npz(path, dtype), batch_size)
    if spec.startswith(MINARI) or MINARI_ID.fullmatch(spec):
        return _batches(read_episodes(spec.removeprefix(MINARI), dtype), batch_size)
    if ":" in spec:
        data = produced(spec)
        return _batches(data, batch_size) if isinstance(data, Dataset) else data
    raise _unknown(path)


def _batches(data: Dataset[Any], batch_size: int) -> DataLoader[Any]:
    return DataLoader(data, batch_size=batch_size, shuffle=False, drop_last=False)


def _check_numbers(batch_size: int, image_size: int | None, dtype: torch.dtype) -> None:
    for name, value in (("batch size", batch_size), ("image size", image_size)):
        if value is not None and value < 1:
            raise UsageError(f"The {name} must be at least 1, but {value} was given.")
    if not dtype.is_floating_point:
        raise UsageError(f"Data is read as floating-point numbers, but the dtype {dtype} was given.")


def _unknown(path: Path) -> UsageError | DataError:
    if path.is_file():
        return UsageError(f"The file '{path}' is of no kind that can be read here. Data is {FORMS}.")
    return DataError(f"There is no file or folder '{path}' (looked from {Path.cwd()}). Data is {FORMS}.")

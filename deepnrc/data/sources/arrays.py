"""Inputs and targets held in memory."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepnrc.data.batches import Samples
from deepnrc.errors import DataError
from deepnrc.wording import listing, shown

TIMES = "Save times as floats, such as seconds from the first: (t - t[0]) / np.timedelta64(1, 's')."
STEPS = 100  # a column whose numbers differ by no more of its dtype's steps is hardly told apart
OWN = {np.float16: torch.float16, np.float32: torch.float32}


def paired(
    x: NDArray[Any],
    y: NDArray[Any],
    dtype: torch.dtype,
    source: str,
    resolution: Tensor | None = None,
    groups: Tensor | None = None,
    names: Sequence[str] = (),
) -> Samples:
    """Inputs x (N, ...) in `dtype` beside targets: classes (N,) if y is whole numbers (N,), or true and false, which is
    said; else (N, n) of its own.

    Warns of columns of x (N, d), by their `names` if they have any, that `dtype` hardly tells apart.
    Errors: DataError if there are no samples, or lengths, shapes, kinds or values do not allow it, or if `dtype` takes
    all differences from a column.
    """
    for name, array in (("x", x), ("y", y)):
        _check_kind(array, name, source)
    if x.ndim < 2 or y.ndim not in (1, 2):
        raise DataError(
            f"'{source}' holds x {x.shape} and y {y.shape}; x must be (N, d) or (N, ...) and y (N, n), or (N,) for "
            "classes. Reshape a single feature to (N, 1)."
        )
    if len(x) != len(y) or not x.size or not y.size:
        raise DataError(
            f"'{source}' holds x {x.shape} and y {y.shape}; there must be as many targets as inputs, and some of each."
        )
    inputs = _floats(x, dtype, "x", source)
    check_steps(x, dtype, source, names)
    return Samples(inputs, labels(y, source), resolution, groups)


def labels(y: NDArray[Any], source: str) -> Tensor:
    """Targets as they go to the probes: classes (N,) if y is whole numbers (N,), else (N, n) in y's own precision.

    Errors: DataError if y is no vector or matrix of numbers, or a value is negative as a class or not finite.
    """
    _check_kind(y, "y", source)
    if y.ndim not in (1, 2):
        raise DataError(f"'{source}' holds targets {y.shape}; they must be (N, n), or (N,) for classes.")
    if y.ndim == 1 and y.dtype.kind == "b":
        say_truths(f"The y of '{source}'", stacklevel=4)
    if y.ndim == 1 and y.dtype.kind in "iub":
        return classes(y, source)
    return _floats(y.reshape(len(y), -1), OWN.get(y.dtype.type, torch.float64), "y", source)


def say_truths(what: str, stacklevel: int) -> None:
    """Warn that a single column of targets that are true or false is read as classes, as it is from every file."""
    warnings.warn(
        f"{shown(what)} holds true and false, which are read as the classes 1 and 0. If they are values to predict, "
        "save them as the numbers 1.0 and 0.0.",
        stacklevel=stacklevel,
    )


def say_values(y: NDArray[Any], source: str, stacklevel: int) -> None:
    """Warn of one column of whole numbers, or of true and false, that may be classes."""
    if y.shape[1:] == (1,) and y.dtype.kind in "iub":
        warnings.warn(
            f"The y of '{shown(source)}' holds {y.dtype} of shape {y.shape}, read as values to predict. If they are "
            f"classes, save them as whole numbers {(len(y),)}; if not, as floats.",
            stacklevel=stacklevel,
        )


def _check_kind(array: NDArray[Any], name: str, source: str) -> None:
    if array.dtype.kind not in "fiub":
        remedy = TIMES if array.dtype.kind in "mM" else "Save it as floats or integers."
        raise DataError(f"The {name} of '{source}' holds {array.dtype}, not numbers. {remedy}")


def classes(y: NDArray[Any], source: str) -> Tensor:
    """Class numbers (N,) as int64. Errors: DataError if one is negative, or too large for that."""
    if y.min() < 0:
        raise DataError(
            f"The classes of '{source}' include {y.min()}; number them from 0. "
            "If these are values to predict, save them as floats."
        )
    if y.max() > np.iinfo(np.int64).max:
        raise DataError(
            f"The classes of '{source}' include {y.max()}, which is no number of a class; number them from 0. "
            "If these are values to predict, save them as floats."
        )
    return torch.from_numpy(y.astype(np.int64))


def check_steps(x: NDArray[Any], dtype: torch.dtype, source: str, names: Sequence[str] = ()) -> None:
    """Tell of columns whose numbers are so large beside their differences that rounding to `dtype` takes these away, as
    it does with time stamps."""
    if x.ndim != 2 or x.dtype.kind == "b":
        return
    low, high = x.min(0).astype(np.float64), x.max(0).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        spans, steps = high - low, np.maximum(abs(low), abs(high)) * torch.finfo(dtype).eps
        blurred = [int(i) for i in np.flatnonzero((spans > 0) & (spans <= STEPS * steps))]
    lost = [i for i in blurred if spans[i] <= steps[i]]
    if not blurred:
        return
    told = [names[i] if names else str(i) for i in lost or blurred]
    differ = "differ by no more than " + ("one step" if lost else f"{STEPS} steps") + " of rounding"
    said = (
        f"The input column {listing(told)} of '{source}' holds numbers so large that they {differ} in "
        f"{str(dtype).removeprefix('torch.')}. "
        + (f"Leave it out (drop, or --drop {','.join(told[:3])}), or subtract" if names else "Subtract")
        + " an offset; dtype=torch.float64 keeps it for a network in double precision."
    )
    if lost:
        raise DataError(said)
    warnings.warn(shown(said), stacklevel=5)


def _floats(array: NDArray[Any], dtype: torch.dtype, name: str, source: str) -> Tensor:
    """`array` in `dtype`. Errors: DataError if a value is not finite there."""
    with np.errstate(over="ignore"):
        values = torch.from_numpy(array.astype(np.float64 if dtype == torch.float64 else np.float32)).to(dtype)
    bad = int((~values.isfinite()).sum())
    if bad:
        raise DataError(
            f"The {name} of '{source}' holds {bad} of {values.numel()} values that are NaN, infinite or too large for "
            f"{dtype}. Remove or repair their rows."
        )
    return values

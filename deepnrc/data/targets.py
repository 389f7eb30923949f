"""Targets as the measures take them: a float64 matrix (N, n)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepnrc.errors import DataError, UsageError
from deepnrc.wording import Remedy
from probes import is_one_hot

NO_CLASSES = "the targets are no classes"
EXACT = torch.finfo(torch.float64).eps / 2
SHORT = 2.0**16  # numbers of 16 bits or fewer are hardly what rounding to float32's 24 leaves
WHOLE = 2.0**24  # float32 has all whole numbers below this one


@dataclass(frozen=True)
class Targets:
    """Y (N, n) in float64, the unit roundoff of the numbers it was made of, and whether its rows are classes: made from
    whole numbers, or given with a single 1 and else 0 in at least two columns; else ``no_classes`` says so.
    ``resolution`` (n,) is half a unit of the last written digit of each column; None where it is not known."""

    Y: Tensor
    roundoff: float
    one_hot: bool
    no_classes: str = NO_CLASSES
    resolution: Tensor | None = None


def unit_roundoff(dtype: torch.dtype) -> float:
    """u of a floating dtype: half the distance from 1 to the next number."""
    return float(torch.finfo(dtype).eps) / 2


def as_tensor(given: object, what: str) -> Tensor:
    """A tensor as it is; an array or numbers in lists as a tensor, copied where torch cannot share the memory.

    Errors: UsageError for anything else, named by ``what``.
    """
    if isinstance(given, Tensor):
        return _signed(given, what)
    if isinstance(given, np.ndarray):
        given = np.require(given, given.dtype.newbyteorder("="), ["C", "W"])
    try:
        made = torch.as_tensor(given, device="cpu")
        # numbers in lists are Python's, of double precision, which torch would cut to its default
        plain = not isinstance(given, np.ndarray) and made.is_floating_point()
        made = torch.as_tensor(given, dtype=torch.float64, device="cpu") if plain else made
    except (TypeError, ValueError, RuntimeError) as error:
        kind = f"{type(given).__name__} of {given.dtype}" if isinstance(given, np.ndarray) else type(given).__name__
        raise UsageError(f"{what} is a {kind}, not a tensor or an array of numbers.") from error
    return _signed(made, what)


def _signed(y: Tensor, what: str) -> Tensor:
    """Whole numbers without a sign, with which torch cannot count, as int64. Errors: UsageError if one is too large."""
    if y.dtype not in (torch.uint16, torch.uint32, torch.uint64):
        return y
    made = y.to(torch.int64)
    if y.dtype == torch.uint64 and y.numel() and int(made.min()) < 0:
        raise UsageError(f"{what} holds whole numbers above 2**63. Number classes from 0, and give values as floats.")
    return made


def is_classes(y: Tensor) -> bool:
    """Whether targets are classes as whole numbers (N,)."""
    return y.ndim == 1 and _whole(y)


def _whole(y: Tensor) -> bool:
    return not y.is_floating_point() and not y.is_complex() and y.dtype != torch.bool


def as_targets(
    given: object, prediction: Tensor | None, batch: int, resolution: Sequence[float] | Tensor | None = None
) -> Targets:
    """Read targets (N, n), (N,), or integer classes (N,), which become one-hot. Rows (N, n) that are one-hot already
    are classes too.

    Args:
        given: tensor or array.
        prediction: the network's output, whose width (N, K) says how many classes there are.
        batch: its number from 1, for messages.
        resolution: half a unit of the last written digit of each column (n,), if that is known.
    """
    y = as_tensor(given, f"The target of batch {batch}").detach()
    if is_classes(y):
        return _classes(y, prediction, batch)
    _check_told(y, batch)
    if y.ndim == 1:
        y = y[:, None]
    if y.ndim != 2 or y.shape[1] == 0 or y.is_complex():
        raise UsageError(
            f"The targets of batch {batch} have shape {tuple(y.shape)} and dtype {y.dtype}. "
            "They must be real (N, n) with n >= 1, (N,), or integer classes (N,)."
        )
    if not bool(torch.isfinite(y).all()):
        rows = int((~torch.isfinite(y).all(1)).sum())
        raise DataError(f"The targets of batch {batch} hold NaN or infinity in {rows} rows. Clean them first.")
    roundoff = max(unit_roundoff(y.dtype), _rounded(y)) if y.is_floating_point() else EXACT
    return Targets(_wide(y), roundoff, is_one_hot(y), resolution=_checked(resolution, y.shape[1]))


def _check_told(y: Tensor, batch: int) -> None:
    """Errors: UsageError for one column of whole numbers, or of true and false, that may be classes or values."""
    if y.is_floating_point() or y.is_complex() or y.ndim not in (1, 2) or (y.ndim == 2 and y.shape[1] != 1):
        return
    column = "y[:, 0]" if y.ndim == 2 else "y"
    as_classes = f"{column}.long()" if y.dtype == torch.bool else column
    raise UsageError(
        f"The targets of batch {batch} are {'true and false' if y.dtype == torch.bool else 'whole numbers'} of shape "
        f"{tuple(y.shape)}, which may be classes or values to predict. Give classes as whole numbers (N,), "
        f"{as_classes}, and values as floats, y.float(): in the loader, or with ",
        Remedy("batch"),
        ", such as a function lambda batch: (batch[0], batch[1].float()).",
    )


def _rounded(y: Tensor) -> float:
    """The unit roundoff of float32 if double precision holds nothing but its numbers, and not only whole or short ones,
    which need not have been rounded."""
    if y.dtype != torch.float64 or not torch.equal(y.float().double(), y):
        return 0.0
    bits = torch.frexp(y).mantissa * SHORT
    exact = (bits == bits.round()) | ((y == y.round()) & (y.abs() < WHOLE))
    return 0.0 if bool(exact.all()) else unit_roundoff(torch.float32)


def _checked(resolution: Sequence[float] | Tensor | None, n: int) -> Tensor | None:
    if resolution is None:
        return None
    values = torch.as_tensor(resolution, dtype=torch.float64)
    if values.shape != (n,) or not bool((values >= 0).all()):
        raise UsageError(
            f"The targets' resolution must be {n} numbers from 0 up, half a unit of the last written digit of each "
            f"column; it is {values.tolist()}."
        )
    return values


def _wide(y: Tensor) -> Tensor:
    return (y.cpu() if y.device.type == "mps" else y).to(torch.float64)


def _classes(y: Tensor, prediction: Tensor | None, batch: int) -> Targets:
    if prediction is None or prediction.ndim != 2:
        raise UsageError("Integer targets are classes, but the network's output (N, K) is not there to say how many.")
    K = prediction.shape[1]
    if K == 1:
        raise UsageError(
            "The network has one output, and integer targets are classes; give regression targets as floats."
        )
    if y.numel() and not 0 <= int(y.min()) <= int(y.max()) < K:
        raise DataError(
            f"Batch {batch} has classes from {int(y.min())} to {int(y.max())}, and the network has {K} outputs. "
            "Classes count from 0; give regression targets as floats."
        )
    return Targets(_wide(torch.nn.functional.one_hot(y.long(), K)), EXACT, True)

"""Targets as the measures take them: a float64 matrix (N, n)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deepnrc.errors import DataError, UsageError

EXACT = torch.finfo(torch.float64).eps / 2


@dataclass(frozen=True)
class Targets:
    """Y (N, n) in float64, the unit roundoff of the dtype it came in, and whether it was made one-hot from classes."""

    Y: Tensor
    roundoff: float
    one_hot: bool


def unit_roundoff(dtype: torch.dtype) -> float:
    """u of a floating dtype: half the distance from 1 to the next number."""
    return float(torch.finfo(dtype).eps) / 2


def as_targets(given: object, prediction: Tensor | None, batch: int) -> Targets:
    """Read targets (N, n), (N,), or integer classes (N,), which become one-hot.

    Args:
        given: tensor or array.
        prediction: the network's output, whose width (N, K) says how many classes there are.
        batch: its number from 1, for messages.
    """
    try:
        y = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"The targets of batch {batch} are {type(given).__name__}, not a tensor or array.") from error
    y = y.detach()
    if y.ndim == 1 and not y.is_floating_point() and not y.is_complex() and y.dtype != torch.bool:
        return _classes(y, prediction, batch)
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
    roundoff = unit_roundoff(y.dtype) if y.is_floating_point() else EXACT
    return Targets(_wide(y), roundoff, False)


def _wide(y: Tensor) -> Tensor:
    return (y.cpu() if y.device.type == "mps" else y).to(torch.float64)


def _classes(y: Tensor, prediction: Tensor | None, batch: int) -> Targets:
    if prediction is None or prediction.ndim != 2:
        raise UsageError("Integer targets are classes, but the network's output (N, K) is not there to say how many.")
    K = prediction.shape[1]
    if y.numel() and not 0 <= int(y.min()) <= int(y.max()) < K:
        raise DataError(
            f"Batch {batch} has classes from {int(y.min())} to {int(y.max())}, and the network has {K} outputs. "
            "Classes count from 0; give regression targets as floats."
        )
    return Targets(_wide(torch.nn.functional.one_hot(y.long(), K)), EXACT, True)

"""Which axis of a tensor is the samples': the one that gets shorter when a batch does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from deepnrc.data import mapped

MANY = 1000  # columns of an output, at which one more look at them is no longer cheap


@dataclass(frozen=True)
class Layout:
    """Where the samples of a tensor lie.

    Attributes:
        axis: the samples' axis.
        each: how many rows one sample has there, 1 unless windows or tokens were folded into it.
        together: whether a sample's rows follow one another; else the first row of every sample comes first.
    """

    axis: int = 0
    each: int = 1
    together: bool = True

    @property
    def plain(self) -> bool:
        return self == Layout()


def layout(more: Tensor, fewer: Tensor, samples: tuple[int, int]) -> Layout | str:
    """Where the samples of a tensor lie, from the same tensor with more samples and with fewer; or why it is unknown.

    Args:
        samples: how many there were in either.
    """
    if more.ndim != fewer.ndim:
        return f"it has {more.ndim} axes with {samples[0]} samples and {fewer.ndim} with {samples[1]}"
    axes = [i for i in range(more.ndim) if more.shape[i] != fewer.shape[i]]
    if not axes:
        return "it is the same size whatever the number of samples"
    sizes = f"{tuple(more.shape)} with {samples[0]} samples and {tuple(fewer.shape)} with {samples[1]}"
    axis = axes[0]
    each, rest = divmod(more.shape[axis], samples[0])
    if len(axes) > 1 or rest or each * samples[1] != fewer.shape[axis]:
        return f"it is {sizes}: no axis holds the samples alone"
    if each == 1:
        return Layout(axis)
    a, b = more.movedim(axis, 0), fewer.movedim(axis, 0)
    orders = [Layout(axis, each, True), Layout(axis, each, False)]
    same = [order for order in orders if _close(_first(a, order, samples), b)]
    if len(same) == 1:
        return same[0]
    return f"it is {sizes}, and which of its {each} rows a sample belong together cannot be told"


def _first(rows: Tensor, order: Layout, samples: tuple[int, int]) -> Tensor:
    """The rows of the first samples, in the order in which they would be if there were no others."""
    if order.together:
        return rows[: order.each * samples[1]]
    return rows.unflatten(0, (order.each, samples[0]))[:, : samples[1]].flatten(0, 1)


def _close(a: Tensor, b: Tensor) -> bool:
    scale = float(b.abs().mean()) if b.numel() else 0.0
    return bool((a - b).abs().max() <= torch.finfo(b.dtype).eps ** 0.5 * (scale or 1.0)) if b.numel() else False


def samples_first(x: Tensor, where: Layout, features: int | None) -> tuple[Tensor, int | None]:
    """The tensor with samples on the first axis, and the axis of its features then; a sample's several rows become an
    axis of positions, the second.

    Args:
        features: the axis of the features in ``x``, None if that is not known.
    """
    axis = None if features is None else features % x.ndim
    if axis is not None and axis < where.axis:
        axis += 1
    x = x.movedim(where.axis, 0)
    if where.each == 1:
        return x, axis
    size = x.shape[0] // where.each
    x = x.unflatten(0, (size, where.each)) if where.together else x.unflatten(0, (where.each, size)).movedim(0, 1)
    return x, None if axis is None else axis + 1


def lie_first(value: Any, samples: int) -> bool:
    """Whether every tensor in nested tuples, lists and mappings has the samples on its first axis."""
    found: list[Tensor] = []
    mapped(found.append, value)
    return all(x.ndim > 0 and len(x) == samples for x in found)


def telling_first(outputs: Mapping[str, Tensor], samples: int, few: int) -> Tensor | None:
    """The order of the samples (N,) in which the first ``few`` hold, of every column of the outputs (N, n), a number
    between its least and its largest, as what a ReLU shut does not: there nothing tells what gives a column. None where
    the first ones do already, or too few do.
    """
    flat = [x.detach() for x in outputs.values() if x.is_floating_point() and x.ndim == 2 and len(x) == samples]
    columns = [x for x in flat if 0 < x.shape[1] <= MANY]
    if not columns or not samples:
        return None
    moving = torch.cat([(x > x.amin(0)) & (x < x.amax(0)) for x in columns], 1).cpu()
    missing = moving.any(0)
    if not bool((missing & ~moving[:few].any(0)).any()):
        return None
    chosen: list[int] = []
    while len(chosen) < few and bool(missing.any()):
        best = int((moving & missing).sum(1).argmax())
        chosen.append(best)
        missing &= ~moving[best]
    rest = torch.ones(samples, dtype=torch.bool)
    rest[chosen] = False
    return torch.cat([torch.tensor(chosen), rest.nonzero().flatten()])


def cut(value: Any, samples: int, keep: int, axis: int = 0) -> Any:
    """The inputs of the first ``keep`` samples: whatever is as long as the batch on ``axis`` is cut there."""

    def shortened(x: Any) -> Any:
        fits = isinstance(x, Tensor) and x.ndim > axis and x.shape[axis] == samples
        return x.narrow(axis, 0, keep) if fits else x

    if isinstance(value, Mapping):
        return {key: cut(item, samples, keep, axis) for key, item in value.items()}
    if isinstance(value, list) and len(value) == samples > 1 and all(isinstance(x, Tensor) for x in value):
        return value[:keep] if axis == 0 and not _shared(value, samples) else mapped(shortened, value)
    if isinstance(value, tuple | list):
        return mapped(shortened, value)
    return shortened(value)


def _shared(value: Sequence[Tensor], samples: int) -> bool:
    return all(x.ndim > 0 and x.shape[0] == samples for x in value)

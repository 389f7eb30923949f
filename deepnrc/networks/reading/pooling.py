"""From a layer's tensor to one row of features a sample, inside the hook, so that unpooled maps are never kept."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.conv import _ConvNd

from deepnrc.errors import UsageError
from deepnrc.networks.choosing.sites import Site
from deepnrc.networks.reading.axes import by_parts, unknown_axis
from deepnrc.networks.reading.masks import padded
from deepnrc.wording import Remedy, did_you_mean, listing

Pool = str | Callable[..., Tensor]
POOLS = {
    "mean": "average over all positions",
    "max": "largest value over all positions",
    "positions": "every position as a sample",
    "tokens": "every token as a sample",
    "flatten": "all positions side by side",
    "cls": "the first token; maps without tokens by their mean",
    "last": "the last token that is no padding; maps without tokens by their mean",
}
PER_PLACE = ("tokens", "positions")

PART = 2**17  # numbers that are pooled at once
CONVOLVED = {3: "sequences", 4: "images", 5: "volumes"}  # by the number of axes of a batch


@dataclass(frozen=True)
class Pooled:
    """Rows (N * repeats, d), in float32 where that holds them exactly and else in float64; how many rows a sample
    became, (N,) where samples differ in it, and which pooling was in fact done; ``unmasked`` where there is padding
    that it does not tell from real tokens; samples and ``tokens`` (N, T) where each of them counted."""

    rows: Tensor
    repeats: int | Tensor
    pool: str
    unmasked: bool = False
    tokens: tuple[int, int] | None = None

    def rows_of(self, samples: int) -> int:
        """How many rows so many samples should have become."""
        return samples * self.repeats if isinstance(self.repeats, int) else int(self.repeats.sum())


def check_pool(pool: Pool) -> None:
    """Refuse an unknown pooling before anything runs."""
    if not callable(pool) and not (isinstance(pool, str) and pool in POOLS):
        raise UsageError(f"There is no pooling {pool!r}.{did_you_mean(str(pool), POOLS)} Choose from {listing(POOLS)}.")


def pooled(x: Tensor, site: Site, pool: Pool, mask: Tensor | None = None, axis: int | None = None) -> Pooled:
    """Pool the tensor ``x`` that was read at ``site``.

    Args:
        x: (N, d), or (N, ..., d) or (N, d, ...) with the features on the site's axis.
        pool: a name from ``POOLS``, or a callable from (N, positions, d), and the mask (N, positions) if it takes two,
            to (N, d') or (N * positions', d').
        mask: (N, T), true for real tokens, for tensors of as many positions.
        axis: of the features, where that is known; else the site's.
    Errors: UsageError where the feature axis cannot be told, or a callable returns another shape.
    """
    if x.is_quantized:
        x = x.dequantize()
    if hasattr(x, "full_tensor"):
        x = x.full_tensor()
    if not x.is_floating_point():
        raise UsageError(
            f"Layer '{site.name}' holds {x.dtype}, not real numbers. Leave it out with ",
            Remedy("layers", [f"!{site.name}"]),
            ".",
        )
    x = x.detach()
    if x.device.type == "mps":  # has no float64
        x = x.cpu()
    if isinstance(site.module, _ConvNd) and x.ndim < (axes := len(site.module.kernel_size) + 2):
        raise UsageError(
            f"Layer '{site.name}' expects inputs of shape (N, channels, ...) with {axes} axes, and got "
            f"{tuple(x.shape)}: this network needs {CONVOLVED[axes]}, in batches."
        )
    if x.ndim == 2:
        return Pooled(_copied(x), 1, "none")
    if x.ndim < 2:
        raise UsageError(f"Layer '{site.name}' holds a tensor {tuple(x.shape)}: the first axis must be the batch.")
    axis = by_parts(site, x) if axis is None else axis % x.ndim
    if axis is None or axis == 0:
        raise unknown_axis(site, tuple(x.shape))
    real = None if mask is None or x.ndim != 3 or mask.shape != _positions(x, axis) else mask.to(x.device)
    if real is None:
        made = _unpadded(x, site, pool, axis, padded(mask))
        return replace(made, tokens=_positions(x, axis)) if x.ndim == 3 else made
    x = x.movedim(axis, -1)
    if callable(pool):
        return _called(x, site, pool, real)
    if pool == "mean":
        return Pooled(_masked_mean(x, real.to(torch.float64)), 1, pool)
    if pool == "max":
        return Pooled(_copied(x.masked_fill(~real[..., None], -torch.inf).amax(1)), 1, pool)
    if pool == "cls":
        return Pooled(_copied(x[torch.arange(len(x)), real.int().argmax(1)]), 1, pool)
    if pool == "last":
        places = real.shape[1] - 1 - real.flip(1).int().argmax(1)
        return Pooled(_copied(x[torch.arange(len(x)), places]), 1, pool)
    if pool == "flatten":
        return Pooled(_copied(x.movedim(-1, axis).flatten(1)), 1, pool, padded(mask))
    return Pooled(_copied(x[real]), real.sum(1), pool)


def _positions(x: Tensor, axis: int) -> tuple[int, int]:
    return x.shape[0], x.shape[3 - axis]


def _unpadded(x: Tensor, site: Site, pool: Pool, axis: int, unmasked: bool) -> Pooled:
    """Pool where every position counts; ``unmasked`` if some are padding for all that is known."""
    others = [i for i in range(1, x.ndim) if i != axis]
    if callable(pool):
        return _called(x.movedim(axis, -1).flatten(1, -2), site, pool, None, unmasked)
    if pool == "mean" or (pool in ("cls", "last") and (x.ndim != 3 or axis != 2)):
        return Pooled(_mean(x, others), 1, "mean", unmasked)
    if pool == "max":
        return Pooled(_copied(x.amax(others)), 1, pool, unmasked)
    if pool == "flatten":
        return Pooled(_copied(x.flatten(1)), 1, pool, unmasked)
    if pool in ("cls", "last"):
        return Pooled(_copied(x[:, 0 if pool == "cls" else -1]), 1, pool, unmasked)
    rows = x.movedim(axis, -1).flatten(0, -2)
    return Pooled(_copied(rows), rows.shape[0] // x.shape[0] if x.shape[0] else 1, pool, unmasked)


def _mean(x: Tensor, others: list[int]) -> Tensor:
    """The mean (N, d) over the axes ``others`` of x (N, ...), in float64."""
    width = next(size for i, size in enumerate(x.shape) if i > 0 and i not in others)
    rows = x.new_empty(len(x), width, dtype=torch.float64)
    for here, part in _parts(x):
        torch.sum(part, others, dtype=torch.float64, out=rows[here])
    return rows.div_(math.prod(x.shape[i] for i in others))


def _masked_mean(x: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean (N, d) of tokens x (N, T, d), by weights (N, T), in float64."""
    rows = x.new_empty(len(x), x.shape[2], dtype=torch.float64)
    for here, part in _parts(x):
        rows[here] = torch.einsum("ntd,nt->nd", part.to(torch.float64), weights[here])
    return rows.div_(weights.sum(1, keepdim=True))


def _parts(x: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """x (N, ...) on the CPU in parts, in float64: so few samples at once that what is summed stays in the processor's
    cache. Of a whole map it would be new memory each time. Elsewhere x as it is, and whole."""
    some = max(1, PART // max(1, x[:1].numel()))
    if x.device.type != "cpu":
        yield slice(0, len(x)), x
        return
    memory = None if x.dtype == torch.float64 else torch.empty_like(x[:some], dtype=torch.float64)
    for place in range(0, len(x), some):
        here = slice(place, min(place + some, len(x)))
        yield here, x[here] if memory is None else memory[: here.stop - place].copy_(x[here])


def _copied(x: Tensor) -> Tensor:
    """A copy that holds the same numbers, never a view: what comes after the hook may change ``x`` in place."""
    exact = x.dtype in (torch.float32, torch.float16, torch.bfloat16)
    return x.to(torch.float32 if exact else torch.float64, copy=True)


def _called(
    x: Tensor, site: Site, pool: Callable[..., Tensor], mask: Tensor | None = None, unmasked: bool = False
) -> Pooled:
    masks = _takes_mask(pool)
    rows = pool(x, mask) if masks else pool(x)
    unmasked = unmasked or (padded(mask) and not masks)
    if not isinstance(rows, Tensor) or rows.ndim != 2 or (x.shape[0] and rows.shape[0] % x.shape[0]):
        shape = tuple(rows.shape) if isinstance(rows, Tensor) else type(rows).__name__
        raise UsageError(
            f"The pooling for layer '{site.name}' was given (N, positions, d) = {tuple(x.shape)} and returned {shape}. "
            "Return (N, width), or (N * positions, width) with the rows of a sample together."
        )
    name = getattr(pool, "__name__", type(pool).__name__)
    return Pooled(_copied(rows), rows.shape[0] // x.shape[0] if x.shape[0] else 1, name, unmasked)


def _takes_mask(pool: Callable[..., Any]) -> bool:
    """Whether a function has a second argument that must be given."""
    try:
        parameters = inspect.signature(pool).parameters.values()
    except (TypeError, ValueError):  # of some built-in functions nothing is known
        return False
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(places) >= 2 and (places[1].default is inspect.Parameter.empty or places[1].name == "mask")

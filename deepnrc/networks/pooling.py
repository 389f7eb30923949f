"""From a layer's tensor to one row of features a sample, inside the hook, so that unpooled maps are never kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.modules.conv import _ConvNd

from deepnrc.errors import UsageError
from deepnrc.networks.layers import Site
from deepnrc.wording import Remedy, did_you_mean, listing

Pool = str | Callable[[Tensor], Tensor]
POOLS = {
    "mean": "average over all positions",
    "max": "largest value over all positions",
    "positions": "every position as a sample",
    "tokens": "every token as a sample",
    "flatten": "all positions side by side",
    "cls": "the first token; maps without tokens by their mean",
}

CONVOLVED = {3: "sequences", 4: "images", 5: "volumes"}  # by the number of axes of a batch


@dataclass(frozen=True)
class Pooled:
    """Rows (N * repeats, d) in float64, how many rows a sample became, and which pooling was in fact done."""

    rows: Tensor
    repeats: int
    pool: str


def check_pool(pool: Pool) -> None:
    """Refuse an unknown pooling before anything runs."""
    if not callable(pool) and pool not in POOLS:
        raise UsageError(f"There is no pooling {pool!r}.{did_you_mean(str(pool), POOLS)} Choose from {listing(POOLS)}.")


def pooled(x: Tensor, site: Site, pool: Pool) -> Pooled:
    """Pool the tensor ``x`` that was read at ``site``.

    Args:
        x: (N, d), or (N, ..., d) or (N, d, ...) with the features on the site's axis.
        pool: a name from ``POOLS``, or a callable from (N, positions, d) to (N, d') or (N * positions', d').
    Errors: UsageError where the feature axis cannot be told, or a callable returns another shape.
    """
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
    axis = _feature_axis(x, site)
    others = [i for i in range(1, x.ndim) if i != axis]
    if callable(pool):
        return _called(x.movedim(axis, -1).flatten(1, -2), site, pool)
    if pool == "mean" or (pool == "cls" and (x.ndim != 3 or axis != 2)):
        return Pooled(x.mean(others, dtype=torch.float64), 1, "mean")
    if pool == "max":
        return Pooled(_copied(x.amax(others)), 1, pool)
    if pool == "flatten":
        return Pooled(_copied(x.flatten(1)), 1, pool)
    if pool == "cls":
        return Pooled(_copied(x[:, 0]), 1, pool)
    rows = x.movedim(axis, -1).flatten(0, -2)
    return Pooled(_copied(rows), rows.shape[0] // x.shape[0] if x.shape[0] else 1, pool)


def _copied(x: Tensor) -> Tensor:
    """A float64 copy, never a view: what comes after the hook may change ``x`` in place."""
    return x.to(torch.float64, copy=True)


def _called(x: Tensor, site: Site, pool: Callable[[Tensor], Tensor]) -> Pooled:
    rows = pool(x)
    if not isinstance(rows, Tensor) or rows.ndim != 2 or (x.shape[0] and rows.shape[0] % x.shape[0]):
        shape = tuple(rows.shape) if isinstance(rows, Tensor) else type(rows).__name__
        raise UsageError(
            f"The pooling for layer '{site.name}' was given (N, positions, d) = {tuple(x.shape)} and returned {shape}. "
            "Return (N, width), or (N * positions, width) with the rows of a sample together."
        )
    name = getattr(pool, "__name__", type(pool).__name__)
    return Pooled(_copied(rows), rows.shape[0] // x.shape[0] if x.shape[0] else 1, name)


def _feature_axis(x: Tensor, site: Site) -> int:
    """The site's axis, checked against its width; where only the width is told by the tensor, that alone."""
    if site.axis is not None and site.dim is not None:
        for axis in (site.axis % x.ndim, x.ndim - 1, 1):
            if x.shape[axis] == site.dim:
                return axis
    raise UsageError(
        f"Cannot tell which axis of the {site.reads} {tuple(x.shape)} of layer '{site.name}' ({site.kind}) holds "
        "features. Name the Linear or convolution before or after it instead, or leave it out."
    )

"""Which axis of a tensor holds features: the one along which what reads or wrote it works, never one of fitting length.

A weight or norm that is handed the very tensor, or gave it, tells. Where none does, the layers inside the module do, if
they agree.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from deepnrc.errors import UsageError
from deepnrc.networks.choosing.sites import Site
from deepnrc.networks.weights.registry import Weight, weights_in
from deepnrc.networks.weights.response import twin
from deepnrc.networks.weights.stored import forward_from
from deepnrc.wording import Argument, Remedy, listing

Axis = int | Mapping[str, int] | None

FIRST = (_NormBase, nn.GroupNorm)
LAST = (nn.LayerNorm, nn.RMSNorm)


def check_axis(axis: Axis, names: Collection[str]) -> None:
    """Refuse what is no axis, and globs that match no layer, before anything runs."""
    if axis is None:
        return
    values = axis.values() if isinstance(axis, Mapping) else [axis]
    if any(isinstance(value, bool) or not isinstance(value, int) or value == 0 for value in values):
        raise UsageError(
            Argument("axis", axis),
            " must be a whole number that is not 0, the samples' axis, or map globs on layers to such numbers; it is "
            f"{axis!r}.",
        )
    for glob in axis if isinstance(axis, Mapping) else ():
        if not any(fnmatch.fnmatchcase(name, glob) for name in names):
            raise UsageError(
                Argument("axis", axis), f" names no layer that is read: {glob!r}. It reads {listing(names)}."
            )


def given_axis(axis: Axis, name: str) -> int | None:
    """What the user said of a layer's features."""
    if isinstance(axis, Mapping):
        return next((value for glob, value in axis.items() if fnmatch.fnmatchcase(name, glob)), None)
    return axis


def tells(module: nn.Module, weights: Collection[Weight], x: Tensor) -> int | None:
    """The axis of the features in ``x``, which a module was given or gave, or None if its kind does not tell.

    Args:
        weights: those that the module itself multiplies by.
    """
    if weights:
        return next(iter(weights)).axis % x.ndim
    own_forward = not forward_from(module).startswith("torch.nn.")
    if isinstance(module, FIRST) and not own_forward:
        return 1
    if isinstance(module, LAST) and not own_forward and len(module.normalized_shape) == 1:
        return x.ndim - 1
    if isinstance(module, nn.RNNBase):
        return x.ndim - 1
    if type(module).__module__ == "torch.nn.modules.pooling":
        return 1
    return _tried(module, x)


def _tried(module: nn.Module, x: Tensor) -> int | None:
    """The one axis along which a norm or scale of no known class takes its weight, by what a copy of it accepts."""
    own = list(module.parameters(recurse=False))
    sizes = {p.numel() for p in own}
    if len(sizes) != 1 or any(p.ndim != 1 or p.is_meta or hasattr(p, "full_tensor") for p in own):
        return None
    (size,) = sizes
    fitting = [axis for axis in range(1, x.ndim) if x.shape[axis] == size and _accepts(module, own[0], axis, x.ndim)]
    return fitting[0] if len(fitting) == 1 else None


def _accepts(module: nn.Module, like: Tensor, axis: int, axes: int) -> bool:
    """Whether a module takes features on one axis, where all others are of another length."""
    shape = [2, *[like.numel() + 1] * (axes - 1)]
    shape[axis] = like.numel()
    try:
        with torch.no_grad():
            return twin(module)(torch.ones(shape, dtype=like.dtype, device=like.device)).shape == torch.Size(shape)
    except Exception:  # a foreign forward, given what it was perhaps not made for
        return False


def by_parts(site: Site, x: Tensor) -> int | None:
    """The axis along which all layers inside of a module work, if its length is one of theirs and none of another's."""
    if site.reads == "input":
        return None if site.axis is None or x.shape[site.axis] != site.dim else site.axis % x.ndim
    own = tells(site.module, (), x) if not any(True for _ in site.module.children()) else None
    if own is not None:
        return own
    widths: dict[int, set[int]] = {1: set(), x.ndim - 1: set()}
    for weight in weights_in(site.module).values():
        widths[weight.axis % x.ndim] |= {weight.d, weight.m}
    for module in site.module.modules():
        if isinstance(module, FIRST):
            widths[1].add(getattr(module, "num_features", 0) or getattr(module, "num_channels", 0))
        elif isinstance(module, LAST):
            widths[x.ndim - 1].add(module.normalized_shape[-1])
    fitting = [axis for axis, sizes in widths.items() if x.shape[axis] in sizes]
    return fitting[0] if len(fitting) == 1 else None


def unknown_axis(site: Site, shape: tuple[int, ...]) -> UsageError:
    """What to say of a tensor whose features may lie on any axis."""
    return UsageError(
        f"Cannot tell which axis of the {site.reads} {shape} of layer '{site.name}' ({site.kind}) holds features: "
        "nothing that reads or wrote it works along one alone. Say it with ",
        Remedy("axis", {site.name: -1}),
        " or ",
        Remedy("axis", {site.name: 1}),
        ", name the Linear or convolution before or after it instead, or leave it out.",
    )


def identity(x: Tensor) -> tuple[Any, ...]:
    """What is alike of two handles on one tensor, while it is held."""
    return (x.data_ptr(), tuple(x.shape), x.stride(), x.dtype)


class UnknownAxes:
    """Outputs of one pass whose features' axis is not yet known, until what reads them tells.

    What came from them unchanged in place, as through an activation module in evaluation mode, counts as they do.
    """

    def __init__(self) -> None:
        self.held: dict[str, tuple[Site, Tensor, Tensor, float]] = {}
        self._keys: dict[tuple[Any, ...], list[str]] = {}

    def add(self, key: str, site: Site, x: Tensor, coarsest: float = 0.0) -> None:
        """Keep a copy of the numbers, as the tensor may be changed in place, and the tensor, so that no other takes its
        place in memory; and the coarsest roundoff of a product so far."""
        self.held[key] = (site, x, x.detach().clone(), coarsest)
        self._keys.setdefault(identity(x), []).append(key)

    def read_by(self, x: Any) -> list[str]:
        """The keys of outputs that ``x`` is."""
        if not self.held or not isinstance(x, Tensor) or x.layout != torch.strided:
            return []
        return [key for key in self._keys.get(identity(x), ()) if key in self.held]

    def take(self, key: str) -> tuple[Site, Tensor, float]:
        site, _, copy, coarsest = self.held.pop(key)
        return site, copy, coarsest

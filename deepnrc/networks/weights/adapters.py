"""Adapters around a Linear or convolution: the module that holds both is the layer, and what is in it is not."""

from __future__ import annotations

from torch import nn

from deepnrc.networks.weights import stored


def adapted(module: nn.Module) -> nn.Module | None:
    """The Linear or convolution that the module adapts, or None if it can be no adapter.

    Peft's layers say which it is; else it may be a module of a Linear (m, d) beside a pair (r, d), (m, r) of low rank
    r, which a perceptron of three layers is too: that it is an adapter shows in that it is affine.
    """
    base = base_of_peft(module)
    if base is not None:
        return adapted(base) or (base if stored.kind_of(base) is not None else None)
    if isinstance(module, nn.Sequential) or not stored.forward_from(module):
        return None
    held = [part for part in module.modules() if part is not module and not _container(part)]
    weights = [(part, kind) for part in held if (kind := stored.kind_of(part)) is not None]
    known = {part for part, _ in weights}
    if len(weights) != 3 or not all(part in known or isinstance(part, nn.Dropout | nn.Identity) for part in held):
        return None
    shapes = {part: stored.widths(part, kind) for part, kind in weights}
    for inner, (d, m) in shapes.items():
        down, up = sorted((shape for part, shape in shapes.items() if part is not inner), key=lambda s: s[1])
        if down[0] == d and up[1] == m and down[1] == up[0] < min(d, m):
            return inner
    return None


def base_of_peft(module: nn.Module) -> nn.Module | None:
    """What a module of peft's own classes adapts; None for others."""
    base = getattr(module, "base_layer", None)
    ours = any(kind.__module__.startswith("peft.tuners.") for kind in type(module).__mro__)
    return base if ours and isinstance(base, nn.Module) else None


def _container(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict | nn.ParameterDict | nn.ParameterList)

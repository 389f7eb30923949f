"""Which matrix a module multiplies its features by, for every module that is linear in them, whatever its class.

A class that is known gives its weight exactly (``stored``). The user names further ones. What no class tells, the
module's response does (``response``). nn.MultiheadAttention holds four matrices (``attention``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepnrc.errors import UsageError
from deepnrc.networks.weights import attention, stored
from deepnrc.networks.weights.adapters import adapted, base_of_peft
from deepnrc.networks.weights.response import Response

Linears = Mapping[type[nn.Module], Callable[[nn.Module], Tensor]]

ROOT = "(layer)"  # the name of a network that is itself one Linear or convolution
RESPONSE = "weight by response"
GIVEN = "weight as given in linears"
SMALL = 2  # a module with matrices of its own around more weights than this is a block and no layer


@dataclass(frozen=True, eq=False)
class Weight:
    """The matrix W (m, d) that a module multiplies its features by.

    Attributes:
        module: whose weight it is.
        axis: of the features in the tensor that the module reads.
        d, m: how many features it reads, and how many outputs it has.
        read: W as it is now.
        missing: why W is not to be had, or nothing.
        note: what a reader must know of W, such as that it is the module's response; or nothing.
        argument: place and name of what is read among the arguments of the module's forward.
        inside: from the module and its arguments to what is read, where that is no argument.
        part: which of several matrices of one module this is, or which module in it is adapted.
    """

    module: nn.Module
    axis: int
    d: int
    m: int
    read: Callable[[], Tensor]
    missing: str = ""
    note: str = ""
    argument: tuple[int, str] = (0, "")
    inside: Callable[..., Tensor] | None = None
    part: str = ""

    def matrix(self) -> Tensor:
        """W (m, d) in float64; of a convolution (m k k, d), so that its right singular vectors live where the pooled
        features do."""
        return self.read().detach().to(torch.float64)


def weights_in(model: nn.Module, linears: Linears | None = None) -> dict[str, Weight]:
    """Every weight of the network by its layer's name, in the order of registration.

    What a layer is made of, such as the adapters around a Linear, is no layer of its own.
    """
    check(linears)
    found: dict[str, Weight] = {}
    closed: list[str] = []
    for name, module in model.named_modules():
        if any(name.startswith(f"{outer}.") for outer in closed):
            continue
        if isinstance(module, torch.jit.ScriptModule):  # takes no hooks, nor do its parts
            closed.append(name)
            continue
        parts = list(weights_of(module, linears))
        if parts and name == "" and any(part.part for part in parts):
            parts = []  # a bare attention has no layer's name to stand before its parts
        for weight in parts:
            found[".".join(filter(None, (name, weight.part))) or ROOT] = weight
        if parts:
            closed.append(name) if name else closed.extend(child for child, _ in module.named_children())
    return found


def weights_of(module: nn.Module, linears: Linears | None = None) -> Iterator[Weight]:
    """The matrices that one module multiplies by: none, one, or several parts."""
    for kind, give in (linears or {}).items():
        if isinstance(module, kind):
            yield _given(module, give)
            return
    if isinstance(module, nn.MultiheadAttention):
        for part in attention.parts(module):
            yield Weight(
                module, -1, part.d, part.m, part.read, argument=part.argument, inside=part.inside, part=part.name
            )
        return
    weight = _known(module) or _responding(module)
    if weight is not None:
        yield weight


def weight_of(module: nn.Module, linears: Linears | None = None) -> Weight | None:
    """The one matrix that the module multiplies by, or None."""
    found = list(weights_of(module, linears))
    return found[0] if len(found) == 1 else None


def check(linears: Linears | None) -> None:
    """Refuse what is no mapping from module types to functions."""
    if linears is None:
        return
    if not isinstance(linears, Mapping) or not all(
        isinstance(kind, type) and issubclass(kind, nn.Module) and callable(give) for kind, give in linears.items()
    ):
        raise UsageError(
            "linears maps types of modules to functions that give the weight (m, d) in use, such as "
            f"{{MyLinear: lambda m: m.weight}}; it is {linears!r}."
        )


def _given(module: nn.Module, give: Callable[[nn.Module], Tensor]) -> Weight:
    def read() -> Tensor:
        weight = give(module)
        if not isinstance(weight, Tensor) or weight.ndim < 2 or not weight.dtype.is_floating_point:
            shape = tuple(weight.shape) if isinstance(weight, Tensor) else type(weight).__name__
            raise UsageError(
                f"linears gives {shape} as the weight of a {type(module).__name__}. Return a real matrix (m, d), or "
                "(m, d, ...) of a module that reads (N, d, ...)."
            )
        return stored.dense(weight)

    first = read()
    matrix = read if first.ndim == 2 else lambda: stored.convolved(read())
    return Weight(module, -1 if first.ndim == 2 else 1, first.shape[1], first.shape[0], matrix, note=GIVEN)


def _known(module: nn.Module) -> Weight | None:
    kind = stored.kind_of(module)
    if kind is None:
        return None
    d, m = stored.widths(module, kind)
    groups = getattr(module, "groups", 1)
    missing = f"not defined for grouped convolutions (groups = {groups})" if groups > 1 else ""
    owner = stored.own_forward(module, kind)
    if not owner or missing:
        return Weight(module, kind.axis, d, m, lambda: kind.matrix(stored.held(module)), missing)
    geometry = _geometry(module) if kind.convolves else ()
    if geometry is not None and _affine(module, d, geometry) and not Response(module, geometry).is_elementwise(d):
        return _by_response(module, kind.axis, d, m, geometry)
    missing = f"{owner} has a forward of its own and may not use its weight as it is: linears= gives the weight in use"
    return Weight(module, kind.axis, d, m, lambda: kind.matrix(stored.held(module)), missing)


def _responding(module: nn.Module) -> Weight | None:
    """The weight of a module of no known class that proves to be affine in its last axis."""
    inner = adapted(module)
    if inner is not None:
        kind = stored.kind_of(inner)
        if kind is None:
            return None
        d, m = stored.widths(inner, kind)
        geometry = _geometry(inner) if kind.convolves else ()
        part = "base_layer" if hasattr(module, "base_layer") else ""
        if geometry is not None and _affine(module, d, geometry):
            return _by_response(module, kind.axis, d, m, geometry, part)
        if base_of_peft(module) is not None:
            missing = f"{type(module).__name__} is not affine in its input; linears= gives the weight in use"
            return Weight(module, kind.axis, d, m, lambda: stored.held(inner), missing, part=part)
    fitting = [d for d in _widths_to_try(module) if _affine(module, d)]
    if not fitting or any(Response(module).is_elementwise(d) for d in fitting):
        return None
    return _by_response(module, -1, fitting[0], Response(module).outputs(fitting[0]))


def _by_response(
    module: nn.Module, axis: int, d: int, m: int, geometry: tuple[tuple[int, int], ...] = (), part: str = ""
) -> Weight:
    return Weight(module, axis, d, m, lambda: Response(module, geometry).matrix(d), note=RESPONSE, part=part)


def _affine(module: nn.Module, d: int, geometry: tuple[tuple[int, int], ...] = ()) -> bool:
    held = [*module.parameters(), *module.buffers()]
    if any(x.is_meta or hasattr(x, "full_tensor") for x in held):
        return False
    return Response(module, geometry).is_affine(d)


def _geometry(module: nn.Module) -> tuple[tuple[int, int], ...] | None:
    """Extent and stride of a convolution along its axes; None of a transposed one, which spreads what it reads."""
    if getattr(module, "transposed", False):
        return None
    convolution: Any = module
    sizes = zip(convolution.kernel_size, convolution.dilation, convolution.stride, strict=True)
    return tuple(((k - 1) * dilation + 1, stride) for k, dilation, stride in sizes)


def _widths_to_try(module: nn.Module) -> list[int]:
    """Numbers of features that a module of no known class may read, from the shapes of its own matrices."""
    own = [p for p in module.parameters(recurse=False) if p.ndim == 2 and p.numel()]
    foreign = not stored.forward_from(module).startswith("torch.nn.")
    inner = sum(stored.kind_of(part) is not None for part in module.modules())
    if not own or not foreign or inner > SMALL:
        return []
    told = getattr(module, "in_features", None)
    return [told] if isinstance(told, int) else list(dict.fromkeys(size for p in own for size in reversed(p.shape)))

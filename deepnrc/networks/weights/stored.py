"""The weight of a module whose class is known, as W (m, d), wherever and in whatever form the class stores it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

PADDED = {"Conv2dSame", "Conv2dSameExport", "Linear"}  # of timm: a forward of their own, with the weight as it is


@dataclass(frozen=True)
class Kind:
    """A class known to multiply by its weight, told by its full name, so that nothing needs to be imported for it.

    Attributes:
        name: of the class, which may be any base of a module's own.
        package: where a forward must come from to use the weight as it is.
        axis: of the features in the tensor that it reads.
        matrix: from what ``held`` gives to W (m, d).
        inputs: the attribute that holds d.
        outputs: the attribute that holds m.
    """

    name: str
    package: str
    axis: int
    matrix: Callable[[Tensor], Tensor]
    inputs: str = "in_features"
    outputs: str = "out_features"

    @property
    def convolves(self) -> bool:
        return self.axis == 1


def _as_it_is(weight: Tensor) -> Tensor:
    return weight


def _flipped(weight: Tensor) -> Tensor:
    return weight.mT


def convolved(weight: Tensor) -> Tensor:
    """W (m, d) of a weight (m, d, ...), as (m k k, d): its right singular vectors live where pooled features do."""
    return weight.movedim(1, -1).flatten(0, -2)


def _transposed(weight: Tensor) -> Tensor:
    return weight.flatten(1).mT


CHANNELS = ("in_channels", "out_channels")
KINDS = (
    Kind("torch.nn.modules.linear.Linear", "torch.nn", -1, _as_it_is),
    Kind("torch.nn.modules.conv._ConvTransposeNd", "torch.nn", 1, _transposed, *CHANNELS),
    Kind("torch.nn.modules.conv._ConvNd", "torch.nn", 1, convolved, *CHANNELS),
    Kind("torch.ao.nn.quantized.modules.linear.Linear", "torch.ao.nn", -1, _as_it_is),
    Kind("torch.ao.nn.quantized.modules.conv._ConvTransposeNd", "torch.ao.nn", 1, _transposed, *CHANNELS),
    Kind("torch.ao.nn.quantized.modules.conv._ConvNd", "torch.ao.nn", 1, convolved, *CHANNELS),
    Kind("transformers.pytorch_utils.Conv1D", "transformers", -1, _flipped, "nx", "nf"),
    Kind("transformers.modeling_utils.Conv1D", "transformers", -1, _flipped, "nx", "nf"),
    Kind("torch_geometric.nn.dense.linear.Linear", "torch_geometric.nn.dense", -1, _as_it_is, *CHANNELS),
)


def kind_of(module: nn.Module) -> Kind | None:
    """The known class that the module is of, or None."""
    names = {f"{base.__module__}.{base.__qualname__}" for base in type(module).__mro__}
    return next((kind for kind in KINDS if kind.name in names), None)


def own_forward(module: nn.Module, kind: Kind) -> str:
    """The class that gave the module a forward which the known class does not have, or nothing."""
    if "forward" in vars(module):
        return type(module).__name__
    for method in ("forward", "_conv_forward"):
        owner = next((base for base in type(module).__mro__ if method in vars(base)), nn.Module)
        padded = owner.__module__.split(".")[0] == "timm" and owner.__name__ in PADDED
        if owner is not nn.Module and not padded and not f"{owner.__module__}.".startswith(f"{kind.package}."):
            return owner.__name__
    return ""


def forward_from(module: nn.Module) -> str:
    """The module of Python in which the forward of a network's module is written, or nothing if it has none."""
    if "forward" in vars(module):
        return getattr(vars(module)["forward"], "__module__", None) or "(given)"
    for base in type(module).__mro__:
        if base is nn.Module:
            return ""
        if "forward" in vars(base):
            return getattr(vars(base)["forward"], "__module__", None) or base.__module__
    return ""


def widths(module: nn.Module, kind: Kind) -> tuple[int, int]:
    """d and m, without the weight itself where attributes tell them."""
    d, m = (getattr(module, name, None) for name in (kind.inputs, kind.outputs))
    if isinstance(d, int) and isinstance(m, int):
        return d, m
    m, d = kind.matrix(held(module)).shape
    return d, m


def held(module: nn.Module) -> Tensor:
    """The weight in use, whole and dense.

    In training, a spectral norm takes a step of its power iteration each time it is read, so parametrizations are read
    in evaluation mode; the older norms and masks, which are hooks, are asked for what they will set.
    """
    parametrized = getattr(module, "parametrizations", None)
    flags = {part: part.training for part in parametrized.modules()} if parametrized is not None else {}
    try:
        for part in flags:
            part.training = False
        return dense(_hooked(module) if parametrized is None else module.weight)  # type: ignore[arg-type]
    finally:
        for part, flag in flags.items():
            part.training = flag


def over_map(module: nn.Module, d: int) -> Tensor | None:
    """The weight (m, d) of a convolution that reads all positions of a map at once, as a Linear of its d flattened
    features has it; None for any other module."""
    if not isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) or module.groups > 1:
        return None
    unpadded = module.padding == "valid" or not any(isinstance(p, str) or p for p in module.padding)
    spread = any(gap > 1 for gap in module.dilation)
    weight = held(module).flatten(1)
    return weight if unpadded and not spread and weight.shape[1] == d > module.in_channels else None


def _hooked(module: nn.Module) -> Tensor:
    for hook in reversed(list(module._forward_pre_hooks.values())):
        if isinstance(hook, WeightNorm) and hook.name == "weight":
            return hook.compute_weight(module)
        if isinstance(hook, SpectralNorm) and hook.name == "weight":
            return hook.compute_weight(module, do_power_iteration=False)
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == "weight":
            return hook.apply_mask(module)
    weight = module.weight
    return weight if isinstance(weight, Tensor) else weight()  # of torch.ao's quantized modules


def dense(weight: Tensor) -> Tensor:
    """A tensor of plain numbers, out of shards (a collective where there are several processes) or quantization."""
    weight = weight.detach()
    if hasattr(weight, "full_tensor"):
        weight = weight.full_tensor()
    if weight.is_quantized or type(weight).dequantize is not Tensor.dequantize:
        weight = weight.dequantize()
    return weight

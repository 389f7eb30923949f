"""How coarsely products round: under autocast, in half precision, and where a device multiplies single precision more
coarsely than it is held (TF32 of NVIDIA's cards, on by default in convolutions). What comes later holds that rounding
as noise, however finely it is held itself. Products of two activations, as in attention, are not seen."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from deepnrc.data import unit_roundoff
from deepnrc.networks.weights.registry import Weight

TF32 = 2.0**-11  # ten bits of mantissa, as float16 has
AMPERE = 8  # the compute capability from which cards have it
MODES = {"none": 0.0, "ieee": 0.0, "highest": 0.0, "tf32": TF32, "high": TF32, "bf16": 2.0**-8, "medium": 2.0**-8}


def multiplying(model: nn.Module, weights: Mapping[str, Weight]) -> list[tuple[nn.Module, str]]:
    """Every module that multiplies, with its name: those that hold weights, and recurrent ones (no layers)."""
    holding = {weight.module for weight in weights.values()}
    return [(m, name) for name, m in model.named_modules() if m in holding or isinstance(m, nn.RNNBase)]


def product_roundoff(module: nn.Module, x: Tensor) -> float:
    """The unit roundoff to which a module rounds what it multiplies x (of any shape) by its weight; 0.0 for numbers
    that are not floating, and for single and double precision that are multiplied as such."""
    kind = x.device.type
    if not x.is_floating_point() or x.dtype == torch.float64:
        return 0.0
    if _casts(kind) and torch.is_autocast_enabled(kind):
        return unit_roundoff(torch.get_autocast_dtype(kind))
    if x.dtype != torch.float32:
        return unit_roundoff(x.dtype)
    if kind == "cuda":
        able = torch.version.hip is None and torch.cuda.get_device_capability(x.device)[0] >= AMPERE
        return _of_cuda(isinstance(module, _ConvNd | nn.RNNBase)) if able else 0.0
    asked = _of_cpu() if kind == "cpu" else 0.0
    return asked if asked and _multiplied_coarsely(asked) else 0.0


@functools.cache
def _casts(kind: str) -> bool:
    return torch.amp.is_autocast_available(kind)


def _of_cuda(by_cudnn: bool) -> float:
    try:
        coarse = torch.backends.cudnn.allow_tf32 if by_cudnn else torch.backends.cuda.matmul.allow_tf32
    except RuntimeError:  # set by the newer names, which torch then wants to be asked by
        return _named(torch.backends.cudnn, "conv") if by_cudnn else _named(torch.backends.cuda, "matmul")
    return TF32 if coarse else 0.0


def _of_cpu() -> float:
    """What was asked of products of single precision."""
    try:
        return MODES[torch.get_float32_matmul_precision()]
    except RuntimeError:
        return _named(torch.backends.mkldnn, "matmul")


def _named(backend: Any, operation: str) -> float:
    return MODES.get(getattr(backend, operation).fp32_precision, MODES["bf16"])


@functools.cache
def _multiplied_coarsely(asked: float) -> bool:
    """Whether this processor does what was asked of it, which few can: seen by a product of single precision."""
    draw = torch.Generator("cpu").manual_seed(0)
    kind: dict[str, Any] = {"generator": draw, "dtype": torch.float32, "device": "cpu"}
    a, b = torch.randn(64, 256, **kind), torch.randn(256, 64, **kind)
    exact = a.double() @ b.double()
    return float((a @ b - exact).norm() / exact.norm()) > asked / 16

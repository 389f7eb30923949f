"""Which of a network's layers fails on a batch."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor, nn

from deepnrc.data import call, tensors
from deepnrc.errors import DeepNRCError, UsageError, mark, origin


def forward(model: nn.Module, x: Any) -> Any:
    """What the network makes of a batch; an error of its own goes on as it is, marked with the layer and the input."""
    try:
        return call(model, x)
    except Exception as error:
        _refuse_dtypes(model, x, error)
        if origin(error) is None and not isinstance(error, DeepNRCError):
            mark(error, "network", f"{_layer(model, x, error)}on the input {_shapes(x)}")
        raise


def _refuse_dtypes(model: nn.Module, x: Any, error: Exception) -> None:
    """Errors: UsageError if it failed for inputs of another floating dtype than that of all its weights."""
    weights = {p.dtype for p in model.parameters() if p.is_floating_point()}
    inputs = {t.dtype for t in tensors(x) if t.is_floating_point()}
    if not isinstance(error, RuntimeError) or len(weights) != 1 or len(inputs) != 1 or weights == inputs:
        return
    if "dtype" not in str(error) and "type" not in str(error):
        return
    own, given = (str(kinds.copy().pop()).removeprefix("torch.") for kinds in (weights, inputs))
    raise UsageError(
        f"The network's weights are {own}, and its inputs are {given}. Let the loader give {own}, or cast the network: "
        f"model.to(torch.{given})."
    ) from error


def _layer(model: nn.Module, x: Any, error: Exception) -> str:
    """The innermost layer at which the network fails when it runs once more, now with hooks on every module."""
    if out_of_memory(error):  # the second run would be as large as the first
        return ""
    running: list[nn.Module] = []
    handles = []
    try:
        for module in model.modules():
            handles.append(module.register_forward_pre_hook(lambda module, _: running.append(module)))
            handles.append(module.register_forward_hook(lambda module, _, __: _ended(running, module)))
        with contextlib.suppress(type(error)):
            call(model, x)
            return ""
    except Exception:  # another error than the first: it says nothing of that one
        return ""
    finally:
        for handle in handles:
            handle.remove()
    name = next((name for name, module in model.named_modules() if running and module is running[-1]), "")
    if not name:
        return ""
    module = running[-1]
    return f"in layer '{name}', {type(module).__name__ if any(module.children()) else repr(module)}, "


def _ended(running: list[nn.Module], module: nn.Module) -> None:
    while running and running.pop() is not module:
        pass  # a layer inside of it whose error was caught


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out; torch's allocator on the CPU has no type of its own for it."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _shapes(x: Any) -> str:
    return ", ".join(map(_described, tensors(x))) or type(x).__name__


def _described(x: Tensor) -> str:
    return f"{tuple(x.shape)} {str(x.dtype).removeprefix('torch.')}"

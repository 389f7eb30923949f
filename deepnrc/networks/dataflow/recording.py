"""One pass of a network with gradients on, noting where each module's tensors lie in the autograd graph."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from deepnrc.networks.choosing.layers import ROOT
from deepnrc.networks.choosing.naming import own_name

Key = tuple[Any, int]  # a node of the autograd graph, and which of its outputs
DETACHING = (torch.Tensor.detach, torch.detach, torch.Tensor.data.__get__)  # type: ignore[attr-defined]


@dataclass(frozen=True, eq=False)
class Call:
    """One run of a module: the places of its input and output tensors in the graph; and these, of one that holds a
    weight."""

    name: str
    ins: tuple[Key, ...]
    outs: tuple[Key, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass
class Recording:
    """What one pass left behind.

    Attributes:
        calls: every module's runs, in the order in which they ended.
        parameters: by its node, the names under which a parameter, or a buffer, is known.
        matrices: names of those of two axes and more that are longer than 1.
        entries: nodes of the network's own inputs.
        graphless: places of the outputs that came without a graph out of modules that hold a weight.
        unseen: names of the modules that ran where no graph could be had.
        detached: nodes at which a detach() was read through.
        cut: whether there was any, or a no_grad().
        output: what the network returned, its tensors in the graph.
    """

    calls: list[Call] = field(default_factory=list)
    parameters: dict[Any, tuple[str, ...]] = field(default_factory=dict)
    matrices: set[str] = field(default_factory=set)
    entries: set[Any] = field(default_factory=set)
    graphless: set[Key] = field(default_factory=set)
    unseen: list[str] = field(default_factory=list)
    detached: list[Any] = field(default_factory=list)
    cut: bool = False
    output: Any = None


def record(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    held: Collection[str],
    *,
    through: bool = True,
) -> Recording:
    """Run the network once with gradients on, whatever the caller's mode, and leave it as it was.

    Frozen parameters, buffers of two axes and more, and floating inputs get gradients for this pass alone.

    Args:
        held: names of the modules that hold one weight each; what lies inside of them is not looked at.
        through: read through detach() and no_grad() inside the network, so that the graph shows what they cut.
    Errors: whatever the network raises.
    """
    taken = Recording()
    with torch.inference_mode(False), torch.enable_grad(), as_it_was(model), contextlib.ExitStack() as hooks:
        _name_parameters(model, taken)
        for name, module in model.named_modules():
            label = name or ROOT
            if (name or label in held) and not isinstance(module, torch.jit.ScriptModule):
                for handle in _marks(label, module, label in held, taken):
                    hooks.callback(handle.remove)
        if through:
            hooks.enter_context(_Through(taken))
        entered = rebuilt(lambda x: _entry(x, taken), (args, dict(kwargs)))
        taken.output = model(*entered[0], **entered[1])
    return taken


def place(x: Tensor) -> Key | None:
    """Where a tensor lies in the graph; None where it has no history."""
    return None if x.grad_fn is None else (x.grad_fn, x.output_nr)


def rebuilt(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Every tensor in nested tuples, lists and mappings replaced; what holds none, or is of another kind, as it is."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Mapping):
        new = {key: rebuilt(function, item) for key, item in value.items()}
        if all(new[key] is value[key] for key in new):
            return value
        return new if type(value) is dict else _changed(value, new)
    if isinstance(value, tuple | list):
        items = [rebuilt(function, item) for item in value]
        if all(a is b for a, b in zip(items, value, strict=True)):
            return value
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    return value


def _changed(value: Any, new: Mapping[str, Any]) -> Any:
    """A mapping of a class of its own, such as a network's named outputs, with its items replaced in a copy."""
    changed = copy.copy(value)
    for key, item in new.items():
        changed[key] = item
    return changed


def floating(value: Any) -> Iterator[Tensor]:
    """Every floating tensor in nested tuples, lists and mappings, and in the fields of plain objects."""
    if isinstance(value, Tensor):
        if value.is_floating_point() or value.is_complex():
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from floating(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from floating(item)
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        for name in value.__dataclass_fields__:
            yield from floating(getattr(value, name))


class _Through(TorchFunctionMode):
    """Gradients stay on inside no_grad(), and detach() and .data are copies that the graph shows."""

    def __init__(self, taken: Recording) -> None:
        super().__init__()
        self.taken = taken

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch._C._set_grad_enabled:
            self.taken.cut = self.taken.cut or args[0] is False
            return None
        if func in DETACHING and args[0].requires_grad:
            made = args[0].clone()
            self.taken.cut = True
            self.taken.detached.append(made.grad_fn)
            return made
        if func in (torch.Tensor.numpy, torch.Tensor.__array__, torch.Tensor.__deepcopy__) and args[0].requires_grad:
            args = (args[0].detach(), *args[1:])
        return func(*args, **(kwargs or {}))


def _leaf(x: Tensor) -> Tensor:
    """A copy of ``x`` with a place in the graph that begins here; it may be changed in place."""
    return x.detach().requires_grad_().clone()


def _entry(x: Tensor, taken: Recording) -> Tensor:
    if not (x.is_floating_point() or x.is_complex()):
        return x.clone()
    made = _leaf(x)
    taken.entries.add(made.grad_fn)
    return made


def _marks(name: str, module: nn.Module, holds: bool, taken: Recording) -> list[RemovableHandle]:
    running: list[tuple[tuple[Key, ...], tuple[Tensor, ...]]] = []

    def before(_: nn.Module, args: Any, kwargs: Any) -> Any:
        given = rebuilt(_placed, (args, kwargs)) if holds and torch.is_grad_enabled() else (args, kwargs)
        tensors = tuple(floating(given))
        running.append((_places(tensors), _kept(tensors) if holds else ()))
        return given

    def after(_: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        ins, inputs = running.pop()
        if not torch.is_grad_enabled():
            if holds:
                taken.unseen.append(name)
            return output
        if holds:
            output = rebuilt(lambda x: _apart(x, ins, taken), output)
        tensors = tuple(floating(output))
        taken.calls.append(Call(name, ins, _places(tensors), inputs, _kept(tensors) if holds else ()))
        return output

    return [
        module.register_forward_pre_hook(before, with_kwargs=True),
        module.register_forward_hook(after, with_kwargs=True, prepend=True),
    ]


def _kept(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Copies that no later change in place reaches, made past the mode that reads through detach()."""
    with torch._C.DisableTorchFunction():
        return tuple(x.detach().clone() for x in tensors)


def _placed(x: Tensor) -> Tensor:
    return _leaf(x) if not x.requires_grad and (x.is_floating_point() or x.is_complex()) else x


def _apart(x: Tensor, ins: tuple[Key, ...], taken: Recording) -> Tensor:
    """The output of a module that holds a weight, at a place of its own that no later change in place can move."""
    if not (x.is_floating_point() or x.is_complex()):
        return x
    if not x.requires_grad:
        made = _leaf(x)
        taken.graphless.add((made.grad_fn, 0))
        return made
    return x.clone() if x.grad_fn is None or x._is_view() or place(x) in ins else x


def _places(tensors: tuple[Tensor, ...]) -> tuple[Key, ...]:
    return tuple(key for x in tensors if (key := place(x)) is not None)


def _name_parameters(model: nn.Module, taken: Recording) -> None:
    """Have every parameter, and every buffer that could be a weight, in the graph under its name."""
    names: dict[Any, list[str]] = {}
    for stored, parameter in model.named_parameters(remove_duplicate=False):
        name = own_name(stored)
        if parameter.is_leaf and (parameter.is_floating_point() or parameter.is_complex()):
            names.setdefault(_own_node(parameter.requires_grad_()), []).append(name)
        if sum(size > 1 for size in parameter.shape) >= 2:
            taken.matrices.add(name)
    for path, module in model.named_modules():
        for key, buffer in () if isinstance(module, torch.jit.ScriptModule) else module._buffers.items():
            if buffer is not None:
                made = module._buffers[key] = _buffered(buffer)
                if made.grad_fn is not None:
                    name = f"{path}.{key}" if path else key
                    names.setdefault(made.grad_fn, []).append(name)
                    taken.matrices.add(name)
    taken.parameters.update({node: tuple(found) for node, found in names.items()})


def _own_node(leaf: Tensor) -> Any:
    seen = leaf.view_as(leaf).grad_fn
    assert seen is not None
    return seen.next_functions[0][0]


def _buffered(buffer: Tensor) -> Tensor:
    return _leaf(buffer) if buffer.ndim >= 2 and buffer.is_floating_point() else buffer.clone()


@contextlib.contextmanager
def as_it_was(model: nn.Module) -> Iterator[None]:
    """Flags of parameters, buffers and every module's own attributes as before, after the block; what is written into a
    buffer in place, as by a BatchNorm in training, is undone too."""
    modules = [module for module in model.modules() if not isinstance(module, torch.jit.ScriptModule)]
    flags = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    held = [(module, dict(module.__dict__), dict(module._buffers)) for module in modules]
    written = [(buffer, buffer.detach().clone()) for buffer in model.buffers() if _writable(buffer)]
    try:
        yield
    finally:
        for module, attributes, buffers in held:
            module.__dict__.clear()
            module.__dict__.update(attributes)
            module._buffers.clear()
            module._buffers.update(buffers)
        for buffer, values in written:
            if not torch.equal(buffer, values):  # only then, as a graph of the user's may hold the buffer
                with torch.no_grad():
                    buffer.copy_(values)
        for parameter, flag in flags:
            parameter.requires_grad_(flag)


def _writable(buffer: Tensor) -> bool:
    """Whether a forward could write into a buffer in place, and the numbers be put back."""
    strange = buffer.is_meta or buffer.is_quantized or buffer.is_inference()
    return buffer.layout == torch.strided and not strange

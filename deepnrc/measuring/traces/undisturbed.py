"""What is left as it was: the network, torch's random state and switches, and the generators of a loader."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from deepnrc.errors import UsageError
from deepnrc.measuring.traces.shared import QUIET, Undoing, random_state
from deepnrc.wording import Argument, listing


def unwrapped(model: nn.Module) -> nn.Module:
    """The network itself, out of DistributedDataParallel, DataParallel and torch.compile's wrapper."""
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(getattr(model, "_orig_mod", None), nn.Module):
            model = model._orig_mod  # type: ignore[assignment]
        else:
            return model


@contextlib.contextmanager
def ordinary(device: torch.device | None = None) -> Iterator[None]:
    """Out of inference mode, whose tensors could not be updated outside of it, with gradients on or off as they were;
    and with the CPU, or ``device``, in place of a default device of the user's."""
    gradients, cpu = torch.is_grad_enabled(), torch.device("cpu")
    moved = _default_device() != cpu
    default = (device or cpu) if moved else contextlib.nullcontext()
    with torch.inference_mode(False), torch.set_grad_enabled(gradients), default:
        yield


@contextlib.contextmanager
def undisturbed(model: nn.Module, device: str | torch.device | None = None) -> Iterator[torch.device]:
    """Evaluation mode on ``device`` inside the block; each module's own training flag, the network's device and the
    random state as before after it."""
    model = unwrapped(model)
    empty = [name for name, held in [*model.named_parameters(), *model.named_buffers()] if held.is_meta]
    if empty:
        raise UsageError(
            f"The network is on the meta device and has no weights: {listing(empty, 3)}. Build it on the CPU, or "
            "fill it with to_empty(device=...) and load_state_dict(...)."
        )
    first = next(iter([*model.parameters(), *model.buffers()]), None)
    home = torch.device("cpu") if first is None else first.device
    where = home if device is None else _usable(device)
    flags = {module: module.training for module in model.modules()}
    holder, undoing = object(), Undoing()
    try:
        undoing.note(lambda: QUIET.release(holder))
        QUIET.claim(flags, holder)
        for place in {torch.device("cpu"), *(d for d in (home, where) if d.type not in ("cpu", "mps"))}:
            state = random_state(place)
            undoing.note(partial(state.release, holder))
            state.hold(holder)
        undoing.note(lambda: _set_flags(flags))
        _set_flags(dict.fromkeys(flags, False))  # not model.eval(): some networks' own train() merges weights
        if where != home:
            undoing.note(lambda: model.to(home))
            model.to(where)
        yield where
    finally:
        undoing.close()


def _set_flags(flags: Mapping[nn.Module, bool]) -> None:
    for module, flag in flags.items():
        module.training = flag


@contextlib.contextmanager
def generators_put_back(loader: Any) -> Iterator[None]:
    """The generators that a loader and its samplers draw from, in the same state after the block as before it."""
    sampler, batched = getattr(loader, "sampler", None), getattr(loader, "batch_sampler", None)
    holders = (loader, sampler, batched, getattr(batched, "sampler", None))
    found = [getattr(holder, "generator", None) for holder in holders]
    states = [(generator, generator.get_state()) for generator in found if isinstance(generator, torch.Generator)]
    try:
        yield
    finally:
        for generator, state in states:
            generator.set_state(state)


def _usable(device: str | torch.device) -> torch.device:
    try:
        where = torch.device(device)
        numbers = where.type != "meta"
        count = _count(where) if numbers else 0
    except (RuntimeError, TypeError, AttributeError) as error:
        raise UsageError(
            f"There is no device {device!r}. Give one that torch knows, such as 'cpu' or 'cuda'."
        ) from error
    if not numbers:
        raise UsageError("The device 'meta' holds no numbers, so nothing can be measured there. Give 'cpu' or 'cuda'.")
    if not count:
        raise UsageError(f"The device {device!r} is not available on this machine. Leave it out, or give 'cpu'.")
    if where.type != "cpu" and (where.index or 0) >= count:
        last = f", the last of which is '{where.type}:{count - 1}'"
        raise UsageError(f"There is no device {device!r} on this machine, which has {count} of that kind{last}.")
    return where


def _count(where: torch.device) -> int:
    """How many devices of a kind there are."""
    module = torch.get_device_module(where)
    return module.device_count() if module.is_available() else 0


@contextlib.contextmanager
def numbers() -> Iterator[None]:
    """On the CPU in place of a default device that holds no numbers: a loader's indices would have none."""
    with torch.device("cpu") if _default_device().type == "meta" else contextlib.nullcontext():
        yield


def checked_autocast(device: torch.device, dtype: torch.dtype | None, model: nn.Module) -> None:
    """Refuse a dtype to which autocast does not cast on a device, and warn where it has nothing to cast."""
    if dtype is None:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.autocast(device.type, dtype=dtype):
                casts = torch.is_autocast_enabled(device.type)
    except RuntimeError:
        casts = False
    if not casts or not dtype.is_floating_point or dtype.itemsize > 2:
        raise UsageError(
            Argument("autocast", dtype),
            f" does nothing on {device.type} with {dtype}. Give torch.bfloat16 or torch.float16, or leave it out.",
        )
    if {p.dtype for p in model.parameters() if p.is_floating_point()} == {torch.float64}:
        warnings.warn(
            "The network's weights are of double precision, which autocast leaves as it is: everything ran in float64.",
            stacklevel=3,
        )


def _default_device() -> torch.device:
    """Where a tensor is made that is given no place: torch 2.7 fails to say, once a default was taken back."""
    return torch.empty(0).device

"""What is left as it was: the network, torch's random state and switches, and the generators of a loader."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from deepnrc.errors import UsageError
from deepnrc.wording import listing


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
    moved = torch.get_default_device() != cpu
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
    on_accelerator = [d for d in {home, where} if d.type not in ("cpu", "meta", "mps")]
    kind = on_accelerator[0].type if on_accelerator else "cuda"
    with torch.random.fork_rng(devices=[d.index or 0 for d in on_accelerator], device_type=kind):
        try:
            for module in flags:  # not model.eval(): some networks' own train() merges or unmerges weights
                module.training = False
            if where != home:
                model.to(where)
            yield where
        finally:
            for module, flag in flags.items():
                module.training = flag
            if where != home:
                model.to(home)


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
    except (RuntimeError, TypeError) as error:
        raise UsageError(
            f"There is no device {device!r}. Give one that torch knows, such as 'cpu' or 'cuda'."
        ) from error
    if where.type != "cpu" and not torch.get_device_module(where).is_available():
        raise UsageError(f"The device {device!r} is not available on this machine. Leave it out, or give 'cpu'.")
    return where

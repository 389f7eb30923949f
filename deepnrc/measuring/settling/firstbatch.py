"""What the first batch settles: what feeds what, where the samples lie, and whether the network samples."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import torch
from torch import nn

from deepnrc.data import as_tensor
from deepnrc.errors import UsageError
from deepnrc.networks import Choice, Dataflow, Forward, Site, Survey, Taps, as_it_was, survey
from deepnrc.wording import Remedy


def look(model: nn.Module, taps: Taps, choice: Choice, targets: object) -> Survey:
    """Look at a network through the inputs of its last call, which ``targets`` belong to."""
    if taps.inputs is None:
        return Survey(Dataflow(unknown="the inputs of the first batch were not seen"), skipped="no inputs")
    y = as_tensor(targets, "The target of batch 1")
    with taps.aside():
        args, kwargs = taps.inputs
        whole = {name.removesuffix(f".{weight.part}") for name, weight in choice.weights.items()}
        return survey(model, args, kwargs, len(y) if y.ndim else 0, choice.sites, whole, taps.pick)


def read_again(model: nn.Module, taps: Taps) -> Forward:
    """The readings of one more run on the kept inputs, which leaves the network and the random numbers as they were."""
    assert taps.inputs is not None
    args, kwargs = taps.inputs
    devices = sorted({p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"})
    with torch.random.fork_rng(devices=devices), torch.no_grad(), as_it_was(model):
        model(*args, **kwargs)
    return taps.take()


def check_layouts(found: Survey, forward: Forward) -> None:
    """Errors: UsageError for layers of whose tensors the samples' axis cannot be told."""
    read = dict.fromkeys(reading.site.name for reading in forward.readings.values())
    unclear = {name: why for name in read if isinstance(why := found.layouts.get(name), str)}
    if unclear:
        name, why = next(iter(unclear.items()))
        others = f" (so are those of {len(unclear) - 1} more layers)" if len(unclear) > 1 else ""
        raise UsageError(
            f"The samples of what layer '{name}' reads are unknown{others}: {why}. Leave it out with ",
            Remedy("layers", [f"!{name}" for name in unclear]),
            ".",
        )


def warn_of_samples(found: Survey, stacklevel: int) -> None:
    """Warn of a network that samples, and of one whose samples lie on the second axis where the first would do too."""
    if found.sampled:
        warnings.warn(
            "The network samples: two passes over the first batch gave different outputs. What is measured of its "
            "outputs is one draw; name an output that is none with output=, if it has one.",
            stacklevel=stacklevel,
        )
    if found.axis == 1:
        warnings.warn(
            "The samples lie on the second axis of the network's inputs, as it mixes what lies along the first. If "
            "they lie on the first, it takes tokens for samples: build it with batch_first=True.",
            stacklevel=stacklevel,
        )


def left_out(found: Survey, choice: Choice, modules: Mapping[str, nn.Module]) -> dict[str, str]:
    """Further weights that are not measured, beside those that ``choice`` names, each with the reason."""
    flow = found.dataflow
    named = {site.name for site in choice.sites} | {name for name, _ in choice.left_out} | choice.weights.keys()
    named |= {name.removesuffix(f".{weight.part}") for name, weight in choice.weights.items()}
    reasons = {
        name: f"on a shortcut around a block, from '{start}' to '{end}'"
        for name, (start, end) in flow.shortcuts.items()
    }
    for name in flow.bare:
        if name not in named and not any(name.startswith(f"{outer}.") for outer in named):
            reasons.setdefault(name, "multiplies activations outside of any module")
    for name in flow.runs:
        if name in modules and name not in named:
            kind = type(modules[name])
            reasons.setdefault(name, f"the weight of a {kind.__module__}.{kind.__name__} cannot be read")
    return reasons


def without(sites: tuple[Site, ...], names: Mapping[str, str]) -> tuple[Site, ...]:
    """The sites that are not left out after all; all of them if none would be left."""
    return tuple(site for site in sites if site.name not in names) or sites


def all_weights(layers: object) -> bool:
    """Whether every weight was asked for, less those that were named."""
    entries = [layers] if isinstance(layers, str) else layers
    return isinstance(entries, list | tuple) and all(
        isinstance(entry, str) and (entry == "weights" or entry.startswith("!")) for entry in entries
    )

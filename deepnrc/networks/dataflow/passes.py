"""Plain passes of a network over some samples, and whether two of them gave the same."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepnrc.networks.choosing.layers import Site
from deepnrc.networks.dataflow.recording import as_it_was, floating, rebuilt
from deepnrc.networks.outputs import EVERY, Pick
from deepnrc.networks.samples import cut


@dataclass(frozen=True)
class Inputs:
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    samples: int

    def cut(self, keep: int, axis: int) -> Inputs:
        args = tuple(cut(x, self.samples, keep, axis) for x in self.args)
        return Inputs(args, {key: cut(x, self.samples, keep, axis) for key, x in self.kwargs.items()}, keep)


@dataclass(frozen=True)
class Pass:
    """One pass: its inputs, what it returned, what was read by site, whether it drew random numbers, and which sites'
    modules had other parameters while it ran."""

    inputs: Inputs
    outputs: Mapping[str, Tensor]
    read: Mapping[str, Sequence[Tensor]]
    drew: bool = False
    swapped: frozenset[str] = frozenset()


def run(model: nn.Module, inputs: Inputs, sites: Sequence[Site] = (), seed: int = 0, pick: Pick = EVERY) -> Pass:
    """Run the network without gradients from one state of the random numbers, and leave it as it was."""
    read: dict[str, list[Tensor]] = {}
    swapped: set[str] = set()
    torch.manual_seed(seed)
    with contextlib.ExitStack() as hooks, torch.inference_mode(False), torch.no_grad(), as_it_was(model):
        for site in sites:
            hooks.callback(_tap(site, read).remove)
            hooks.callback(_note_swapped(site, swapped).remove)
        args, kwargs = rebuilt(Tensor.clone, (inputs.args, dict(inputs.kwargs)))
        before = random_state(model)
        output = model(*args, **kwargs)
        drew = not all(map(torch.equal, before, random_state(model)))
        return Pass(
            inputs, {name: x.detach().clone() for name, x in pick(output).items()}, read, drew, frozenset(swapped)
        )


def random_state(model: nn.Module) -> list[Tensor]:
    """The state of torch's random numbers on the CPU and where the network is."""
    devices = {p.device for p in model.parameters() if p.device.type == "cuda"}
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in sorted(devices, key=str))]


def _note_swapped(site: Site, swapped: set[str]) -> Any:
    """Note a site whose module has other parameters while it runs, as under torch.func.functional_call."""
    held = dict(site.module._parameters)

    def look(module: nn.Module, args: Any) -> None:
        if any(_other(p, held.get(name)) for name, p in module._parameters.items()):
            swapped.add(site.name)

    return site.module.register_forward_pre_hook(look)


def _other(used: Tensor | None, held: Tensor | None) -> bool:
    if used is held or used is None or held is None or hasattr(used, "full_tensor") or hasattr(held, "full_tensor"):
        return False
    return used.shape != held.shape or not torch.equal(used, held)


def _tap(site: Site, read: dict[str, list[Tensor]]) -> Any:
    def keep(value: Any) -> None:
        first = next(floating(value), None)
        if first is not None:
            read.setdefault(site.name, []).append(first.detach().clone())

    if site.reads == "input":
        return site.module.register_forward_pre_hook(lambda _, args, kwargs: keep((args, kwargs)), with_kwargs=True)
    return site.module.register_forward_hook(lambda _, args, output: keep(output))


def alike(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(near(a[name], b[name]) for name in a)


def near(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if not a.is_floating_point() or not a.numel():
        return True
    far = (a - b).abs().double().nan_to_num().max()
    return bool(far <= torch.finfo(a.dtype).eps ** 0.5 * a.abs().double().nan_to_num().mean())

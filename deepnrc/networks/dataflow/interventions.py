"""What the graph showed, put to the test: some outputs held, others disturbed."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from deepnrc.networks.dataflow.flow import Dataflow
from deepnrc.networks.dataflow.passes import Inputs, alike, run
from deepnrc.networks.dataflow.recording import rebuilt
from deepnrc.networks.dataflow.tracing import Traced, holding
from deepnrc.networks.outputs import Pick
from deepnrc.wording import listing

NOISES = 65_521  # numbers that are drawn, and repeated where there are more: a prime, so that rows hardly ever repeat


def proved(model: nn.Module, few: Inputs, traced: Traced, whole: Collection[str], pick: Pick) -> Dataflow:
    """The dataflow, after interventions: with what gives an output held, nothing else may move it; and what leads to
    no output in the graph may move none."""
    dataflow, outputs = traced.dataflow, traced.outputs
    modules = holding(model, whole)

    def disturbed(held: Collection[str], others: Collection[str]) -> Mapping[str, Tensor] | None:
        return _disturbed(model, few, traced, {k: modules[k] for k in held}, {k: modules[k] for k in others}, pick)

    givings = dict(dataflow.outputs)
    moved: dict[tuple[str, ...], Mapping[str, Tensor] | None] = {}
    for name, giving in givings.items():
        held = giving.weights
        single = all(len(traced.given.get(weight, ())) == 1 for weight in held)
        if giving.missing or not single or outputs[name].ndim > 2:
            continue
        if held not in moved:
            moved[held] = disturbed(held, modules.keys() - set(held))
        if _differs(moved[held], {name: outputs[name]}):
            reason = f"more than {listing(held)} gives the prediction, where no graph could be had"
            givings[name] = replace(giving, missing=reason)
    aside = dataflow.leading_nowhere() & modules.keys()
    hidden = bool(aside) and _differs(disturbed((), aside), outputs)
    reason = f"what {listing(sorted(aside))} give is used where no graph could be had" if hidden else dataflow.hidden
    return replace(dataflow, outputs=givings, hidden=reason)


def _differs(moved: Mapping[str, Tensor] | None, outputs: Mapping[str, Tensor]) -> bool:
    return moved is not None and not alike({name: moved[name] for name in outputs if name in moved}, outputs)


def _disturbed(
    model: nn.Module,
    few: Inputs,
    traced: Traced,
    held: Mapping[str, nn.Module],
    others: Mapping[str, nn.Module],
    pick: Pick,
) -> Mapping[str, Tensor] | None:
    """What a pass returns where some modules give what they gave before, and others something else."""

    def put_back(name: str) -> Any:
        return lambda _, args, output: rebuilt(lambda x: traced.given[name][0].clone(), output)

    try:
        with contextlib.ExitStack() as hooks:
            for name, module in held.items():
                hooks.callback(module.register_forward_hook(put_back(name)).remove)
            for module in others.values():
                hooks.callback(module.register_forward_hook(lambda _, args, out: rebuilt(_noisy, out)).remove)
            return run(model, few, seed=1, pick=pick).outputs
    except Exception:  # a network may refuse numbers that it never gives itself; then nothing was shown
        return None


def _noisy(x: Tensor) -> Tensor:
    if not x.is_floating_point():
        return x
    generator = torch.Generator(x.device).manual_seed(0)
    some = torch.randn(min(x.numel(), NOISES), generator=generator, dtype=torch.float32, device=x.device)
    noise = some.repeat(-(-x.numel() // max(1, len(some))))[: x.numel()].view(x.shape).to(x.dtype)
    return x + noise * (x.abs().mean() + 1e-3)

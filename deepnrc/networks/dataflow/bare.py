"""Which products with bare parameters can be read as layers of their own, from two passes over some samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from deepnrc.networks.choosing.naming import own_name
from deepnrc.networks.dataflow.flow import Dataflow
from deepnrc.networks.dataflow.passes import Inputs, run
from deepnrc.networks.dataflow.products import Products
from deepnrc.networks.outputs import EVERY, Pick


@dataclass(frozen=True)
class Sighting:
    """By the parameters' names, what one pass multiplied by them (..., d), and the matrices W (m, d)."""

    features: Mapping[str, list[Tensor]] = field(default_factory=dict)
    matrices: Mapping[str, list[Tensor]] = field(default_factory=dict)


def sighted(
    model: nn.Module,
    inputs: Inputs,
    names: Collection[str],
    seed: int,
    pick: Pick = EVERY,
    whole: Collection[str] = (),
) -> Sighting:
    """What one pass multiplies by these parameters, outside of the modules ``whole``."""
    features: dict[str, list[Tensor]] = {}
    matrices: dict[str, list[Tensor]] = {}

    def told(name: str, x: Tensor, W: Tensor) -> None:
        if name in names:
            features.setdefault(name, []).append(x.detach().clone())
            matrices.setdefault(name, []).append(W.detach().clone())

    apart = [module for name, module in model.named_modules() if name in whole]
    with Products(model, told, apart):
        run(model, inputs, seed=seed, pick=pick)
    return Sighting(features, matrices)


def matrices_of(model: nn.Module, flow: Dataflow, first: Sighting, second: Sighting) -> dict[str, Tensor | str]:
    """By a bare product's name, its matrix W (m, d), or why no layer of its own can be read there."""
    own = {own_name(name) for name, parameter in model.named_parameters(remove_duplicate=False) if parameter.ndim}
    found: dict[str, Tensor | str] = {}
    for name, closed in flow.bare.items():
        seen, again = first.matrices.get(name, []), second.matrices.get(name, [])
        uses = max(flow.runs.get(name, 0), len(seen))
        if closed:
            found[name] = closed
        elif not own & set(name.split(" and ")):
            found[name] = "it is a buffer and no parameter"
        elif uses > 1:
            found[name] = f"it is used {uses} times in a pass"
        elif len(seen) != 1 or len(again) != 1:
            found[name] = "it is used otherwise than as features times one matrix"
        else:
            same = seen[0].shape == again[0].shape and torch.equal(seen[0], again[0])
            found[name] = seen[0] if same else "what activations are multiplied by changes from pass to pass"
    return found

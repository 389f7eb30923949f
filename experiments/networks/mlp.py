"""Multilayer perceptrons."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from experiments.data import Split

NORMS = {None: None, "layer": nn.LayerNorm, "batch": nn.BatchNorm1d}


@dataclass(frozen=True)
class Mlp:
    """A multilayer perceptron for any data; see ``mlp``, which says what is refused."""

    hidden: tuple[int, ...]
    bias: bool = False
    last_relu: bool = True
    norm: str | None = None
    gain: float = 1.0

    def __post_init__(self) -> None:
        refuse(self.hidden, self.norm, self.gain)

    def build(self, data: Split, seed: int) -> nn.Module:
        """The network, its first and last width taken from the data."""
        return mlp(
            data.x.shape[1],
            data.y.shape[1],
            hidden=self.hidden,
            bias=self.bias,
            last_relu=self.last_relu,
            norm=self.norm,
            gain=self.gain,
            seed=seed,
        )


def mlp(
    inputs: int,
    outputs: int,
    *,
    hidden: Sequence[int],
    bias: bool = True,
    last_relu: bool = True,
    norm: str | None = None,
    gain: float = 1.0,
    seed: int = 0,
) -> nn.Sequential:
    """A multilayer perceptron whose Linear layers are named layer1, layer2, ..., in order.

    Args:
        inputs, outputs: d_in and n.
        hidden: widths of the hidden layers.
        bias: biases in every Linear, the last one included.
        last_relu: a ReLU before the last Linear too. With it the last features are nonnegative, and the literal nrc.1
            and nrc.2 cannot reach 0.
        norm: "layer" or "batch" normalisation after each hidden Linear, or None.
        gain: what the initial weights are multiplied by, after torch's default initialisation: about 1.6 keeps deep
            networks without biases from falling silent under weight decay. Biases stay as they are.
        seed: of the initial weights.
    Errors: ValueError for an unknown norm, no hidden layer, one without units, or a gain that is not positive.
    """
    refuse(hidden, norm, gain)
    widths = [inputs, *hidden]
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for i, (a, b) in enumerate(pairwise(widths), 1):
            parts[f"layer{i}"] = nn.Linear(a, b, bias=bias)
            make = NORMS[norm]
            if make is not None:
                parts[f"norm{i}"] = make(b)
            if last_relu or i < len(hidden):
                parts[f"relu{i}"] = nn.ReLU()
        parts[f"layer{len(widths)}"] = nn.Linear(widths[-1], outputs, bias=bias)
    model = nn.Sequential(parts)
    for module in model.children():
        if isinstance(module, nn.Linear) and gain != 1:
            module.weight.data.mul_(gain)
    return model


def refuse(hidden: Sequence[int], norm: str | None, gain: float = 1.0) -> None:
    """Raise a ValueError if there can be no such multilayer perceptron."""
    if norm not in NORMS:
        raise ValueError(f"There is no norm {norm!r}; choose 'layer', 'batch' or None.")
    if not 0 < gain < float("inf"):
        raise ValueError(f"The gain of the initial weights must be positive and finite; it is {gain:g}.")
    if not hidden or min(hidden) < 1:
        raise ValueError(f"A network needs at least 1 hidden layer of at least 1 unit; the widths are {tuple(hidden)}.")

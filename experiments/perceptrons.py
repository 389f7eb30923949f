"""Studies of multilayer perceptrons over weight decay: the flags that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from tyro.conf import arg

from deepnrc.errors import UsageError
from experiments.family import Family
from experiments.study import Data, Mlp, Setting
from experiments.training import Recipe


@dataclass(frozen=True, kw_only=True)
class Perceptrons(Family):
    """Flags of training and of the network; ``over_decays`` makes the settings."""

    weight_decay: Annotated[
        tuple[float, ...] | None, arg(help="One setting for each; the study's own if not given.")
    ] = None
    optimizer: Annotated[
        Literal["sgd", "adam", "adamw"],
        arg(help="SGD with momentum 0.9; Adam with weight decay as L2; AdamW, whose decay is lr times smaller a step."),
    ] = "sgd"
    lr: Annotated[float, arg(help="Learning rate, cut tenfold after one and two thirds; about 1e-3 for Adam.")] = 0.1
    norm: Annotated[Literal["none", "layer", "batch"], arg(help="Normalisation after each hidden layer.")] = "none"
    head: Annotated[
        Literal["own", "relu", "linear"], arg(help="ReLU before the last layer, or none; own: as the study has it.")
    ] = "own"
    bias: Annotated[Literal["own", "yes", "no"], arg(help="Biases in every layer; own: as the study has it.")] = "own"

    @property
    def threads(self) -> int | None:
        """One: networks this small are slower with more, and the digits do not depend on --jobs."""
        return None if self.full else 1

    def decays(self, own: tuple[float, ...]) -> tuple[float, ...]:
        """The weight decays to run, ascending: those of the flag, or the study's own."""
        if self.weight_decay == ():
            raise UsageError("--weight-decay needs at least one value.")
        return own if self.weight_decay is None else tuple(sorted(self.weight_decay))

    def mlp(self, *hidden: int, bias: bool = False, last_relu: bool = True) -> Mlp:
        """The network with the normalisation of the flag, and with its head and biases where they are given."""
        bias = bias if self.bias == "own" else self.bias == "yes"
        last_relu = last_relu if self.head == "own" else self.head == "relu"
        return Mlp(hidden, bias=bias, last_relu=last_relu, norm=None if self.norm == "none" else self.norm)

    def recipe(self, epochs: int, weight_decay: float = 0.0, batch: int = 256) -> Recipe:
        """How each network is trained; ``epochs`` gives way to the flag."""
        return Recipe(self.optimizer, self.lr, weight_decay, epochs=self.epochs or epochs, batch=batch)

    def over_decays(
        self,
        data: Data,
        network: Mlp,
        recipe: Recipe,
        decays: tuple[float, ...],
        *,
        label: str = "weight decay {:g}",
        probe: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> tuple[Setting, ...]:
        """One setting for each weight decay, which the label names."""
        return tuple(
            Setting(
                label.format(decay),
                data,
                network,
                replace(recipe, weight_decay=decay),
                probe or {},
                facts={"weight decay": decay, **(facts or {})},
            )
            for decay in decays
        )

"""Studies of multilayer perceptrons over weight decay: the flags that they share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from tyro.conf import arg

from experiments.networks import Mlp
from experiments.runner import Recipe
from experiments.studies.family import OverDecays


@dataclass(frozen=True, kw_only=True)
class Perceptrons(OverDecays):
    """Flags of training and of the network."""

    optimizer: Annotated[
        Literal["sgd", "adam", "adamw"],
        arg(help="SGD with momentum 0.9; Adam with weight decay as L2; AdamW, whose decay is lr times smaller a step."),
    ] = "sgd"
    lr: Annotated[
        float | None, arg(help="Learning rate; the study's own, made for SGD, if not given. About 1e-3 for Adam.")
    ] = None
    norm: Annotated[Literal["none", "layer", "batch"], arg(help="Normalisation after each hidden layer.")] = "none"
    head: Annotated[
        Literal["own", "relu", "linear"], arg(help="ReLU before the last layer, or none; own: as the study has it.")
    ] = "own"
    bias: Annotated[Literal["own", "yes", "no"], arg(help="Biases in every layer; own: as the study has it.")] = "own"
    init_gain: Annotated[
        float | None,
        arg(
            help="What torch's initial weights are multiplied by; as the study has it if not given. About 1.6 keeps "
            "deep networks without biases from falling silent under weight decay."
        ),
    ] = None

    def mlp(self, *hidden: int, bias: bool = False, last_relu: bool = True, gain: float = 1.0) -> Mlp:
        """The network with the normalisation of the flag, and with its head, biases and gain where they are given."""
        bias = bias if self.bias == "own" else self.bias == "yes"
        last_relu = last_relu if self.head == "own" else self.head == "relu"
        norm = None if self.norm == "none" else self.norm
        return Mlp(hidden, bias, last_relu, norm, gain if self.init_gain is None else self.init_gain)

    def recipe(self, own: Recipe) -> Recipe:
        """How each network is trained: as the study has it, changed by the flags."""
        lr = own.lr if self.lr is None else self.lr
        return replace(own, optimizer=self.optimizer, lr=lr, epochs=self.epochs or own.epochs)

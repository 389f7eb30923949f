"""A plain training loop: SGD or Adam, mean squared error, step schedule, a callback after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

OPTIMIZERS = ("sgd", "adam", "adamw")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        optimizer: "sgd", "adam" (weight decay as L2) or "adamw" (decoupled, and lr times smaller per step).
        lr: learning rate, cut tenfold at each of the ``cuts``.
        weight_decay: on every parameter.
        momentum: of SGD.
        epochs: passes over the training data.
        batch: samples in a step.
        cuts: shares of the training at which the learning rate is cut.
        seed: of the order of samples.
    Errors: ValueError for an unknown optimizer, or a number that makes no sense.
    """

    optimizer: str = "sgd"
    lr: float = 0.1
    weight_decay: float = 0.0
    momentum: float = 0.9
    epochs: int = 1000
    batch: int = 256
    cuts: tuple[float, ...] = (1 / 3, 2 / 3)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"There is no optimizer {self.optimizer!r}; choose from {', '.join(OPTIMIZERS)}.")
        if not 0 < self.lr < float("inf"):
            raise ValueError(f"The learning rate must be positive and finite; it is {self.lr:g}.")
        if not 0 <= self.weight_decay < float("inf"):
            raise ValueError(f"The weight decay must be 0 or more and finite; it is {self.weight_decay:g}.")
        if self.epochs < 0 or self.batch < 1:
            raise ValueError(f"Epochs must be 0 or more ({self.epochs}), and a batch 1 or more ({self.batch}).")


class DivergedError(RuntimeError):
    """The training loss became NaN or infinite; the message says at which epoch and what to change."""


def train(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    recipe: Recipe,
    after_epoch: Callable[[int], object] = lambda epoch: None,
    *,
    title: str = "training",
    position: int = 0,
    progress: bool = True,
) -> None:
    """Train ``model`` in place on x (N, d) and y (N, n).

    Args:
        after_epoch: called with 0 before training and with the epoch's number from 1 after each.
        title, position: of the progress bar.
    Errors: DivergedError if the loss stops being a number; what ``after_epoch`` gathered stays.
    """
    optimizer = _optimizer(model, recipe)
    milestones = [max(1, round(cut * recipe.epochs)) for cut in recipe.cuts]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)
    order = torch.Generator().manual_seed(recipe.seed)
    model.train()
    after_epoch(0)
    bar = tqdm(
        range(1, recipe.epochs + 1), desc=title, unit="epoch", disable=not progress, position=position, mininterval=0.5
    )
    for epoch in bar:
        total = 0.0
        for rows in torch.randperm(len(x), generator=order).split(recipe.batch):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(rows)
        if not total < float("inf"):
            raise DivergedError(
                f"The training loss of '{title}' is {total / len(x)} in epoch {epoch}. Lower the learning rate "
                f"({recipe.lr:g}) or the weight decay ({recipe.weight_decay:g})."
            )
        schedule.step()
        if epoch % 25 == 0:
            bar.set_postfix(mse=f"{total / len(x):.2e}", refresh=False)
        after_epoch(epoch)


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            model.parameters(), lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )
    if recipe.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.AdamW(model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)

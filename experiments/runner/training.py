"""A plain training loop: SGD or Adam, squared error or cross-entropy, a schedule, a callback after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepnrc.data import progress_bar

OPTIMIZERS = ("sgd", "adam", "adamw")
LOSSES = ("mse", "cross-entropy")
SCHEDULES = ("steps", "one-cycle")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        optimizer: "sgd", "adam" (weight decay as L2) or "adamw" (decoupled, and lr times smaller per step).
        lr: learning rate; the highest one of a cycle.
        weight_decay: on every parameter.
        momentum: of SGD.
        epochs: passes over the training data.
        batch: samples in a step.
        schedule: "steps" (cut tenfold at each of the ``cuts``) or "one-cycle" (up and down again, batch by batch).
        cuts: shares of the training at which the learning rate is cut.
        loss: "mse" (integer classes are taken one-hot) or "cross-entropy".
        seed: of the order of samples.
    Errors: ValueError for an unknown optimizer, schedule or loss, or a number that makes no sense.
    """

    optimizer: str = "sgd"
    lr: float = 0.1
    weight_decay: float = 0.0
    momentum: float = 0.9
    epochs: int = 1000
    batch: int = 256
    schedule: str = "steps"
    cuts: tuple[float, ...] = (1 / 3, 2 / 3)
    loss: str = "mse"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("loss", LOSSES)):
            if getattr(self, name) not in known:
                raise ValueError(f"There is no {name} {getattr(self, name)!r}; choose from {', '.join(known)}.")
        if not 0 < self.lr < float("inf"):
            raise ValueError(f"The learning rate must be positive and finite; it is {self.lr:g}.")
        if not 0 <= self.weight_decay < float("inf"):
            raise ValueError(f"The weight decay must be 0 or more and finite; it is {self.weight_decay:g}.")
        if self.epochs < 0 or self.batch < 1:
            raise ValueError(f"Epochs must be 0 or more ({self.epochs}), and a batch 1 or more ({self.batch}).")

    def decay_time(self, samples: int) -> float | None:
        """How many times e-fold the weights would shrink by decay alone, at the full learning rate, over the training.

        The nrc.1 of a linear head needs 5 to 10 of them to vanish; upper layers can collapse with less than one. None
        for Adam, whose L2 term passes through its normalisation.
        """
        steps = self.epochs * -(-samples // self.batch)
        full = min(self.cuts, default=1.0) if self.schedule == "steps" else 0.5
        rate = {"sgd": self.lr / (1 - self.momentum), "adamw": self.lr}.get(self.optimizer)
        return None if rate is None else rate * self.weight_decay * steps * full


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
    """Train ``model`` in place on x (N, ...) and y (N, n), or integer classes y (N,).

    Images are laid out channels last, in which a small residual network trains a quarter faster on a CPU.

    Args:
        after_epoch: called with 0 before training and with the epoch's number from 1 after each.
        title, position: of the progress bar.
    Errors: DivergedError if the loss stops being a number; what ``after_epoch`` gathered stays.
    """
    optimizer = _optimizer(model, recipe)
    after_batch, schedule = _schedule(optimizer, recipe, -(-len(x) // recipe.batch))
    order = torch.Generator().manual_seed(recipe.seed)
    if x.ndim == 4:
        model.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    model.train()
    after_epoch(0)
    bar = progress_bar(
        range(1, recipe.epochs + 1), desc=title, unit="epoch", progress=progress, position=position, mininterval=0.5
    )
    for epoch in bar:
        total = 0.0
        for rows in torch.randperm(len(x), generator=order).split(recipe.batch):
            optimizer.zero_grad()
            loss = objective(model(x[rows]), y[rows], recipe.loss)
            loss.backward()
            optimizer.step()
            after_batch()
            total += float(loss.detach()) * len(rows)
        if not total < float("inf"):
            raise DivergedError(
                f"The training loss of '{title}' is {total / len(x)} in epoch {epoch}. Lower the learning rate "
                f"({recipe.lr:g}) or the weight decay ({recipe.weight_decay:g})."
            )
        schedule()
        if epoch % 25 == 0:
            bar.set_postfix(loss=f"{total / len(x):.2e}", refresh=False)
        after_epoch(epoch)


def objective(outputs: Tensor, y: Tensor, loss: str) -> Tensor:
    """The training loss of outputs (N, m) on targets (N, m) or classes (N,): a mean over samples (and outputs)."""
    if loss == "cross-entropy":
        return nn.functional.cross_entropy(outputs, y)
    wanted = y if y.is_floating_point() else nn.functional.one_hot(y, outputs.shape[1]).to(outputs.dtype)
    return nn.functional.mse_loss(outputs, wanted)


def outputs(model: nn.Module, x: Tensor, batch: int = 1024) -> Tensor:
    """What the network in evaluation mode makes of x (N, ...), without gradients."""
    model.eval()
    with torch.no_grad():
        return torch.cat([model(part) for part in x.split(batch)])


def _schedule(
    optimizer: torch.optim.Optimizer, recipe: Recipe, batches: int
) -> tuple[Callable[[], object], Callable[[], object]]:
    """What to call after each batch and after each epoch."""

    def nothing() -> None: ...

    if recipe.schedule == "one-cycle":
        total = max(1, recipe.epochs * batches)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.lr, total, cycle_momentum=False)
        return cycle.step, nothing
    milestones = [max(1, round(cut * recipe.epochs)) for cut in recipe.cuts]
    return nothing, torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1).step


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Fused steps start the fewest kernels, and these are what a narrow network's step takes."""
    parameters, lr, decay = model.parameters(), recipe.lr, recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=lr, momentum=recipe.momentum, weight_decay=decay, fused=True)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=lr, weight_decay=decay, fused=True)
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=decay, fused=True)

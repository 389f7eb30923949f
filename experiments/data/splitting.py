"""Splitting and standardising data, each an explicit choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from deepnrc.data import Samples, whole_batches

SCALINGS = ("none", "centre", "standardise", "positive")


@dataclass(frozen=True)
class Split:
    """Training and held-out samples: x (N, d) or images (N, C, H, W), y (N, n) or integer classes (N,) each.

    ``target_resolution`` (n,) is half a unit of the last written digit of y, on the scale to which y was brought; None
    where it is not known.
    """

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor
    target_resolution: Tensor | None = None

    @property
    def loader(self) -> DataLoader[tuple[Tensor, ...]]:
        """The training samples in batches, with what is known of their targets."""
        return whole_batches(Samples(self.x, self.y, self.target_resolution), 1024)


class Data(Protocol):
    """A frozen dataclass that makes or reads data; its fields are part of a cell's key."""

    def load(self, seed: int) -> Split:
        """Training and held-out samples; the seed draws whatever is random in them."""


def split(
    x: Tensor,
    y: Tensor,
    *,
    share: float = 0.8,
    inputs: str = "standardise",
    targets: str = "standardise",
    seed: int = 0,
    target_resolution: Tensor | None = None,
) -> Split:
    """Split at random and scale with the training part's own mean and standard deviation.

    Args:
        share: of the samples that go into training, in (0, 1).
        inputs, targets: "none", "centre", "standardise", or "positive": in standard deviations above the least value.
            Part of a study's description: weight decay that collapses one scale of targets does nothing to another,
            and targets of both signs take ReLU features more directions than there are targets.
        seed: of the random split.
        target_resolution: (n,), half a unit of the last written digit of y, where it is known; it is scaled along.
    Errors: ValueError for an unknown scaling or a share that leaves a part empty.
    """
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    count = round(share * len(x))
    if not 0 < count < len(x):
        raise ValueError(f"A share of {share} of {len(x)} samples leaves one part empty.")
    train, test = order[:count], order[count:]
    if target_resolution is not None and targets in ("standardise", "positive"):
        target_resolution = target_resolution / _spread(y[train].double())
    x, y = scaled(x, inputs, train), scaled(y, targets, train)
    return Split(x[train], y[train], x[test], y[test], target_resolution)


def scaled(z: Tensor, how: str = "standardise", train: Tensor | None = None) -> Tensor:
    """z (N, n) as ``split`` scales it, by the mean and spread of the rows ``train``; of all, if not given."""
    if how not in SCALINGS:
        raise ValueError(f"There is no scaling {how!r}; choose from {', '.join(SCALINGS)}.")
    if how == "none":
        return z.float() if z.is_floating_point() else z
    part = (z if train is None else z[train]).double()
    z = z.double() - (part.amin(0) if how == "positive" else part.mean(0))
    if how != "centre":
        z = z / _spread(part)
    return z.float()


def _spread(part: Tensor) -> Tensor:
    """Standard deviations (n,), 1 for a constant column, which carries nothing and stays 0."""
    spread = part.std(0, correction=0)
    return torch.where(spread > 0, spread, 1.0)

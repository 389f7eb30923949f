"""A small network, its data, and trackers of it."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import nn

from deepnrc import Tracker

DATA = (torch.linspace(-1, 1, 96).reshape(32, 3).sin(), torch.linspace(0, 2, 64).reshape(32, 2).cos())


def network(width: int = 6, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, 2))


def stepped(net: nn.Module) -> None:
    """What a step of training does, the same each time."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(0.9)


@pytest.fixture
def made() -> Callable[..., Tracker]:
    """A tracker of few measures, of a network of its own unless one is given."""

    def make(net: nn.Module | None = None, data: Any = DATA, **options: Any) -> Tracker:
        probes = options.pop("probes", ["deep.noise_fraction", "model.mse"])
        return Tracker(network() if net is None else net, data, probes=probes, **options)

    return make


@pytest.fixture
def net() -> Callable[..., nn.Sequential]:
    return network


@pytest.fixture
def trained() -> Callable[[Tracker, Iterable[int]], Tracker]:
    """Train from one step to another, watched: a step's network is the same whenever it is come to."""

    def train(watch: Tracker, steps: Iterable[int]) -> Tracker:
        for step in steps:
            if step:
                stepped(watch.model)
            watch(step)
        return watch

    return train

"""Images in memory, in place of those that studies render or read."""

from dataclasses import dataclass, replace

import pytest
import torch

from experiments.data import Split


@dataclass(frozen=True)
class Pictures:
    """60 pictures of noise, with targets (N, 2) or three classes that brightness tells."""

    classes: bool = False

    def load(self, seed):
        draw = torch.Generator().manual_seed(seed)
        level = torch.arange(60) % 3
        x = torch.randn(60, 1, 16, 16, generator=draw) + level[:, None, None, None]
        y = level if self.classes else torch.stack((level.float() - 1, x.mean((1, 2, 3))), 1)
        return Split(x[:48], y[:48], x[48:], y[48:])


@pytest.fixture
def on_pictures():
    """A study on random images in place of its own, with targets that have two columns or are classes."""

    def made(study, classes=False):
        return replace(study, settings=tuple(replace(s, data=Pictures(classes)) for s in study.settings))

    return made

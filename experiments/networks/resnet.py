"""Residual networks of any width for images of any size, on timm's blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from timm.models import resnet
from torch import nn

from experiments.data import Split

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
HEADS = {"linear": "fc", "mlp": "fc.3"}  # by the name of its last Linear


@dataclass(frozen=True)
class ResNet:
    """A ResNet of basic blocks that regresses or classifies.

    Attributes:
        depth: 18 or 34.
        channels: widths of the four stages; the published networks have (64, 128, 256, 512).
        head: "linear" (one Linear), or "mlp" (Linear - LayerNorm - ReLU - Linear, as wide as the last stage).
        bias: biases in the head's Linear layers; the blocks' convolutions have none, as always.
        small_images: a 3x3 first convolution without stride and no max-pooling, for images of about 28 to 32 pixels.
    Errors: ValueError for a depth or a head that there is not, or other than four positive widths.
    """

    depth: int = 18
    channels: tuple[int, ...] = (16, 32, 64, 128)
    head: str = "linear"
    bias: bool = True
    small_images: bool = False

    def __post_init__(self) -> None:
        if self.depth not in BLOCKS:
            raise ValueError(f"A ResNet of basic blocks has depth {' or '.join(map(str, BLOCKS))}, not {self.depth}.")
        if self.head not in HEADS:
            raise ValueError(f"There is no head {self.head!r}; choose from {', '.join(HEADS)}.")
        if len(self.channels) != 4 or min(self.channels) < 1:
            raise ValueError(f"A ResNet has four stages of at least one channel each, not {self.channels}.")

    @property
    def points(self) -> tuple[str, str]:
        """The published probe points, for ``layers``: every convolution of the stages but shortcuts, and the last
        Linear: 17 of depth 18, 33 of depth 34."""
        return "layer[1-4].*.conv*", HEADS[self.head]

    def build(self, data: Split, seed: int) -> nn.Module:
        """The network, its input channels and outputs taken from the data: columns of targets, or as many outputs as
        the classes go up to."""
        outputs = data.y.shape[1] if data.y.ndim == 2 else int(max(data.y.max(), data.y_test.max())) + 1
        return self.make(data.x.shape[1], outputs, seed)

    def make(self, inputs: int, outputs: int, seed: int) -> nn.Module:
        """The network for images of ``inputs`` channels; torch's own random state is as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # timm's stem is 64 wide whatever the stages, so the one below takes its place
            block: Any = resnet.BasicBlock  # annotated there as an instance
            model: Any = resnet.ResNet(
                block, BLOCKS[self.depth], channels=self.channels, num_classes=outputs, in_chans=inputs
            )
            width = self.channels[0]
            model.conv1 = self._stem(inputs, width)
            model.bn1 = nn.BatchNorm2d(width)
            if self.small_images:
                model.maxpool = nn.Identity()
            model.layer1[0] = resnet.BasicBlock(width, width)
            model.fc = self._head(self.channels[-1], outputs)
            model.init_weights(zero_init_last=False)
        return cast(nn.Module, model)

    def _stem(self, inputs: int, width: int) -> nn.Conv2d:
        size, stride = (3, 1) if self.small_images else (7, 2)
        return nn.Conv2d(inputs, width, size, stride, size // 2, bias=False)

    def _head(self, width: int, outputs: int) -> nn.Module:
        last = nn.Linear(width, outputs, bias=self.bias)
        if self.head == "linear":
            return last
        return nn.Sequential(nn.Linear(width, width, bias=self.bias), nn.LayerNorm(width), nn.ReLU(), last)

"""One network of the zoo: how it is built, what it is given, and where its blocks hold features."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

SAMPLES, BATCH = 50, 20  # the last batch is shorter
LABELS = 3


@dataclass(frozen=True, kw_only=True)
class Member:
    """One network of the zoo.

    Attributes:
        name: of the family.
        library: the package that it is from, "" for our own.
        make: builds it, with random weights.
        inputs: (samples) to a tensor, a dict of tensors or a graph's parts, of so many samples.
        channels: the features' axis in what a block gives.
        options: of ``deepnrc.probe``, where the network needs any.
        left_out: globs on weights that its forward goes round.
        targets: width of the targets.
        dtype: in which it runs.
    """

    name: str
    library: str
    make: Callable[[], nn.Module]
    inputs: Callable[[int], Any]
    channels: int = -1
    options: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    targets: int = LABELS
    dtype: torch.dtype = torch.float64

    def network(self) -> nn.Module:
        """The network in its dtype and in evaluation mode. Weights that begin at zero, as those that end a residual
        branch do, are drawn too: behind them nothing varies that could be compared."""
        network = self.make().to(self.dtype).eval()
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if not name.endswith("bias") and not bool(parameter.any()):
                    parameter.normal_(std=0.3)
        return network

    def batches(self) -> list[tuple[Any, Tensor]]:
        """Pairs (input, target) in batches, the last of them shorter."""
        sizes = [min(BATCH, SAMPLES - start) for start in range(0, SAMPLES, BATCH)]
        return [(self.inputs(size), torch.randn(size, self.targets, dtype=torch.float64)) for size in sizes]

    @property
    def installed(self) -> bool:
        """Whether the package is there that it is from."""
        return not self.library or importlib.util.find_spec(self.library) is not None


def part(library: str, name: str) -> Any:
    """What a library calls ``name``; the library is imported when it is asked for."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(f"{library}.{module}" if module else library), attribute)


def built(library: str, name: str, *args: Any, **options: Any) -> nn.Module:
    """What a library's class or function ``name`` makes."""
    network: nn.Module = part(library, name)(*args, **options)
    return network


def images(*shape: int) -> Callable[[int], Tensor]:
    """Random images (N, *shape)."""
    return lambda samples: torch.randn(samples, *shape, dtype=torch.float64)


vectors = images

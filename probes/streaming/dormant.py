"""Units that hardly ever answer (Sokar et al., ICML 2023)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from probes.outcome import DegenerateError

from .statistic import Batch, Opening, Part, Pass

PART = 2**17  # numbers whose absolute values stay in a processor's cache until they are summed


class Magnitudes:
    """Streaming sum of |h_j| for each of the d units.

    Attributes:
        count: samples seen.
        total: (d,), sum of |h|.
    """

    in_pass: ClassVar[Pass] = Pass.FIRST
    needs: ClassVar[Part] = Part.NONE

    def __init__(self, d: int, device: torch.device | str = "cpu") -> None:
        self.d, self.count = d, 0
        self.total = torch.zeros(d, dtype=torch.float64, device=device)

    @classmethod
    def begin(cls, opening: Opening) -> Magnitudes:
        """Magnitudes of the opening's width."""
        return cls(opening.d, opening.device)

    def update(self, batch: Batch) -> None:
        """Take in features H (N, d)."""
        self.count += batch.N
        some = max(1, PART // max(1, self.d)) if batch.H.device.type == "cpu" else max(1, batch.N)
        for rows in batch.H.split(some):
            self.total += rows.abs().sum(0).to(self.total)

    def merge(self, other: Magnitudes) -> None:
        """Take in another accumulator over other rows of the same layer."""
        self.count += other.count
        self.total += other.total.to(self.total)

    @property
    def mean(self) -> Tensor:
        """E|h_j| (d,)."""
        return self.total / self.count


def dormant(tau: float) -> Callable[[Magnitudes], float]:
    """Make the share of units with E|h_i| / mean_j E|h_j| <= tau, in [0, 1]; dead units alone for tau = 0.

    Errors: ValueError for a negative tau.
    """
    if not tau >= 0:
        raise ValueError(f"tau must be at least 0; it is {tau!r}.")

    def share(magnitudes: Magnitudes) -> float:
        """Share of the layer's units whose mean size is at most tau times the layer's, in [0, 1]."""
        mean = magnitudes.mean
        if not float(mean.mean()) > 0:
            raise DegenerateError("every unit is 0 for every sample")
        return float((mean <= tau * mean.mean()).double().mean())

    return share

"""Second moment of the directions of rows, which nrc.1 and nrc.2 read."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from probes.algebra.factored import Covariance, dense

from .gram import Gram
from .statistic import Batch, Opening, Part, Pass

SAFE = 1e-140  # rows whose norm lies between this and its inverse lose nothing when they are squared


class Directions:
    """Streaming E[u u'] of the unit rows u = h / ||h||; rows of zero norm have no direction, are dropped and counted.

    Attributes:
        count: rows with a direction.
        dropped: rows of zero norm.
        gram: (d, d), sum of u u', by its rows while they are few.
    """

    in_pass: ClassVar[Pass] = Pass.FIRST
    needs: ClassVar[Part] = Part.NONE

    def __init__(self, d: int, n: int = 0, device: torch.device | str = "cpu") -> None:
        self.d, self.n = d, n
        self.count = 0
        self.dropped = 0
        self.gram = Gram(d, device)

    @classmethod
    def begin(cls, opening: Opening) -> Directions:
        """Directions of the opening's width."""
        return cls(opening.d, opening.n, opening.device)

    def update(self, given: Batch | Tensor, Y: Tensor | None = None) -> None:
        """Take in a batch, or features H (N, d); targets Y are not looked at."""
        rows = Batch.of(given, Y).H.to(self.gram.device, torch.float64)
        units = _units(rows)
        self.count += len(units)
        self.dropped += len(rows) - len(units)
        self.gram.add(units)

    def merge(self, other: Directions) -> None:
        """Take in another accumulator over other rows of the same layer."""
        self.count += other.count
        self.dropped += other.dropped
        self.gram.merge(other.gram)

    def __add__(self, other: Directions) -> Directions:
        """Directions of both sets of rows; neither operand changes."""
        total = Directions(self.d, self.n, self.gram.device)
        total.merge(self)
        total.merge(other)
        return total

    @property
    def second(self) -> Tensor:
        """E[u u'] (d, d), of trace 1."""
        return dense(self.joint)

    @property
    def joint(self) -> Covariance:
        """The same, by its rows while they are few."""
        return self.gram.over(self.count)


def _units(rows: Tensor) -> Tensor:
    """Rows (N, d) over their norms, without those that are 0; NaN counts as alive, and shows."""
    norms = rows.norm(dim=1, keepdim=True)
    low, high = (float(end) for end in norms.aminmax()) if rows.numel() else (0.0, 0.0)
    if low > SAFE and high < 1 / SAFE:
        return rows / norms
    # the largest entry goes first, so that squares neither overflow nor vanish
    peak = rows.abs().amax(1) if rows.numel() else rows.new_zeros(len(rows))
    alive = peak != 0
    rows = rows[alive] / peak[alive, None]
    return rows / rows.norm(dim=1, keepdim=True)


class CentredDirections(Directions):
    """The same of the second pass, in which features arrive less their mean: u = (h - mean) / ||h - mean||."""

    in_pass: ClassVar[Pass] = Pass.SECOND

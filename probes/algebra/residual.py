"""What a prediction leaves of the targets, by its factors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .onehot import Basis, OneHot, Targets, forms, turned


@dataclass(frozen=True)
class Residual:
    """Second moment (n, n) of what a prediction leaves of the targets: T - B'C - C'B, or T alone.

    Attributes:
        targets: T (n, n).
        factors: B and C (d, n); None where T is what is left.
    """

    targets: Targets
    factors: tuple[Tensor, Tensor] | None = None

    def trace(self) -> float:
        """The mean squared error times n."""
        whole = float(self.targets.trace())
        return whole if self.factors is None else whole - 2 * float((self.factors[0] * self.factors[1]).sum())

    def along(self, directions: Basis, r: int) -> Tensor:
        """What is left (r,) along each of the first r directions (n, r)."""
        whole = forms(self.targets, directions, r)
        if self.factors is None:
            return whole
        B, C = (turned(factor, directions, r) for factor in self.factors)
        return whole - 2 * (B * C).sum(0)

    def dense(self) -> Tensor:
        """The whole (n, n), written out."""
        whole = self.targets.dense() if isinstance(self.targets, OneHot) else self.targets
        if self.factors is None:
            return whole
        predicted = self.factors[0].mT @ self.factors[1]
        return whole - predicted - predicted.mT

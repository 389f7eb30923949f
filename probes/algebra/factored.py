"""Covariances of fewer samples than features, by their rows: what costs N^2 d in place of d^3."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Factored:
    """The covariance S = X'X (d, d) of rows X (R, d), R < d, which is not written out.

    It has what measures ask of a covariance that is a tensor: ``S @ B``, its trace, its diagonal and its shape.
    """

    X: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(d, d)."""
        return self.X.shape[1], self.X.shape[1]

    def __matmul__(self, B: Tensor) -> Tensor:
        return self.X.mT @ (self.X @ B)

    def trace(self) -> Tensor:
        """Tr S, as a tensor of no axes, as a tensor's own is."""
        return (self.X**2).sum()

    def diagonal(self) -> Tensor:
        """The variances (d,)."""
        return (self.X**2).sum(0)

    def block(self, rows: slice, columns: slice) -> Tensor:
        """S[rows, columns], written out."""
        return self.X[:, rows].mT @ self.X[:, columns]

    def part(self, columns: slice | Tensor) -> Factored:
        """The covariance of some of the features, a slice or a mask (d,)."""
        return Factored(self.X[:, columns])

    def dense(self) -> Tensor:
        """S (d, d), written out."""
        return self.X.mT @ self.X


@dataclass(frozen=True)
class Sketched(Factored):
    """A covariance S (d, d) of which X'X, an approximation from below by few rows, and the variances are known.

    Attributes:
        variances: (d,), the diagonal of S itself.
        directions: s, of the random ones that X'X was made of; X may have fewer rows.
    """

    variances: Tensor
    directions: int

    def trace(self) -> Tensor:
        """Tr S, exact."""
        return self.variances.sum()

    def diagonal(self) -> Tensor:
        """The variances (d,), exact."""
        return self.variances

    @property
    def rest(self) -> float:
        """Tr(S - X'X), >= 0: no eigenvalue of S - X'X is larger."""
        return max(0.0, float(self.trace() - (self.X**2).sum()))


Covariance = Tensor | Factored


def block(S: Covariance, rows: slice, columns: slice) -> Tensor:
    """S[rows, columns] of a covariance of either kind, written out."""
    return S.block(rows, columns) if isinstance(S, Factored) else S[rows, columns]


def part(S: Covariance, columns: slice | Tensor) -> Covariance:
    """The covariance of some of the features, a slice or a mask (d,)."""
    return S.part(columns) if isinstance(S, Factored) else S[columns][:, columns]


def scaled(S: Covariance, by: Tensor) -> Covariance:
    """The covariance of features that are each multiplied by a number (d,)."""
    return Factored(S.X * by) if isinstance(S, Factored) else S * by[:, None] * by


def with_rows(S: Covariance, rows: Tensor) -> Covariance:
    """S + R'R with further rows R (r, d): with the mean as the one row, the second moment about zero."""
    return Factored(torch.cat([S.X, rows])) if isinstance(S, Factored) else S + rows.mT @ rows


def dense(S: Covariance) -> Tensor:
    """S (d, d), written out."""
    return S.dense() if isinstance(S, Factored) else S

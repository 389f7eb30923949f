"""The directions of fewer samples than features, by the products of the samples with one another."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from probes.streaming.gram import add_gram_

from .attributes import once
from .reduced import Reduced

EPS = torch.finfo(torch.float64).eps


@dataclass(frozen=True)
class FewRows:
    """The eigenvectors of S = X'X (d, d) of rows X (R, d), R < d, largest eigenvalue first: an orthonormal basis.

    With XX' = UDU' they are X'U/sqrt(D), in R^2 d in place of the singular value decomposition's many times that; what
    is lost is what eigenvalues of S lose too, digits below 1e-16 of the largest.

    Attributes:
        X: the rows.
        inner: U, as the reduction of XX' (R, R) has it.
        made: the leading vectors that were asked for, by their number.
    """

    X: Tensor
    inner: Reduced
    made: dict[int, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, X: Tensor) -> FewRows:
        """Of X (R, d), R > 1, finite float64 on the CPU."""
        gram = X.new_zeros(len(X), len(X))
        add_gram_(gram, X.mT)
        return cls(X, Reduced.of(gram))

    @once
    def values(self) -> Tensor:
        """Eigenvalues of S (R,) that need not be 0, descending."""
        return self.inner.values.clamp(min=0)

    @property
    def shape(self) -> tuple[int, int]:
        """(d, R)."""
        return self.X.shape[1], len(self.X)

    def leading(self, k: int) -> Tensor:
        """The first k vectors (d, k)."""
        if k not in self.made:
            Q, R = torch.linalg.qr(self._columns(self.inner.leading(k)))
            self.made[k] = Q * torch.where(R.diagonal() < 0, -1.0, 1.0)
        return self.made[k]

    def turn(self, A: Tensor) -> Tensor:
        """A times the basis (r, R), of A (r, d)."""
        return A @ self.leading(len(self.X))

    def squares(self, weights: Tensor) -> Tensor:
        """What each vector (R,) takes of weights (d,) by its squares."""
        return (self._columns(self.inner.whole) ** 2 * weights[:, None]).sum(0)

    def solved(self, B: Tensor, kept: Tensor) -> Tensor:
        """S^+ B (d, n) of B (d, n) in the span of the rows, over the vectors ``kept`` (R,) alone, none of value 0."""
        U, values = self.inner.whole[:, kept], self.values[kept, None]

        def step(A: Tensor) -> Tensor:
            return self.X.mT @ (U @ (U.mT @ (self.X @ A) / values / values))

        found = step(B)
        return found + step(B - self.X.mT @ (self.X @ found))  # the digits that small values lost

    def _columns(self, U: Tensor) -> Tensor:
        """X'U (d, k) of U's first k columns over the roots of their values; of values near rounding of the largest
        their lengths are not 1."""
        roots = self.values[: U.shape[1]].sqrt()
        return self.X.mT @ U / roots.clamp(min=EPS * float(roots[0]))

"""X'X of very wide rows by its product with a fixed random matrix, for layers whose covariance is too large to keep."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from probes.algebra.factored import Sketched
from probes.algebra.joint import Joint
from probes.outcome import DegenerateError, NotDefinedError
from probes.subspace import EPS

from .gram import Gram

SEED = 0


class Sketch(Gram):
    """Streaming X'X of rows [h, y], of which only the product with a fixed random Omega (d, s) is kept for h, and, of
    both, the columns of y and the diagonal, which are exact.

    Attributes:
        features: d, width of h.
        directions: s, columns of Omega, s < d.
    """

    def __init__(self, d: int, n: int, s: int, device: torch.device | str = "cpu") -> None:
        super().__init__(d + n, device)
        self.features, self.directions = d, s
        self.omega = _omega(d, s, str(self.device))
        self._product = torch.zeros(d + n, s + n, dtype=torch.float64, device=self.device)
        self._squares = torch.zeros(d + n, dtype=torch.float64, device=self.device)

    def add(self, rows: Tensor, lent: bool = False) -> None:
        """Take in rows (N, d + n) of float64, none of which is kept."""
        seen = torch.cat([rows[:, : self.features] @ self.omega, rows[:, self.features :]], 1)
        self._product.addmm_(rows.T, seen)
        self._squares += (rows**2).sum(0)

    def merge(self, other: Gram) -> None:
        """Take in another sketch of the same widths; it stays as it is."""
        if not isinstance(other, Sketch) or other._product.shape != self._product.shape:
            raise ValueError("A sketch merges with one of the same widths and as many random directions.")
        self._product += other._product.to(self.device)
        self._squares += other._squares.to(self.device)

    def diagonal(self) -> Tensor:
        """Diagonal of X'X (d + n,)."""
        return self._squares

    @property
    def matrix(self) -> Tensor:
        """There is none. Errors: NotDefinedError."""
        raise NotDefinedError("of these features a sketch was kept, and not their covariance")

    def joint(self, count: float) -> Joint:
        """X'X / count in blocks: cross and targets exact, the features' by Nystroem's approximation.

        With Y = S Omega that is Y (Omega'Y)^+ Y', which never exceeds S (Halko, Martinsson & Tropp 2011, sec. 5.4;
        Tropp, Yurtsever, Udell & Cevher 2017). Errors: DegenerateError if features are too large for float64.
        """
        d, s = self.features, self.directions
        whole, variances = self._product / count, self._squares[:d] / count
        Y = whole[:d, :s]
        core = self.omega.T @ Y
        if not bool(core.isfinite().all()):
            raise DegenerateError("the features are too large for float64")
        values, vectors = torch.linalg.eigh((core + core.T) / 2)
        kept = values > s * EPS * values[-1]
        X = (Y @ (vectors[:, kept] / values[kept].sqrt())).T
        return Joint(Sketched(X, variances, s), whole[:d, s:], whole[d:, s:])


@lru_cache(maxsize=1)  # layers of one width, one behind the other, share it
def _omega(d: int, s: int, device: str) -> Tensor:
    """An orthonormal basis (d, s) of the span of s Gaussian vectors, always the same: only the span matters."""
    drawn = torch.randn(d, s, dtype=torch.float64, device="cpu", generator=torch.Generator().manual_seed(SEED))
    return torch.linalg.qr(drawn).Q.to(device)

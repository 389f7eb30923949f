"""A symmetric matrix reduced to a tridiagonal one, once: all eigenvalues, and as many eigenvectors as are asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Reduced:
    """The eigenvectors, largest eigenvalue first, of S = QTQ' (d, d) with T tridiagonal: an orthonormal basis.

    Values come by QL; few vectors by bisection and inverse iteration, all of them by divide and conquer.

    Attributes:
        values: eigenvalues of S (d,), descending.
        diagonal, beside: of T (d,) and (d - 1,), divided by a size.
        reflections, scales: Q by its Householder vectors, as LAPACK's dsytrd leaves them.
        made: the leading vectors that were asked for, by their number.
    """

    values: Tensor
    diagonal: Any
    beside: Any
    reflections: Any
    scales: Any
    made: dict[int, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, S: Tensor) -> Reduced:
        """Of S (d, d), d > 1, finite float64 on the CPU, of which the upper triangle is read."""
        from scipy.linalg import lapack

        # squares of elements must be numbers; a power of two changes none of their digits
        size = 2.0 ** (math.frexp(float(S.abs().max()))[1] - 1)
        with _one_thread():
            lower, diagonal, beside, scales, _ = lapack.dsytrd((S.mT / size).numpy(), lower=1, lwork=64 * len(S))
            values = lapack.dsterf(diagonal, beside)[0]
        return cls(torch.from_numpy(values[::-1].copy()) * size, diagonal, beside, lower[1:, :-1], scales)

    @property
    def shape(self) -> tuple[int, int]:
        """(d, d)."""
        return len(self.values), len(self.values)

    def leading(self, k: int) -> Tensor:
        """The first k vectors (d, k)."""
        if k > len(self.values) // 4 or "whole" in vars(self):
            return self.whole[:, :k]
        if k not in self.made:
            self.made[k] = self._few(k)
        return self.made[k]

    @cached_property
    def whole(self) -> Tensor:
        """All vectors (d, d)."""
        from scipy.linalg import lapack

        with _one_thread():
            return self._turned(lapack.dstevd(self.diagonal, self.beside)[1])

    def _few(self, k: int) -> Tensor:
        from scipy.linalg import eigh_tridiagonal

        d = len(self.values)
        with _one_thread():
            _, small = eigh_tridiagonal(self.diagonal, self.beside, select="i", select_range=(d - k, d - 1))
            return self._turned(small)

    def turn(self, A: Tensor) -> Tensor:
        """A times the basis (r, d), of A (r, d)."""
        return A @ self.whole

    def squares(self, weights: Tensor) -> Tensor:
        """What each vector (d,) takes of weights (d,) by its squares."""
        return (self.whole**2 * weights[:, None]).sum(0)

    def _turned(self, vectors: Any) -> Tensor:
        """QX (d, k), largest first, of vectors X (d, k) of T, smallest first."""
        from scipy.linalg import lapack

        rows, _, _ = lapack.dormqr("L", "N", self.reflections, self.scales, vectors[1:], lwork=64 * vectors.shape[1])
        return torch.cat([torch.from_numpy(vectors[:1].copy()), torch.from_numpy(rows)]).flip(1)


def _one_thread() -> Any:
    """A block in which scipy's library keeps to this thread: its own would contend with torch's, which still spin."""
    return _pools().limit(limits=1, user_api="blas")


@cache
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()

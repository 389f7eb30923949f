"""A symmetric matrix reduced to a tridiagonal one, once: all eigenvalues, and as many eigenvectors as are asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import Tensor

from . import routines
from .attributes import once


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
    diagonal: Tensor
    beside: Tensor
    reflections: Tensor
    scales: Tensor
    made: dict[int, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, S: Tensor) -> Reduced:
        """Of S (d, d), d > 1, finite float64 on the CPU, of which the upper triangle is read."""
        # squares of elements must be numbers; a power of two changes none of their digits
        size = 2.0 ** (math.frexp(float(S.abs().max()))[1] - 1)
        columns = (S.contiguous() / size).mT
        diagonal, beside, scales = routines.tridiagonal_(columns)
        values = routines.tridiagonal_values(diagonal, beside)
        return cls(values.flip(0) * size, diagonal, beside, columns[1:, :-1], scales)

    @property
    def shape(self) -> tuple[int, int]:
        """(d, d)."""
        return len(self.values), len(self.values)

    def leading(self, k: int) -> Tensor:
        """The first k vectors (d, k)."""
        if k > len(self.values) // 4 or "whole" in vars(self):
            return self.whole[:, :k]
        if k not in self.made:
            self.made[k] = self._turned(routines.tridiagonal_leading(self.diagonal, self.beside, k))
        return self.made[k]

    @once
    def whole(self) -> Tensor:
        """All vectors (d, d)."""
        return self._turned(routines.tridiagonal_vectors(self.diagonal, self.beside))

    def turn(self, A: Tensor) -> Tensor:
        """A times the basis (r, d), of A (r, d)."""
        return A @ self.whole

    def squares(self, weights: Tensor) -> Tensor:
        """What each vector (d,) takes of weights (d,) by its squares."""
        return (self.whole**2 * weights[:, None]).sum(0)

    def _turned(self, vectors: Tensor) -> Tensor:
        """QX (d, k), largest first, of vectors X (d, k) of T, smallest first, which lie column by column."""
        routines.reflected_(self.reflections, self.scales, vectors[1:])
        return vectors.flip(1)

"""Spectra, leading subspaces and the angles between them: the only linear algebra of the package."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

EPS = torch.finfo(torch.float64).eps
# 0.83 sqrt(k/d) is the large-d mean cosine between two random k-planes in R^d, to two digits for k from 1 to 20.
CHANCE = 0.83


@dataclass(frozen=True)
class Spectrum:
    """Values in descending order (r,) and their orthonormal vectors as columns (d, r).

    Of a covariance: eigenvalues and eigenvectors. Of a matrix: singular values and right singular vectors.
    """

    values: Tensor
    vectors: Tensor

    @property
    def dim(self) -> int:
        """d, the dimension of the space that the vectors live in."""
        return int(self.vectors.shape[0])

    @property
    def total(self) -> float:
        """Sum of the values: the trace, for a covariance."""
        return float(self.values.sum())

    def leading(self, k: int) -> Tensor:
        """The first k vectors (d, k)."""
        return self.vectors[:, :k]

    def remaining(self, k: int) -> Tensor:
        """All vectors but the first k (d, r - k)."""
        return self.vectors[:, k:]

    def rank(self, tolerance: float) -> int:
        """How many values exceed ``tolerance`` (absolute)."""
        return int((self.values > tolerance).sum())

    def gap(self, k: int) -> float:
        """Ratio of value k to value k + 1; infinite where nothing follows or what follows is zero."""
        if k >= self.values.numel() or self.values[k] <= 0:
            return math.inf
        return float(self.values[k - 1] / self.values[k])


def spectrum(S: Tensor) -> Spectrum:
    """Eigen-decomposition of a covariance S (d, d), largest first."""
    values, vectors = torch.linalg.eigh(S)
    return Spectrum(values.flip(0), vectors.flip(1))


def singular(A: Tensor) -> Spectrum:
    """Singular values and right singular vectors (d, min(m, d)) of A (m, d), largest first.

    A tall A is reduced to its triangular factor first: the left vectors are never needed, and this leaves them out.
    """
    m, d = A.shape
    square = torch.linalg.qr(A, mode="r").R if m > d else A
    _, values, right = torch.linalg.svd(square, full_matrices=False)
    return Spectrum(values, right.mT)


def row_space(W: Spectrum, tolerance: float = 1e-10) -> Tensor:
    """Rank-revealing orthonormal basis (d, r) of the row space behind W, keeping values above tolerance * largest."""
    return W.leading(W.rank(tolerance * float(W.values[0])))


def principal_cosines(A: Tensor, B: Tensor) -> Tensor:
    """Cosines of the principal angles between spans of orthonormal A (d, p) and B (d, q): (min(p, q),), in [0, 1]."""
    return torch.linalg.svdvals(A.mT @ B).clamp(max=1.0)


def principal_sines(A: Tensor, B: Tensor) -> Tensor:
    """Sines of the principal angles between spans of orthonormal A (d, p) and B (d, q), p <= q: (p,), in [0, 1].

    Read from the part of A outside B, so that an angle of 1e-12 keeps its digits (sqrt(1 - cos^2) would not).
    """
    return torch.linalg.svdvals(A - B @ (B.mT @ A)).clamp(max=1.0)


def trace_outside(S: Tensor, basis: Tensor) -> float:
    """Trace, >= 0, of what a covariance S (d, d) has outside the span of an orthonormal basis (d, k).

    The trace of (I - VV')S(I - VV'): neither a difference of two large numbers nor a sum of small eigenvalues, each of
    which carries the rounding of the largest.
    """
    rest = S - basis @ (basis.mT @ S)
    return max(0.0, float(rest.trace() - ((rest @ basis) * basis).sum()))


def chance_cosine(k: int, d: int) -> float:
    """Mean cosine to expect between two random k-planes in R^d: about 0.83 sqrt(k/d), and exactly 1 for k = d."""
    return 1.0 if k >= d else min(1.0, CHANCE * math.sqrt(k / d))


def target_tolerance(targets: Tensor, mean_square: float, unit_roundoff: float) -> float:
    """Largest eigenvalue of S_Y that rounding alone could produce.

    A target direction counts towards the rank above it: eight roundings of the targets' own dtype, squared, and what
    the float64 eigen-decomposition itself may leave.

    Args:
        targets: eigenvalues of S_Y (n,), descending.
        mean_square: E||y||^2, offset included.
        unit_roundoff: of the dtype that the targets came in.
    """
    return (8 * unit_roundoff) ** 2 * mean_square + targets.numel() * EPS * float(targets[0])

"""Spectra, leading subspaces and the angles between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .algebra import lending
from .algebra.factored import Covariance, Factored, scaled
from .algebra.fewrows import FewRows
from .algebra.onehot import Basis, OneHot, Targets, weighed
from .algebra.reduced import Reduced
from .algebra.residual import Residual

NARROW = 128  # width up to which all eigenvectors cost little more than eigenvalues
THREADS = 4  # above which all eigenvectors by as many threads cost less than eigenvalues by one
SOLVED = 1e-6  # smallest over largest variance above which normal equations are solved as they are
FEW = 64  # classes up to which their covariance is a matrix like any other
EPS = torch.finfo(torch.float64).eps
# The mean cosine between two random k-planes in R^d is between .80 (k = 1) and .84 (k = 20) times sqrt(k/d), d large.
CHANCE = 0.83


@dataclass(frozen=True)
class Spectrum:
    """Values in descending order (r,) and their orthonormal vectors as columns (d, r).

    Of a covariance: eigenvalues and eigenvectors. Of a matrix: singular values and right singular vectors, or the
    leading of these.

    Attributes:
        basis: the vectors, or what they are made of where they are too many to write out.
        floor: what rounding could have made of a value that is 0, where more than that of float64.
    """

    values: Tensor
    basis: Basis
    floor: float = 0.0

    @property
    def vectors(self) -> Tensor:
        """The vectors, written out (d, r)."""
        return self.leading(self.values.numel())

    @property
    def dim(self) -> int:
        """d, the dimension of the space that the vectors live in."""
        return int(self.basis.shape[0])

    @property
    def total(self) -> float:
        """Sum of the values: the trace, for a covariance."""
        return float(self.values.sum())

    def leading(self, k: int) -> Tensor:
        """The first k vectors (d, k)."""
        return self.basis[:, :k] if isinstance(self.basis, Tensor) else self.basis.leading(k)

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


def spectrum(S: Covariance | OneHot) -> Spectrum:
    """Eigen-decomposition of a covariance S (d, d), largest first; of R rows, R < d, those R that need not be 0."""
    if isinstance(S, OneHot):
        return Spectrum(*S.eigen()) if S.shape[0] > FEW else spectrum(S.dense())
    if isinstance(S, Factored):
        rows = singular(S.X)
        return Spectrum(rows.values**2, rows.vectors)
    values, vectors = lending.eigh(S)
    return Spectrum(values.flip(0), vectors.flip(1))


def late_spectrum(S: Covariance) -> Spectrum:
    """The same of a wide covariance, with vectors that are made when they are asked for: most measures read few."""
    of = S.X if isinstance(S, Factored) else S
    many = torch.get_num_threads() > THREADS or len(of) > of.shape[1]  # of threads, or of rows
    if many or len(of) <= NARROW or of.device.type != "cpu" or lending.borrowed(of):
        return spectrum(S)
    late = FewRows.of(of) if isinstance(S, Factored) else Reduced.of(of)
    return Spectrum(late.values, late)


def singular(A: Tensor) -> Spectrum:
    """Singular values and right singular vectors (d, min(m, d)) of A (m, d), largest first.

    A tall A is reduced to its triangular factor first: the left vectors are never needed, and this leaves them out.
    """
    m, d = A.shape
    square = torch.linalg.qr(A, mode="r").R if m > d else A
    _, values, right = lending.svd(square)
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


def trace_outside(S: Covariance, basis: Tensor) -> float:
    """Trace, >= 0, of what a covariance S (d, d) has outside the span of an orthonormal basis (d, k).

    The trace of (I - VV')S(I - VV'): neither a difference of two large numbers nor a sum of small eigenvalues, each of
    which carries the rounding of the largest.
    """
    if basis.shape[0] == basis.shape[1]:
        return 0.0
    if isinstance(S, Factored):
        return float(((S.X - (S.X @ basis) @ basis.mT) ** 2).sum())
    rest = torch.addmm(S, basis, basis.mT @ S, alpha=-1)
    return max(0.0, float(rest.trace() - ((rest @ basis) * basis).sum()))


@dataclass(frozen=True)
class LinearFit:
    """The least-squares affine map from features to targets.

    Attributes:
        mse: its mean squared residual over samples and outputs.
        floor: the residual that float64 rounding could leave.
        used: how many feature directions it reads.
        cut: how many were below rounding and not used.
        residual: (n, n), second moment of what the map leaves of the targets.
        coefficients: (d, n), what the map multiplies features less their mean by.
    """

    mse: float
    floor: float
    used: int
    cut: int
    residual: Residual
    coefficients: Tensor


def linear_fit(
    S_H: Covariance,
    features: Spectrum,
    cross: Tensor,
    S_Y: Targets,
    rounding: Tensor | None = None,
    most: int | None = None,
) -> LinearFit:
    """Fit Y by H from moments: Tr(S_Y - S_HY' S_H^+ S_HY)/n, eigenvalues of S_H up to d eps l_1 cut, and directions in
    which the features vary by no more than d times their own rounding: behind a normalisation layer there is one.

    Evaluated as the quadratic form of the map in the joint covariance, so that an error in the map enters only
    squared. Features in units more than a hundredfold apart are first brought to coordinates in which the rounding of
    each is the same, or, without rounding, its variance: that changes no residual and keeps the small ones from being
    cut, while a feature of little more than its own rounding stays small and takes no other one's direction along.

    Args:
        S_H, cross, S_Y: covariances (d, d), (d, n), (n, n).
        features: eigen-decomposition of S_H.
        rounding: (d,) variance that storing each feature could add; None for none.
        most: how many directions a fit to more samples read, whose cut is to stand: as many at most, and those that
            lie at the cut, up to half a standard deviation below it, are read; None to cut by these samples alone.
    """
    d, n = cross.shape
    scale = S_H.diagonal().clamp(min=0).sqrt()
    rounding = torch.zeros_like(scale) if rounding is None else rounding
    units, alive = torch.ones_like(scale), scale > 0
    if float(scale.max()) > 100 * float(scale[alive].min()):
        scale = torch.where(rounding > 0, rounding.sqrt(), torch.where(alive, scale, 1.0))
        S_H, cross, rounding = scaled(S_H, 1 / scale), cross / scale[:, None], rounding / scale**2
        features, units = late_spectrum(S_H), scale
    coefficients, used = _coefficients(S_H, features, cross, rounding, most)
    residual = Residual(S_Y, (coefficients / units[:, None], (cross - S_H @ coefficients / 2) * units[:, None]))
    cut = d - used - int((~alive).sum())
    floor = 4 * math.sqrt(d) * EPS * float(S_Y.trace()) / n
    mse = max(0.0, residual.trace()) / n
    return LinearFit(mse, floor, used, max(0, cut), residual, coefficients / units[:, None])


def _coefficients(
    S_H: Covariance, features: Spectrum, cross: Tensor, rounding: Tensor, most: int | None
) -> tuple[Tensor, int]:
    """The map's coefficients (d, n), and how many directions it reads. All of them where none is near the cut, which
    the normal equations give without any eigenvector."""
    d, values = len(cross), features.values
    far = max(SOLVED * float(values[0]), d * float(rounding.max()))
    made = isinstance(features.basis, Tensor) or isinstance(S_H, Factored)
    if not made and float(values[-1]) > far and (most is None or most >= d):
        return torch.cholesky_solve(cross, torch.linalg.cholesky(S_H)), d
    cut, near = d * EPS * float(values[0]), values if most is None else 4 * values
    # what rounding leaves along a direction is read where it could cut one: no more than the largest, and twice that
    # for vectors that rounding has made longer than 1
    doubtful = bool(((near > cut) & (near <= 2 * d * float(rounding.max()))).any())
    least = (d * weighed(rounding, features.basis)).clamp(min=cut) if doubtful else torch.full_like(values, cut)
    kept = near > least if most is None else (near > least) & _first(most, values)
    if isinstance(features.basis, FewRows):
        return features.basis.solved(cross, kept), int(kept.sum())
    V = features.vectors[:, kept]
    return V @ ((V.mT @ cross) / values[kept, None]), int(kept.sum())


def _first(count: int, values: Tensor) -> Tensor:
    return torch.arange(values.numel(), device=values.device) < count


def chance_cosine(k: int, d: int) -> float:
    """Mean cosine to expect between two random k-planes in R^d: about 0.83 sqrt(k/d) up to k = d/2; above, the planes
    share 2k - d directions, and the rest are as far apart as their complements; exactly 1 for k = d."""
    if 2 * k > d:
        shared, rest = max(0, 2 * k - d), max(0, d - k)
        return (shared + rest * CHANCE * math.sqrt(rest / d)) / (shared + rest)
    return CHANCE * math.sqrt(k / d)

"""The regression unconstrained-feature model and its minimum (Andriopoulos et al., arXiv 2409.04180, Theorem 4.1).

    L(W, H, b) = (1/2N) ||H W' + 1 b' - Y||^2 + lambda_h/(2N) ||H||^2 + lambda_w/2 ||W||^2

over W (n, d), b (n,) and free features H (N, d), for targets Y (N, n) and d >= n. Rows are samples: H and Y are the
transposes of the paper's. With c = lambda_h lambda_w, S_Y = U diag(l) U' and a_i = max(sqrt(l_i) - sqrt(c), 0):

    W = (lambda_h/lambda_w)^(1/4) U diag(sqrt a) U' R,   H = sqrt(lambda_w/lambda_h) (Y - ybar) S_Y^(-1/2) W,   b = ybar

for any R (n, d) with orthonormal rows; the inverse root is the pseudo-inverse where l_i = 0. Derivation: b takes the
mean; at a fixed product Z = H W'/sqrt(N) the penalties are at least sqrt(c) ||Z||_* (both factors take equal shares),
and (1/2) ||Z - Yc/sqrt(N)||^2 + sqrt(c) ||Z||_* is least where the singular values sqrt(l_i) are cut by sqrt(c). It
holds for every c: directions with l_i <= c are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from probes.algebra.attributes import once
from probes.subspace import EPS, Spectrum, spectrum

from . import conditions


@dataclass(frozen=True)
class Factors:
    """A point of the model: W (n, d), H (N, d) and b (n,)."""

    W: Tensor
    H: Tensor
    b: Tensor


@dataclass(frozen=True)
class RegressionMinimum:
    """Everything the theorem says of the minimum for targets of covariance S_Y (n, n).

    Errors: ValueError for a penalty of 0 or less (see ``interpolating``), or an S_Y that is no covariance.
    """

    S_Y: Tensor
    lambda_h: float
    lambda_w: float

    def __post_init__(self) -> None:
        conditions.square(self.S_Y)
        conditions.positive(lambda_h=self.lambda_h, lambda_w=self.lambda_w)

    @property
    def c(self) -> float:
        """lambda_h lambda_w: the variance below which a target direction is left out, and gamma of nrc.3."""
        return self.lambda_h * self.lambda_w

    @property
    def scale(self) -> float:
        """sqrt(lambda_h/lambda_w), which sets how large W is beside H."""
        return math.sqrt(self.lambda_h / self.lambda_w)

    @once
    def targets(self) -> Spectrum:
        """l and U of S_Y; eigenvalues that are rounding are 0."""
        found = spectrum(self.S_Y.to(torch.float64))
        kept = found.values > found.dim * EPS * float(found.values[0])
        return Spectrum(torch.where(kept, found.values, 0.0), found.vectors)

    @property
    def shrunk(self) -> Tensor:
        """a (n,): the singular values of the predictions H W'/sqrt(N), descending."""
        return (self.targets.values.sqrt() - math.sqrt(self.c)).clamp(min=0)

    @property
    def rank(self) -> int:
        """Rank of W and H: how many l_i exceed c."""
        return int((self.shrunk > 0).sum())

    @property
    def loss(self) -> float:
        """L at the minimum: sum of min(l_i, c)/2 + sqrt(c) a_i."""
        return float((self.unexplained / 2 + math.sqrt(self.c) * self.shrunk).sum())

    @property
    def unexplained(self) -> Tensor:
        """min(l_i, c) (n,): the residuals' variance along each target direction."""
        return self.targets.values.clamp(max=self.c)

    @property
    def residual_covariance(self) -> Tensor:
        """Covariance (n, n) of the residuals; c I (white) while c is below every l_i."""
        return _on(self.targets.vectors, self.unexplained)

    @property
    def mse(self) -> float:
        """Mean squared residual over samples and outputs."""
        return float(self.unexplained.mean())

    @property
    def gram(self) -> Tensor:
        """WW' (n, n) = sqrt(lambda_h/lambda_w) U diag(a) U'."""
        return self.scale * _on(self.targets.vectors, self.shrunk)

    @property
    def feature_values(self) -> Tensor:
        """The n largest eigenvalues of S_H: sqrt(lambda_w/lambda_h) a_i; all others are 0."""
        return self.shrunk / self.scale

    @property
    def weight_values(self) -> Tensor:
        """Singular values (n,) of W: (lambda_h/lambda_w)^(1/4) sqrt(a_i)."""
        return (self.scale * self.shrunk).sqrt()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of these numbers must know: directions left out, thresholds, zero eigenvalues."""
        values, c = self.targets.values, self.c
        found = []
        for i, value in enumerate(values.tolist(), 1):
            if value and abs(value / c - 1) < conditions.CLOSE:
                found.append(f"c is at the threshold l_{i} = {value:.3g}: whether the direction is kept is rounding")
        zero = int((values == 0).sum())
        if zero:
            found.append(f"S_Y is singular: {zero} of {values.numel()} target directions do not vary")
        dropped = values.numel() - zero - self.rank
        if dropped:
            found.append(f"c = {c:.3g} leaves out {dropped} target directions: the residuals are not white")
        return tuple(found)

    def at(self, Y: Tensor, d: int, R: Tensor | None = None) -> Factors:
        """The minimiser itself, for targets Y (N, n) of covariance S_Y.

        Args:
            d: width of the features, at least n.
            R: (n, d) with orthonormal rows, which no loss determines; None for the first n unit vectors.
        Errors: ValueError for d < n, an R that is not orthonormal, or targets of another covariance.
        """
        n = self.targets.dim
        conditions.width(d, n, f"as many as the n = {n} targets")
        R = torch.eye(n, d, dtype=torch.float64) if R is None else R
        if R.shape != (n, d) or float((R @ R.mT - torch.eye(n, dtype=R.dtype)).abs().max()) > 1e-9:
            raise ValueError(f"R must be ({n}, {d}) with orthonormal rows, RR' = I.")
        mean = Y.mean(0)
        centred = Y - mean
        size = float(self.S_Y.abs().max())
        if float((centred.mT @ centred / Y.shape[0] - self.S_Y).abs().max()) > 1e-6 * size:
            raise ValueError("These targets do not have the covariance S_Y of the minimum.")
        U, values = self.targets.vectors, self.targets.values
        W = _on(U, self.weight_values) @ R
        inverse_root = torch.where(values > 0, values, math.inf).rsqrt()
        return Factors(W, centred @ _on(U, inverse_root) @ W / self.scale, mean)


def interpolating(Y: Tensor, d: int, seed: int = 0) -> Factors:
    """A minimum without regularisation, drawn at random: loss 0 and no collapse.

    With lambda_h = lambda_w = 0 every W of full row rank and H' = W^+ (Y - b)' + (I - W^+ W) Z is a minimum, whatever
    Z (d, N) and b; entries of W and Z are standard normal, and b = ybar.
    """
    n = Y.shape[1]
    conditions.width(d, n, f"as many as the n = {n} targets")
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(n, d, dtype=torch.float64, generator=generator)
    Z = torch.randn(Y.shape[0], d, dtype=torch.float64, generator=generator)
    inverse, mean = torch.linalg.pinv(W), Y.mean(0)
    return Factors(W, (Y - mean) @ inverse.mT + Z - Z @ (inverse @ W).mT, mean)


def _on(U: Tensor, values: Tensor) -> Tensor:
    """U diag(values) U'."""
    return (U * values) @ U.mT

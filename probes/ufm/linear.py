"""The deep linear regression model: L linear layers on free features, without biases, and its minimum.

    L(W_1 .. W_L, H) = (1/2N) ||H W_1' .. W_L' - Yc||^2 + sum lambda_k/2 ||W_k||^2 + lambda_h/(2N) ||H||^2

for centred targets Yc (N, n) and widths of at least n. Derivation: by von Neumann's trace inequality the singular
vectors of consecutive factors meet, so that each singular value sigma_i = sqrt(l_i) of Yc/sqrt(N) stands alone: with
m = L + 1 factors and G = (lambda_1 .. lambda_L lambda_h)^(1/m) its image z_i minimises
(z - sigma_i)^2/2 + (m/2) G z^(2/m) (``probes.ufm.shrinkage``). With q_i = (z_i^2 lambda_1 .. lambda_L lambda_h)^(1/m)
the singular values of W_k are sqrt(q_i/lambda_k), and of H/sqrt(N) sqrt(q_i/lambda_h). L = 1 is the regression model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from probes.algebra.attributes import once
from probes.subspace import Spectrum

from . import conditions
from .regression import RegressionMinimum
from .shrinkage import shrinkage, threshold


@dataclass(frozen=True)
class LinearMinimum:
    """Everything the closed form says of the minimum for targets of covariance S_Y (n, n).

    Attributes:
        lambda_w: penalties of W_1 (which reads the features) to W_L (whose outputs are the targets).
    Errors: ValueError for no layer, a penalty of 0 or less, or an S_Y that is no covariance.
    """

    S_Y: Tensor
    lambda_h: float
    lambda_w: tuple[float, ...]

    def __post_init__(self) -> None:
        conditions.square(self.S_Y)
        if not self.lambda_w:
            raise ValueError("The model needs at least one layer: give lambda_w a penalty for each.")
        named = {f"lambda_{k}": value for k, value in enumerate(self.lambda_w, 1)}
        conditions.positive(lambda_h=self.lambda_h, **named)

    @property
    def depth(self) -> int:
        """L, the number of linear layers."""
        return len(self.lambda_w)

    @property
    def m(self) -> int:
        """L + 1 factors, the features among them."""
        return self.depth + 1

    @property
    def G(self) -> float:
        """Geometric mean of all penalties."""
        return float(math.prod(self.lambda_w) * self.lambda_h) ** (1 / self.m)

    @once
    def targets(self) -> Spectrum:
        """l and U of S_Y; eigenvalues that are rounding are 0."""
        return RegressionMinimum(self.S_Y, 1.0, 1.0).targets

    @once
    def image(self) -> Tensor:
        """z (n,): the singular values of the predictions over sqrt(N), descending; 0 for directions left out."""
        roots = self.targets.values.sqrt()
        return torch.tensor([s * shrinkage(g, self.m) for s, g in self._regularised(roots)], dtype=torch.float64)

    def _regularised(self, roots: Tensor) -> list[tuple[float, float]]:
        """Each sigma with its g = G sigma^(2/m - 2), infinite where sigma = 0."""
        return [(s, self.G * s ** (2 / self.m - 2) if s else math.inf) for s in roots.tolist()]

    @property
    def share(self) -> Tensor:
        """q (n,): what each factor's penalty costs along a direction, lambda_k times its squared singular value."""
        return (self.image**2 * math.prod(self.lambda_w) * self.lambda_h) ** (1 / self.m)

    @property
    def rank(self) -> int:
        """Rank of every factor."""
        return int((self.image > 0).sum())

    @property
    def loss(self) -> float:
        """L at the minimum: sum of (z - sigma)^2/2 + (m/2) G z^(2/m)."""
        return float((self.unexplained / 2 + self.m / 2 * self.G * self.image ** (2 / self.m)).sum())

    @property
    def unexplained(self) -> Tensor:
        """(sigma_i - z_i)^2 (n,): the residuals' variance along each target direction."""
        return (self.targets.values.sqrt() - self.image) ** 2

    @property
    def mse(self) -> float:
        """Mean squared residual over samples and outputs."""
        return float(self.unexplained.mean())

    def weight_values(self, layer: int) -> Tensor:
        """Singular values (n,) of W_layer, layer from 1 to L: sqrt(q_i/lambda_layer)."""
        return (self.share / self.lambda_w[layer - 1]).sqrt()

    def feature_values(self, layer: int) -> Tensor:
        """The n largest eigenvalues of the covariance of what enters layer 1 .. L: q/lambda_h prod_(k<layer) q/l_k."""
        values = self.share / self.lambda_h
        for penalty in self.lambda_w[: layer - 1]:
            values = values * self.share / penalty
        return values

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of these numbers must know: directions left out, thresholds, zero eigenvalues."""
        edge, found = threshold(self.m), []
        for i, (sigma, g) in enumerate(self._regularised(self.targets.values.sqrt()), 1):
            if sigma == 0:
                found.append(f"S_Y is singular: target direction {i} does not vary")
            elif abs(g / edge - 1) < conditions.CLOSE:
                found.append(f"direction {i} is at its threshold: keeping it and leaving it out cost the same")
            elif g > edge:
                found.append(f"the penalties leave out target direction {i}")
        return tuple(found)

    def at(self, Y: Tensor, widths: tuple[int, ...], seed: int | None = None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """A minimiser (H, (W_1, .., W_L)) for targets Y (N, n), whose mean is taken off.

        Args:
            widths: of the features and of every inner layer's output, d_1 .. d_L, each at least n.
            seed: draws the rotations of the inner spaces, which no loss determines; None for none.
        Errors: ValueError for a width below n, or too few widths.
        """
        n, U = self.targets.dim, self.targets.vectors
        if len(widths) != self.depth:
            raise ValueError(f"{self.depth} layers read features of {self.depth} widths; {len(widths)} were given.")
        for d in widths:
            conditions.width(d, n, f"as many as the n = {n} targets")
        frames = [*(_frame(d, n, None if seed is None else seed + i) for i, d in enumerate(widths)), U]
        values = self.targets.values
        rows = (Y - Y.mean(0)) @ U * torch.where(values > 0, values, math.inf).rsqrt()
        H = rows * self.feature_values(1).sqrt() @ frames[0].mT
        weights = [frames[k] * self.weight_values(k) @ frames[k - 1].mT for k in range(1, self.depth + 1)]
        return H, tuple(weights)


def _frame(d: int, n: int, seed: int | None) -> Tensor:
    """Orthonormal columns (d, n)."""
    if seed is None:
        return torch.eye(d, n, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(d, n, dtype=torch.float64, generator=generator)).Q

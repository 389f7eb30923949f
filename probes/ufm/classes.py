"""Unconstrained-feature models of classifiers: K balanced classes, n samples each (Tirer & Bruna, ICML 2022).

    L = (1/2Kn) ||H W_1' .. W_L' + 1 b' - Y||^2 + sum lambda_k/2 ||W_k||^2 + lambda_h/2 ||H||^2 + lambda_b/2 ||b||^2

with one-hot Y (Kn, K) and free features H (Kn, d), d >= K; note lambda_h without 1/(Kn). Derivation: as for the linear
regression model, with Y/sqrt(Kn) of singular values 1/sqrt(K). In units of these every direction costs
phi(e) = (z - e)^2/2 + (m/2) a z^(2/m), m = L + 1, a = K (n lambda_1 .. lambda_L lambda_h)^(1/m), and L is the sum over
K directions divided by K: e = 1 along the K - 1 differences between classes, and e = 1 - K beta along their sum once
a bias b = beta 1 has taken its part. Without a bias beta = 0 (Theorem 3.1, and 4.1 for L = 2: an orthogonal frame); a
free one takes beta = 1/K (Theorem 3.2: a simplex). For L = 1 the penalised bias minimises
phi(e) + lambda_b/2 (1 - e)^2: e = lambda_b/(1 + lambda_b), which the weights then leave out (z = 0, a simplex), while
lambda_b <= a/(1 - a), and e = 1 - a/lambda_b above, on the way to the orthogonal frame (Theorem 3.3).

With a ReLU between the levels of L = 2 without bias the minimal loss is the same (Theorem 4.2): the deepest features
are an orthogonal frame in the positive orthant, and what enters the level below is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from . import conditions
from .shrinkage import shrinkage, threshold


@dataclass(frozen=True)
class ClassMinimum:
    """Everything the theorems say of the minimum.

    Attributes:
        K, n: classes, and samples of each.
        lambda_w: penalties of W_1 (which reads the features) to W_L (whose outputs are the classes).
        bias: None for no bias, 0 for a free one, else lambda_b (one level only).
        relu: whether a ReLU stands between two levels (no bias).
    Errors: ValueError for fewer than two classes, a penalty of 0 or less on a factor, or a model without a theorem.
    """

    K: int
    n: int
    lambda_h: float
    lambda_w: tuple[float, ...]
    bias: float | None = None
    relu: bool = False

    def __post_init__(self) -> None:
        if self.K < 2 or self.n < 1:
            raise ValueError(
                f"The model has at least two classes of at least one sample, not K = {self.K}, n = {self.n}."
            )
        if not self.lambda_w:
            raise ValueError("The model needs at least one layer: give lambda_w a penalty for each.")
        named = {f"lambda_{k}": value for k, value in enumerate(self.lambda_w, 1)}
        conditions.positive(lambda_h=self.lambda_h, **named)
        if self.bias is not None:
            conditions.penalties(lambda_b=self.bias)
            if self.bias and len(self.lambda_w) > 1:
                raise ValueError("A penalised bias has a closed form for one level only: give bias=None or 0.")
        if self.relu and (len(self.lambda_w) != 2 or self.bias is not None):
            raise ValueError("The theorem with a ReLU is for two levels without a bias.")

    @property
    def m(self) -> int:
        """L + 1 factors, the features among them."""
        return len(self.lambda_w) + 1

    @property
    def a(self) -> float:
        """The regularisation of a direction, K (n lambda_1 .. lambda_L lambda_h)^(1/m); the paper's c for one level."""
        return self.K * float(self.n * math.prod(self.lambda_w) * self.lambda_h) ** (1 / self.m)

    @property
    def s(self) -> float:
        """What remains of the K - 1 differences between classes, in [0, 1]; 0 where the zero solution wins."""
        return shrinkage(self.a, self.m)

    @property
    def e(self) -> float:
        """What the bias leaves to the weights of the classes' sum, in [0, 1]."""
        if self.bias is None:
            return 1.0
        if self.simplex:
            return self.bias / (1 + self.bias)
        return 1 - self.a / self.bias

    @property
    def simplex(self) -> bool:
        """Whether the class means form a simplex (their sum is left out), not an orthogonal or a squeezed frame."""
        if self.bias is None:
            return False
        return self.bias <= (self.a / (1 - self.a) if self.a < 1 else math.inf)

    @property
    def image(self) -> Tensor:
        """z (K,): W_L .. W_1 M has eigenvalue z_1 = .. = z_(K-1) = s across classes and z_K along their sum."""
        along = self.e * shrinkage(self.a * self.e ** (2 / self.m - 2), self.m) if self.e else 0.0
        return torch.tensor([self.s] * (self.K - 1) + [along], dtype=torch.float64)

    @property
    def b(self) -> float:
        """The bias of every output: (1 - e)/K."""
        return (1 - self.e) / self.K

    @property
    def loss(self) -> float:
        """L at the minimum."""
        wanted = torch.tensor([1.0] * (self.K - 1) + [self.e], dtype=torch.float64)
        z, m = self.image, self.m
        cost = (z - wanted) ** 2 / 2 + m / 2 * self.a * z ** (2 / m)
        return (float(cost.sum()) + (self.bias or 0.0) * (1 - self.e) ** 2 / 2) / self.K

    @property
    def share(self) -> Tensor:
        """q (K,): lambda_k times the squared singular value of every factor along each direction."""
        return (self.n * self.image**2 * math.prod(self.lambda_w) * self.lambda_h) ** (1 / self.m)

    def weight_values(self, level: int) -> Tensor:
        """Singular values (K,) of W_level, level from 1 to L; with a ReLU only level 2 is known."""
        self._known(level)
        return (self.share / self.lambda_w[level - 1]).sqrt()

    def mean_values(self, level: int) -> Tensor:
        """Eigenvalues (K,) of M'M, M the class means of what enters level 1 .. L: rho for one level without bias."""
        self._known(level)
        values = self.share / (self.lambda_h * self.n)
        for penalty in self.lambda_w[: level - 1]:
            values = values * self.share / penalty
        return values

    def frame_error(self, level: int) -> float:
        """|| M'M/||M'M||_F - I/sqrt(K) ||_F: 0 for an orthogonal frame."""
        values = self.mean_values(level)
        if not bool((values > 0).any()):
            raise ValueError("The class means are 0 at this minimum: they have no frame.")
        return float((values / values.norm() - self.K**-0.5).norm())

    def _known(self, level: int) -> None:
        if self.relu and level == 1:
            raise ValueError("With a ReLU the theorem says nothing of what enters the lower level: ask for level 2.")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of these numbers must know."""
        edge = threshold(self.m)
        if abs(self.a / edge - 1) < conditions.CLOSE:
            return (f"a is at its threshold {edge:.4g}: this minimum and the zero solution cost the same",)
        if self.a > edge:
            return (f"a = {self.a:.3g} is above its threshold {edge:.4g}: every factor is 0",)
        return ()

    def at(self, d: int) -> tuple[Tensor, tuple[Tensor, ...], Tensor]:
        """A minimiser (H (Kn, d), weights, b (K,)), samples of a class side by side, every inner width d.

        Errors: ValueError for d < K.
        """
        conditions.width(d, self.K, f"as many as the K = {self.K} classes")
        if self.relu:  # the deepest features are s' I, which is in the positive orthant, and reach the ReLU unchanged
            return ClassMinimum(self.K, self.n, self.lambda_h, self.lambda_w).at(d)
        U = _sum_last(self.K)
        frame = torch.zeros(d, self.K, dtype=torch.float64)
        frame[: self.K] = U
        q = self.share
        means = U * (q / (self.lambda_h * self.n)).sqrt() @ frame.mT
        frames = [frame] * len(self.lambda_w) + [U]
        weights = tuple(frames[k] * self.weight_values(k) @ frames[k - 1].mT for k in range(1, len(self.lambda_w) + 1))
        return means.repeat_interleave(self.n, 0), weights, torch.full((self.K,), self.b, dtype=torch.float64)


def _sum_last(K: int) -> Tensor:
    """An orthonormal basis (K, K) of the classes' space whose last vector is 1/sqrt(K)."""
    rows = torch.eye(K, dtype=torch.float64)
    rows[0] = K**-0.5
    return torch.linalg.qr(rows.mT).Q.roll(-1, 1)

"""Further measures of a classifier's features: the geometry of class means, and what spreads about them.

Notation as in ``probes.classifier``; v_k = mean ||h - mu_k||^2 over the samples of class k.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from probes.algebra.factored import Covariance
from probes.outcome import OK, DegenerateError, NotDefinedError, Outcome
from probes.streaming.classes import Classes
from probes.subspace import Spectrum

from .classifier import appearing, outputs

CHUNK = 256
NEAR = 1e-2  # of two points' squares, below which their distance is not read from products


def cdnv(between: Spectrum, pair_noise: float) -> float:
    """Class-distance normalised variance, mean over pairs of (v_i + v_j)/(2 ||mu_i - mu_j||^2), >= 0; 0 when collapsed.
    Galanti, Gyorgy & Hutter 2022. ``between`` is read so that class means that coincide are refused."""
    return pair_noise


def cdnv_doubled(between: Spectrum, pair_noise: float) -> float:
    """The same without the 2, >= 0; 0 when collapsed."""
    return 2 * pair_noise


def pair_noise(classes: Classes) -> float:
    """Mean over pairs of classes of (v_i + v_j)/(2 ||mu_i - mu_j||^2)."""
    spread, total = classes.spread[classes.present], 0.0
    for i, j, apart in _pairs(_centred(classes)):
        if not float(apart.min()) > 0:
            raise DegenerateError("two classes have the same mean")
        total += float(apart.reciprocal_().mul_(spread[i] + spread[j]).sum())
    K = len(spread)
    return total / (K * (K - 1))


def equinorm(classes: Classes, between: Spectrum) -> Outcome:
    """Mean over pairs i < j of |log(||m_i|| / ||m_j||)|, m the centred class means, >= 0; 0 when all are as long.

    Free of scale. After Wu & Papyan 2024, whose code keeps mean and variance over classes of log ||m_k||^2 instead; the
    mean over pairs is not confirmed there. The standard deviation of the norms over their mean is another number again,
    to first order sqrt(pi)/2 of this one for many classes with normal norms."""
    logs = _sizes(_centred(classes)).log().sort().values
    K = len(logs)
    # of sorted values the i-th is the larger one of i pairs and the smaller one of the others
    larger = torch.arange(K, dtype=logs.dtype, device=logs.device)
    return Outcome(float(((2 * larger - K + 1) * (logs - logs[0])).sum()) / (K * (K - 1) / 2))


def hyperspherical_uniformity(classes: Classes, between: Spectrum) -> Outcome:
    """GNC2, standard deviation (over pairs i < j, divided by their number) of log(1/||u_i - u_j||) over the absolute
    mean of the same, u the centred class means over their lengths, >= 0; 0 when all are as far apart. The distance is
    not squared, which would change nothing. Wu & Papyan 2024: distances, logarithm, mean and variance over pairs are
    those of the authors' code; that one is taken over the other is not confirmed there."""
    m = _centred(classes)
    units = m / _sizes(m)[:, None]
    found = Running()
    for _, _, apart in _pairs(units):
        if not float(apart.min()) > 0:
            raise DegenerateError("two centred class means point the same way")
        found.take(-apart.log() / 2)
    return found.variation("log-distances")


def uniform_duality(classes: Classes, between: Spectrum, W: Tensor) -> Outcome:
    """UNC3, standard deviation (over the K classes, divided by K) of cos(w_k, mu_k - mu_G) over the absolute mean of
    the same, >= 0; 0 when every row of the weight W (K, d) stands at the same angle to its class. Wu & Papyan 2024:
    cosines, and their mean and variance over classes, are those of the authors' code; their quotient is not confirmed
    there."""
    m, rows = _centred(classes), outputs(W, classes)
    sizes = rows.norm(dim=1)
    if not float(sizes.min()) > 0:
        raise DegenerateError("a row of the weight is zero")
    found = Running()
    found.take((rows * m).sum(1) / sizes / _sizes(m))
    return found.variation("cosines")


def total_variation(classes: Classes, within: Covariance) -> Outcome:
    """Tr S_W, >= 0, in squared feature units; 0 when collapsed. Zangrando et al. 2024."""
    return Outcome(float(within.trace()))


def sigma_ratio(classes: Classes, weight: Spectrum) -> Outcome:
    """sigma_(K+1)/sigma_1 of the weight, in [0, 1]; 0 when collapsed. What it leaves bounds the total variation, up to
    the penalty, which a probe does not know. Zangrando et al. 2024."""
    K = appearing(classes)
    if weight.values.numel() <= K:
        raise NotDefinedError(f"the weight has {weight.values.numel()} singular values, and K + 1 = {K + 1} are needed")
    return Outcome(float(weight.values[K] / weight.values[0]))


def _pairs(points: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The pairs i < j of points (K, d) and their squared distances: those among some hundreds of points, (P,) each, and
    those of these with all that follow, (p, 1), (1, q) and (p, q)."""
    places = torch.arange(len(points), device=points.device)
    for here in places.split(CHUNK):
        rows, behind = points[here], places[int(here[-1]) + 1 :]
        i, j = torch.triu_indices(len(here), len(here), 1, device=points.device)
        if len(i):
            yield here[i], here[j], _distances(rows, rows)[i, j]
        if len(behind):
            yield here[:, None], behind[None], _distances(rows, points[behind[0] :])


def _distances(A: Tensor, B: Tensor) -> Tensor:
    """Squared distances (p, q) of points A (p, d) to points B (q, d).

    Products find them; where they could have lost digits, for near points, differences do.
    """
    squares = (A**2).sum(1)[:, None] + (B**2).sum(1)
    apart = torch.addmm(squares, A, B.mT, alpha=-2)
    for near in (apart < squares.mul_(NEAR)).nonzero().split(16 * CHUNK):
        i, j = near.mT
        apart[i, j] = ((A[i] - B[j]) ** 2).sum(1)
    return apart


def _centred(classes: Classes) -> Tensor:
    means = classes.means[classes.present]
    return means - means.mean(0)


def _sizes(rows: Tensor) -> Tensor:
    sizes = rows.norm(dim=1)
    if not float(sizes.min()) > 0:
        raise DegenerateError("a class mean is the mean of all")
    return sizes


@dataclass
class Running:
    """Count, mean and sum of squares about the mean of values that come in parts (Chan, Golub & LeVeque 1983)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def take(self, values: Tensor) -> None:
        """Take in values (P,), P at least 1."""
        N, mean = values.numel(), float(values.mean())
        total, delta = self.count + N, mean - self.mean
        self.squares += float(((values - mean) ** 2).sum()) + delta**2 * self.count * N / total
        self.mean += delta * N / total
        self.count = total

    def variation(self, what: str) -> Outcome:
        """Their standard deviation over their absolute mean."""
        if self.count < 2:
            raise NotDefinedError(f"one value varies in no way: there are too few classes for {what}")
        if not abs(self.mean) > 0:
            raise DegenerateError(f"the mean of the {what} is 0")
        return Outcome((self.squares / self.count) ** 0.5 / abs(self.mean), OK)

"""Other readings of the same quantities, as publications and released code take them.

Notation as in ``probes.measures.deep`` and ``probes.measures.top``; each stands in the table as a variant.
"""

from __future__ import annotations

import math

from torch import Tensor

from probes.algebra.factored import Covariance, block, part, scaled, with_rows
from probes.outcome import DegenerateError, NotDefinedError, Outcome
from probes.streaming.moments import Moments
from probes.subspace import EPS, LinearFit, Spectrum, spectrum, trace_outside

from .top import fixed_gamma


def first_columns_cka(features: Spectrum, covariance: Covariance, cross: Tensor, targets: Spectrum, n: int) -> Outcome:
    """CKA of the features' first n columns, in the order of the units, in [0, 1]; it is not free of rotation.

    ``features`` is read so that a constant layer is refused.
    """
    if n > features.dim:
        raise NotDefinedError(f"n = {n} target dimensions exceed the width d = {features.dim}")
    own = block(covariance, slice(n), slice(n))
    if not float(own.trace()) > 0:
        raise DegenerateError(f"the first {n} features do not vary")
    size = math.sqrt(float(own.trace()) * targets.total)
    first = float((cross[:n] / size).norm() ** 2)
    return Outcome(first * float(own.trace()) * targets.total / float(own.norm() * targets.values.norm()))


def linear_mse_without_intercept(
    linear_fit: LinearFit, features: Spectrum, covariance: Covariance, moments: Moments
) -> Outcome:
    """Mean squared error of the least-squares LINEAR map from H to Y, without intercept, >= 0, in squared target units;
    at least that of the affine map.

    With A the affine map, m and t the means of features and targets, the error grows by
    ||t - A m||^2 / (1 + m' S_H^-1 m) (Sherman & Morrison), which keeps the digits that E[h h'] would lose. A unit that
    is constant and not 0 serves as the intercept. ``features`` is read so that a constant layer is refused.
    """
    d, N = features.dim, moments.count
    if linear_fit.used >= N - 1:
        raise DegenerateError(f"{linear_fit.used} directions of N = {N} samples fit any targets exactly")
    mean, target = moments.mean[:d], moments.mean[d:]
    offset = target - linear_fit.coefficients.mT @ mean
    growth = float(offset @ offset) / (1 + _leverage(covariance, mean)) / target.numel()
    return Outcome(linear_fit.mse + growth)


def _leverage(covariance: Covariance, mean: Tensor) -> float:
    """m' S_H^-1 m, infinite where m leaves the range of S_H; of units brought to one variance, as theirs may differ."""
    spread = covariance.diagonal().clamp(min=0).sqrt()
    varies = spread > 8 * EPS * mean.abs()
    if bool((mean[~varies] != 0).any()):
        return math.inf
    one = mean[varies] / spread[varies]
    found = spectrum(scaled(part(covariance, varies), 1 / spread[varies]))
    moving = found.values > found.dim * EPS * found.values[0]
    V = found.vectors[:, moving]
    along = V.mT @ one
    outside = one - V @ along
    # LayerNorm leaves a direction that is constant, and after training a little off 0: an offset of 1e-10 is one
    if float(outside @ outside) > (64 * found.dim * EPS) ** 2 * float(one @ one):
        return math.inf
    return float((along**2 / found.values[moving]).sum())


def unnormalised_nrc1(features: Spectrum, covariance: Covariance, moments: Moments, n: int) -> Outcome:
    """nrc.1 of the rows as they are, E||h - P h||^2 / E||h||^2, in [0, 1]; 0 when collapsed. Long rows weigh more."""
    if n > features.dim:
        raise NotDefinedError(f"n = {n} target dimensions exceed the width d = {features.dim}")
    mean = moments.mean[: features.dim]
    second = with_rows(covariance, mean[None])
    return Outcome(trace_outside(second, features.leading(n)) / float(second.trace()))


def unnormalised_gamma(gram: Covariance, targets: Spectrum, target_rank: int) -> Outcome:
    """nrc.3 at gamma = ((Tr S_Y^(1/2) - Tr WW')/n)^2, the optimum of ||WW' - S_Y^(1/2) + sqrt(gamma) I||, in [0, 4].

    It exists only where the difference is positive.
    """
    roots = targets.values[:target_rank].clamp(min=0).sqrt()
    root = float(roots.sum() - gram.trace()) / targets.dim
    if root <= 0:
        raise NotDefinedError("Tr WW' exceeds Tr S_Y^(1/2), and the un-normalised optimum has no positive gamma")
    found = fixed_gamma(root**2)(gram, targets, target_rank)
    return Outcome(found.value, found.status, f"gamma = {root**2:.3g}")

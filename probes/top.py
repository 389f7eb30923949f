"""The top-layer measures NRC1-3 of regression collapse (Andriopoulos et al., NeurIPS 2024, arXiv 2409.04180).

Notation: u = h/||h|| the direction of a row of H (N, d), E = E[u u'] (d, d); W (n, d) the last weight; S_Y = U diag(l) U'
the target covariance; l_min its smallest eigenvalue (smallest positive one, for targets of low rank).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .directions import Directions
from .outcome import BELOW_FLOOR, OK, DegenerateError, NotDefinedError, Outcome
from .subspace import EPS, Spectrum, row_space


def nrc1(features: Spectrum, directions: Directions, n: int, unit_roundoff: float) -> Outcome:
    """Mean squared part of the feature directions outside their top-n principal components, in [0, 1]; 0 when collapsed.

    mean_i ||u_i - P u_i||^2 with P the projection on the top n components of the centred features.
    """
    if n > features.dim:
        raise NotDefinedError(f"n = {n} target dimensions exceed the width d = {features.dim}")
    return _outside(features.leading(n), directions, unit_roundoff)


def nrc2(weight: Spectrum, directions: Directions, unit_roundoff: float) -> Outcome:
    """Mean squared part of the feature directions outside the row space of W, in [0, 1]; 0 when collapsed.

    mean_i ||u_i - Q u_i||^2 with Q the projection on a rank-revealing basis of W's rows, relative tolerance 1e-10.
    """
    return _outside(row_space(weight), directions, unit_roundoff)


def nrc1_centred(features: Spectrum, centred_directions: Directions, n: int, unit_roundoff: float) -> Outcome:
    """nrc.1 with each row centred before it is normalised, in [0, 1]; 0 when collapsed. Needs a second pass."""
    return nrc1(features, centred_directions, n, unit_roundoff)


def nrc2_centred(weight: Spectrum, centred_directions: Directions, unit_roundoff: float) -> Outcome:
    """nrc.2 with each row centred before it is normalised, in [0, 1]; 0 when collapsed. Needs a second pass."""
    return nrc2(weight, centred_directions, unit_roundoff)


def direction_floor(features: Spectrum, unit_roundoff: float) -> float:
    """What rounding could leave of nrc.1 and nrc.2: u^2 of the features' dtype and sqrt(d) eps of float64."""
    return unit_roundoff**2 + math.sqrt(features.dim) * EPS


@dataclass(frozen=True)
class GramFit:
    """The gamma in (0, l_min) that brings WW' nearest to S_Y^(1/2) - sqrt(gamma) I, and how near."""

    distance: float
    ratio: float
    note: str


def fit_gamma(gram: Tensor, targets: Spectrum, rank: int) -> GramFit:
    """Closed-form minimiser of nrc.3 over gamma.

    With B = WW' restricted to the range of S_Y, R = S_Y^(1/2), x = <B, R>, b = Tr B, p = ||R||_F^2, q = Tr R and r the
    rank, the derivative of <B, R - s I>/||R - s I|| vanishes at s* = (x q - b p)/(r x - b q); clipped to
    [0, sqrt(l_min)], both ends compared.

    Args:
        gram: WW' (n, n).
        targets: eigenvalues and eigenvectors of S_Y.
        rank: r, how many eigenvalues of S_Y are not rounding; the others enter as the positive part, 0.
    """
    roots = targets.values[:rank].clamp(min=0).sqrt()
    rotated = targets.vectors.mT @ gram @ targets.vectors
    on_range = rotated.diagonal()[:rank]
    x, b, p, q = ((on_range * roots).sum(), on_range.sum(), (roots**2).sum(), roots.sum())
    edge = float(roots[-1])
    denominator = float(rank * x - b * q)
    inside = float(x * q - b * p) / denominator if denominator else 0.0

    def distance(s: float) -> float:
        wanted = torch.zeros_like(rotated)
        wanted.diagonal()[:rank] = roots - s
        size = wanted.norm()
        return math.inf if size == 0 else float((rotated / rotated.norm() - wanted / size).norm() ** 2)

    best = min((0.0, edge, min(max(inside, 0.0), edge)), key=distance)
    note = "gamma is at the upper end, l_min" if best == edge else "gamma is at the lower end, 0" if best == 0 else ""
    low = "" if rank == targets.dim else f"targets of rank {rank} < n: positive part of S_Y^(1/2) - sqrt(gamma) I"
    return GramFit(distance(best), (best / edge) ** 2, "; ".join(filter(None, (note, low))))


def nrc3(gram: Tensor, targets: Spectrum, target_rank: int) -> Outcome:
    """Squared distance between WW'/||WW'||_F and A/||A||_F with A = S_Y^(1/2) - sqrt(gamma) I, in [0, 4]; 0 when
    collapsed. gamma in (0, l_min) is the one that fits best."""
    fit = _fit(gram, targets, target_rank)
    return Outcome(fit.distance, OK, fit.note)


def gamma_ratio(gram: Tensor, targets: Spectrum, target_rank: int) -> Outcome:
    """The fitted gamma over l_min, in [0, 1]; the note says where it hit an end."""
    if target_rank == 1:
        raise NotDefinedError("the targets have rank 1, and gamma drops out")
    fit = _fit(gram, targets, target_rank)
    return Outcome(fit.ratio, OK, fit.note)


def explained_variance(index: int) -> Callable[[Spectrum], float]:
    """Make the measure l_index / sum l of the last layer's features, in [0, 1]; after the n-th, 0 when collapsed."""

    def ratio(features: Spectrum) -> float:
        if index > features.dim:
            raise NotDefinedError(f"the features have only {features.dim} dimensions")
        return max(0.0, float(features.values[index - 1])) / features.total

    return ratio


def _outside(basis: Tensor, directions: Directions, unit_roundoff: float) -> Outcome:
    if directions.count == 0:
        raise NotDefinedError("every row has zero norm, so none has a direction")
    second = directions.second
    inside = basis @ (basis.mT @ second)
    rest = second - inside
    rest = rest - (rest @ basis) @ basis.mT
    value = max(0.0, float(rest.trace()))
    note = f"{directions.dropped} rows of zero norm left out" if directions.dropped else ""
    floor = unit_roundoff**2 + math.sqrt(second.shape[0]) * EPS
    return Outcome(value, OK if value > floor else BELOW_FLOOR, note)


def _fit(gram: Tensor, targets: Spectrum, rank: int) -> GramFit:
    n = targets.dim
    if gram.shape[0] != n:
        raise NotDefinedError(f"the layer has {gram.shape[0]} outputs and the targets {n}")
    if n == 1:
        raise NotDefinedError("identically 0 for a single target")
    if rank == 0:
        raise NotDefinedError("the targets do not vary")
    if not gram.norm() > 0:
        raise DegenerateError("the weight is zero")
    return fit_gamma(gram, targets, rank)

"""The top-layer measures NRC1-3 of regression collapse (Andriopoulos et al., NeurIPS 2024, arXiv 2409.04180).

Notation: u = h/||h|| the direction of a row of H (N, d), E = E[u u'] (d, d); W (n, d) the last weight; S_Y the
target covariance; l_min its smallest eigenvalue (smallest positive one, for targets of low rank).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from probes.algebra.factored import Covariance, Factored
from probes.algebra.onehot import turned
from probes.outcome import DEGENERATE, OK, DegenerateError, NotDefinedError, Outcome
from probes.streaming.directions import Directions
from probes.subspace import EPS, Spectrum, trace_outside


def nrc1(features: Spectrum, directions: Directions, n: int) -> Outcome:
    """Mean squared part of the feature directions outside their top n components, in [0, 1]; 0 when collapsed.

    mean_i ||u_i - P u_i||^2 with P the projection on the top n components of the centred features.
    """
    if n > features.dim:
        raise NotDefinedError(f"n = {n} target dimensions exceed the width d = {features.dim}")
    return _outside(features.leading(n), directions)


def nrc1_uncentred(uncentred: Spectrum, directions: Directions, n: int) -> Outcome:
    """nrc.1 with P on the top n eigenvectors of E[h h'] instead of the covariance, in [0, 1]; 0 when collapsed."""
    return nrc1(uncentred, directions, n)


def nrc2(features: Spectrum, row_space: Tensor, directions: Directions) -> Outcome:
    """Mean squared part of the feature directions outside the row space of W, in [0, 1]; 0 when collapsed.

    mean_i ||u_i - Q u_i||^2 with Q the projection on ``row_space``, a rank-revealing basis (d, r) of W's rows, relative
    tolerance 1e-10. ``features`` is read so that a constant layer, which has one direction only, is refused.
    """
    if features.dim != len(row_space):
        raise NotDefinedError(f"the weight reads {len(row_space)} features, and there are {features.dim}")
    return _outside(row_space, directions)


def nrc1_centred(features: Spectrum, centred_directions: Directions, n: int) -> Outcome:
    """nrc.1 with each row centred before it is normalised, in [0, 1]; 0 when collapsed. Needs a second pass."""
    return nrc1(features, centred_directions, n)


def nrc2_centred(features: Spectrum, row_space: Tensor, centred_directions: Directions) -> Outcome:
    """nrc.2 with each row centred before it is normalised, in [0, 1]; 0 when collapsed. Needs a second pass."""
    return nrc2(features, row_space, centred_directions)


def direction_floor(d: int, unit_roundoff: float) -> float:
    """What rounding could leave of nrc.1 and nrc.2: u^2 of the features' dtype and sqrt(d) eps of float64."""
    return unit_roundoff**2 + math.sqrt(d) * EPS


def centred_direction_floor(features: Spectrum, mean_square: float, d: int, unit_roundoff: float) -> float:
    """The same for centred rows, which are smaller than what was rounded: (2u)^2 E||h||^2 / Tr(S_H)."""
    return (2 * unit_roundoff) ** 2 * mean_square / features.total + math.sqrt(d) * EPS


ISOTROPIC = 1e-6  # relative; roots of eigenvalues of S_Y no further apart may differ by the targets' rounding alone
DROPS_OUT = "S_Y is isotropic on its range, and gamma drops out"


@dataclass(frozen=True)
class GramFit:
    """The gamma in (0, l_min) that brings WW' nearest to S_Y^(1/2) - sqrt(gamma) I, and how near."""

    distance: float
    ratio: float
    note: str


def gram_distance(gram: Covariance, targets: Spectrum, rank: int, gamma: float) -> float:
    """|| WW'/||WW'||_F - A/||A||_F ||_F^2 with A = (S_Y^(1/2) - sqrt(gamma) I)_+, in [0, 4]; infinite where A = 0.

    Args:
        gram: WW' (n, n).
        targets: eigenvalues and eigenvectors of S_Y.
        rank: how many eigenvalues of S_Y are not rounding; the others enter as 0.
        gamma: >= 0.
    """
    return _distance(Rotated.of(gram, targets), targets, rank, gamma)


@dataclass(frozen=True)
class Rotated:
    """WW' in the eigenbasis of S_Y.

    Attributes:
        diagonal: (n,), v'WW'v of each direction v of the targets.
        size: its Frobenius norm.
        whole: (n, n); None where WW' is of lower rank than n, and so far from what it is held against.
    """

    diagonal: Tensor
    size: Tensor
    whole: Tensor | None

    @classmethod
    def of(cls, gram: Covariance, targets: Spectrum) -> Rotated:
        """Of WW' (n, n) and the targets' directions."""
        if isinstance(gram, Factored):
            along = turned(gram.X, targets.basis, targets.dim)
            return cls((along**2).sum(0), (gram.X @ gram.X.mT).norm(), None)
        whole = targets.vectors.mT @ gram @ targets.vectors
        return cls(whole.diagonal(), whole.norm(), whole)


def _distance(rotated: Rotated, targets: Spectrum, rank: int, gamma: float) -> float:
    wanted = torch.zeros_like(targets.values)
    wanted[:rank] = (targets.values[:rank].clamp(min=0).sqrt() - math.sqrt(gamma)).clamp(min=0)
    size = wanted.norm()
    if size == 0:
        return math.inf
    if rotated.whole is not None:
        return float((rotated.whole / rotated.size - torch.diag(wanted) / size).norm() ** 2)
    outside = 1 - float((rotated.diagonal**2).sum() / rotated.size**2)
    return max(0.0, outside) + float((rotated.diagonal / rotated.size - wanted / size).norm() ** 2)


def fit_gamma(gram: Covariance, targets: Spectrum, rank: int) -> GramFit:
    """Closed-form minimiser of nrc.3 over gamma in [0, l_min].

    With B = WW' restricted to the range of S_Y, R = S_Y^(1/2), x = <B, R>, b = Tr B, p = ||R||_F^2, q = Tr R and r the
    rank, the derivative of <B, R - s I>/||R - s I|| vanishes at s* = (x q - b p)/(r x - b q); clipped to
    [0, sqrt(l_min)], both ends compared. Where R is a multiple of I, every gamma gives the same, and R - sqrt(l_min) I
    would be its rounding: gamma is 0 there. Arguments as in ``gram_distance``.
    """
    roots, rotated = targets.values[:rank].clamp(min=0).sqrt(), Rotated.of(gram, targets)
    if rank > 1 and float(roots[0] - roots[-1]) <= ISOTROPIC * float(roots[0]):
        return GramFit(_distance(rotated, targets, rank, 0.0), 0.0, f"{DROPS_OUT}, taken as 0")
    on_range = rotated.diagonal[:rank]
    x, b, p, q = (float(v) for v in ((on_range * roots).sum(), on_range.sum(), (roots**2).sum(), roots.sum()))
    edge = float(roots[-1])
    denominator = rank * x - b * q
    inside = (x * q - b * p) / denominator if denominator else 0.0
    candidates = (0.0, edge, min(max(inside, 0.0), edge))
    best = min(candidates, key=lambda s: _distance(rotated, targets, rank, s * s))
    ends = {edge: "gamma is at the upper end, l_min", 0.0: "gamma is at the lower end, 0"} if rank > 1 else {}
    low = "" if rank == targets.dim else f"targets of rank {rank} < n: positive part of S_Y^(1/2) - sqrt(gamma) I"
    note = "; ".join(filter(None, (ends.get(best, ""), low)))
    return GramFit(_distance(rotated, targets, rank, best * best), (best / edge) ** 2, note)


def fixed_gamma(gamma: float) -> Callable[[Covariance, Spectrum, int], Outcome]:
    """Make the measure nrc.3 at a known gamma, in [0, 4]; 0 when collapsed onto S_Y^(1/2) - sqrt(gamma) I itself.

    Unlike nrc.3, which takes the gamma that fits best, it is 0 only where gamma is right, such as lambda_h lambda_w of
    an unconstrained-feature model. Eigenvalues of S_Y below gamma enter as 0.

        deepnrc.probe(model, loader, probes=[Probe("mine.nrc3", top.fixed_gamma(lambda_h * lambda_w), "NRC3 at gamma")])

    Errors: ValueError for a negative gamma.
    """
    if not gamma >= 0:
        raise ValueError(f"gamma must be at least 0; it is {gamma!r}.")

    def distance(gram: Covariance, targets: Spectrum, target_rank: int) -> Outcome:
        """nrc.3 at that gamma, in [0, 4]."""
        _check_gram(gram, targets, target_rank)
        found = gram_distance(gram, targets, target_rank, gamma)
        if math.isinf(found):
            raise DegenerateError(f"gamma = {gamma:g} exceeds every eigenvalue of S_Y: nothing is left to compare with")
        return Outcome(found)

    return distance


def nrc3(gram: Covariance, targets: Spectrum, target_rank: int) -> Outcome:
    """Squared distance between WW'/||WW'||_F and A/||A||_F with A = S_Y^(1/2) - sqrt(gamma) I, in [0, 4]; 0 when
    collapsed. gamma in (0, l_min) is the one that fits best."""
    fit = _fit(gram, targets, target_rank)
    return Outcome(fit.distance, OK, fit.note)


def gamma_ratio(gram: Covariance, targets: Spectrum, target_rank: int) -> Outcome:
    """The fitted gamma over l_min, in [0, 1]; the note says where it hit an end."""
    if target_rank == 1:
        raise NotDefinedError("the targets have rank 1, and gamma drops out")
    fit = _fit(gram, targets, target_rank)
    if float(targets.values[0]) < 1.001 * float(targets.values[target_rank - 1]):
        return Outcome(fit.ratio, DEGENERATE, DROPS_OUT)
    return Outcome(fit.ratio, OK, fit.note)


def explained_variance(index: int) -> Callable[[Spectrum], float]:
    """Make the measure l_index / sum l of the last layer's features, in [0, 1]; after the n-th, 0 when collapsed."""

    def ratio(features: Spectrum) -> float:
        if index > features.dim:
            raise NotDefinedError(f"the features have only {features.dim} dimensions")
        there = index <= features.values.numel()  # of few samples only as many values are known not to be 0
        return max(0.0, float(features.values[index - 1])) / features.total if there else 0.0

    return ratio


def _outside(basis: Tensor, directions: Directions) -> Outcome:
    if directions.count == 0:
        raise NotDefinedError("every row has zero norm, so none has a direction")
    whole = basis.shape[0] == basis.shape[1]
    value = 0.0 if whole else trace_outside(directions.joint, basis)
    note = f"{directions.dropped} rows of zero norm left out" if directions.dropped else ""
    return Outcome(value, OK, note)


def _fit(gram: Covariance, targets: Spectrum, rank: int) -> GramFit:
    _check_gram(gram, targets, rank)
    return fit_gamma(gram, targets, rank)


def _check_gram(gram: Covariance, targets: Spectrum, rank: int) -> None:
    if targets.dim == 1:
        raise NotDefinedError("identically 0 for a single target")
    if rank == 0:
        raise NotDefinedError("the targets do not vary")
    if not gram.trace() > 0:
        raise DegenerateError("the weight is zero")

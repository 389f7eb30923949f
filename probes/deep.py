"""The deep measures: what each layer's features and weight say of collapse (Rangamani & Unal, arXiv 2603.23805).

Notation: H (N, d) features entering a layer, Y (N, n) targets, W (m, d) the layer's weight, k the signal rank;
S_H, S_Y, S_HY centred covariances divided by N; V (d, k) the leading eigenvectors of S_H. Functions take finished
spectra (``probes.subspace.Spectrum``) and return a number or an ``Outcome``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from .outcome import BELOW_FLOOR, DEGENERATE, OK, DegenerateError, NotDefinedError, Outcome
from .subspace import EPS, LinearFit, Spectrum, chance_cosine, principal_cosines, principal_sines, trace_outside

EXACT = 1e-10  # share of variance behind k below which targets count as being of exact rank k
CLOSE = 1.001  # neighbouring values whose ratio is below this leave the subspace between them undetermined


def noise(S_H: Tensor, features: Spectrum, k: int) -> Outcome:
    """Noise component Tr(S_H) - Tr(V'S_H V), >= 0, in squared feature units; 0 when collapsed. Poster, absolute form.

    Reads 1e-12 of the trace to three digits at d = 512.
    """
    _fits(k, features.dim)
    note = f"trivially 0: k = {k} is the whole space" if k == features.dim else ""
    return Outcome(trace_outside(S_H, features.leading(k)), OK, note)


def noise_fraction(S_H: Tensor, features: Spectrum, k: int) -> Outcome:
    """Noise fraction 1 - Tr(V'S_H V)/Tr(S_H), in [0, 1]; 0 when collapsed. The paper's NRC1."""
    found = noise(S_H, features, k)
    return Outcome(found.value / _trace(features), OK, found.note)


def noise_floor(features: Spectrum, mean_square: float, unit_roundoff: float) -> float:
    """The noise that rounding could have made: u^2 E||h||^2 from storing the features with unit roundoff u, and
    sqrt(d) eps Tr(S_H) from float64 arithmetic. What the network itself computes in u may leave several times that."""
    return unit_roundoff**2 * mean_square + math.sqrt(features.dim) * EPS * features.total


def noise_fraction_floor(features: Spectrum, mean_square: float, unit_roundoff: float) -> float:
    """``noise_floor`` as a fraction of Tr(S_H)."""
    return noise_floor(features, mean_square, unit_roundoff) / _trace(features)


def spectral_gap(features: Spectrum, k: int) -> Outcome:
    """Ratio l_k / l_(k+1) of the eigenvalues of S_H at the cut, >= 1; large when collapsed, 1 where V is not unique."""
    if k >= features.dim:
        raise NotDefinedError(f"k = {k} is the whole space of width {features.dim}: there is no cut")
    gap = features.gap(k)
    return Outcome(gap) if math.isfinite(gap) else Outcome(gap, OK, "nothing is left behind the cut")


def stable_rank(features: Spectrum) -> float:
    """Stable rank ||Hc||_F^2 / ||Hc||_2^2 = sum l_i / l_1 of the features, in [1, d]."""
    return _trace(features) / float(features.values[0])


def stable_rank_covariance(features: Spectrum) -> float:
    """Stable rank of the covariance itself, sum l_i^2 / l_1^2, in [1, d]: the form of the published figures."""
    _trace(features)
    return float((features.values**2).sum() / features.values[0] ** 2)


def weight_stable_rank(weight: Spectrum) -> float:
    """Stable rank ||W||_F^2 / ||W||_2^2 of the weight, in [1, min(m, d)]; convolutions as c_in x (c_out k k)."""
    return float((weight.values**2).sum() / weight.values[0] ** 2)


def target_stable_rank(targets: Spectrum) -> float:
    """Stable rank of the targets, sum l_i / l_1 over S_Y, in [1, n]: the reference line of the features' own."""
    return stable_rank(targets)


def target_stable_rank_covariance(targets: Spectrum) -> float:
    """Stable rank of S_Y itself, sum l_i^2 / l_1^2, in [1, n]: reference of the covariance form."""
    return stable_rank_covariance(targets)


def feature_weight_alignment(features: Spectrum, weight: Spectrum, k: int) -> Outcome:
    """Mean cosine of the principal angles between V and the top-k right singular vectors of W, in [0, 1]; 1 when
    collapsed. The paper's NRC3."""
    return _aligned(features, weight, k, Tensor.mean)


def smallest_feature_weight_alignment(features: Spectrum, weight: Spectrum, k: int) -> Outcome:
    """Smallest of the same cosines, in [0, 1]; 1 when collapsed: the direction that the mean may hide."""
    return _aligned(features, weight, k, Tensor.min)


def noise_alignment(features: Spectrum, weight: Spectrum, k: int) -> Outcome:
    """Mean sine of the angles between the top-k of W and V, in [0, 1]; 0 when collapsed: what the weight's leading
    directions share with the features' remaining d - k."""
    doubt = _subspace_doubt(features, weight, k, trivial=0)
    return doubt.about(float(principal_sines(weight.leading(k), features.leading(k)).mean()))


def alignment_chance(features: Spectrum, k: int) -> float:
    """Mean cosine to expect of two random k-planes in R^d."""
    return chance_cosine(k, features.dim)


def cka(features: Spectrum, targets: Spectrum, cross: Tensor) -> float:
    """Linear CKA(H, Y) = ||S_HY||_F^2 / (||S_H||_F ||S_Y||_F), in [0, 1]. The paper's NRC2 (Kornblith et al. 2019).

    Exact from moments. At a perfect optimum it is below 1 unless S_Y is isotropic. ``cross`` is S_HY (d, n).
    """
    _trace(features), _trace(targets, "targets")
    return min(1.0, float(cross.norm() ** 2 / (features.values.norm() * targets.values.norm())))


def signal_cka(features: Spectrum, targets: Spectrum, cross: Tensor, k: int) -> float:
    """Linear CKA between H projected on V and Y, in [0, 1]: the same, with the noise taken away first."""
    _fits(k, features.dim)
    _trace(features), _trace(targets, "targets")
    signal = features.leading(k).mT @ cross
    return min(1.0, float(signal.norm() ** 2 / (features.values[:k].norm() * targets.values.norm())))


def feature_target_alignment(
    features: Spectrum, targets: Spectrum, cross_svd: Spectrum, target_rank: int, k: int
) -> Outcome:
    """Mean cosine between the top-k right singular vectors of S_HY and the top-k eigenvectors of S_Y, in [0, 1].

    Poster. When the targets have exact rank k this is 1 for any features, trained or not, and the note says so.
    """
    doubt = _cross_doubt(features, targets, cross_svd, target_rank, k)
    return doubt.about(float(principal_cosines(cross_svd.leading(k), targets.leading(k)).mean()))


def cross_alignment(features: Spectrum, targets: Spectrum, cross_svd: Spectrum, target_rank: int, k: int) -> Outcome:
    """Mean cosine between the top-k right singular vectors of S_HY and the remaining n - k eigenvectors of S_Y, in
    [0, 1]; 0 when collapsed, and 0 for any features when the targets have exact rank k."""
    if k >= targets.dim:
        raise NotDefinedError(f"all {targets.dim} target directions are signal (k = {k}): none remain")
    doubt = _cross_doubt(features, targets, cross_svd, target_rank, k)
    return doubt.about(float(principal_cosines(cross_svd.leading(k), targets.remaining(k)).mean()))


def target_chance(targets: Spectrum, k: int) -> float:
    """Mean cosine to expect of two random k-planes in R^n."""
    return chance_cosine(k, targets.dim)


def feature_side_alignment(
    features: Spectrum, cross_left: Tensor, cross_svd: Spectrum, target_rank: int, k: int
) -> Outcome:
    """Mean cosine between the top-k left singular vectors of S_HY and V, in [0, 1]; 1 when collapsed: whether the
    directions that carry the target are the ones of high variance."""
    _fits(k, features.dim)
    _trace(features)
    if cross_left.shape[1] < k:
        raise NotDefinedError(f"S_HY has only {cross_left.shape[1]} singular directions, fewer than k = {k}")
    if k == features.dim:
        doubt = _Doubt(f"trivially 1: k = {k} is the whole space")
    else:
        doubt = _low_rank(features, cross_svd, target_rank, k) or _cut_doubt(features, k) or _tie(cross_svd, k, "S_HY")
    return doubt.about(float(principal_cosines(cross_left[:, :k], features.leading(k)).mean()))


def linear_mse(linear_fit: LinearFit, N: int, d: int) -> Outcome:
    """Mean squared error over samples and outputs of the least-squares affine map from H to Y, >= 0, in squared target
    units. The paper's NRC4, to be read beside ``model.mse``.

    Features of r >= N - 1 directions predict any targets linearly, whatever was learned: the value is then degenerate.
    """
    return _predicted(linear_fit.mse, linear_fit, N, d)


def linear_r2(linear_fit: LinearFit, targets: Spectrum, N: int, d: int) -> Outcome:
    """Share 1 - MSE / (Tr(S_Y)/n) of the targets' variance that the same map explains, in [0, 1]."""
    variance = _trace(targets, "targets") / targets.dim
    return _fine(_predicted(1.0 - linear_fit.mse / variance, linear_fit, N, d))


def linear_mse_ratio(linear_fit: LinearFit, model_mse: float, N: int, d: int) -> Outcome:
    """Linear MSE over the network's own MSE on the same samples, >= 0; about 1 or less when collapsed."""
    if model_mse == 0:
        raise DegenerateError("the network's own error is exactly 0")
    return _fine(_predicted(linear_fit.mse / model_mse, linear_fit, N, d))


def network_mse(model_mse: float, mse_note: str) -> Outcome:
    """Mean squared error over samples and outputs of the network itself, on the samples that the probes saw."""
    return Outcome(model_mse, OK, mse_note)


def _predicted(value: float, fit: LinearFit, N: int, d: int) -> Outcome:
    if fit.used >= N - 1:
        said = f"the features of N = {N} samples use {fit.used} directions: an affine map fits any targets exactly"
        return Outcome(value, DEGENERATE, said)
    if fit.mse <= fit.floor:
        return Outcome(value, BELOW_FLOOR, "no more than float64 rounding")
    return Outcome(value, OK, f"{fit.cut} of {d} directions were below rounding and cut" if fit.cut else "")


def _fine(outcome: Outcome) -> Outcome:
    """The outcome of a share or ratio, which is not small where the error that it is made of is."""
    return Outcome(outcome.value) if outcome.status == BELOW_FLOOR else outcome


def _trace(features: Spectrum, what: str = "features") -> float:
    total = features.total
    if total <= 0:
        raise DegenerateError(f"the {what} do not vary: Tr(S) = 0")
    return total


def _fits(k: int, d: int) -> None:
    if k > d:
        raise NotDefinedError(f"k = {k} exceeds the width d = {d}")


@dataclass(frozen=True)
class _Doubt:
    """What a reader must know of an angle between subspaces: a note, and whether it makes the angle meaningless."""

    note: str = ""
    meaningless: bool = False

    def __bool__(self) -> bool:
        return bool(self.note)

    def about(self, value: float) -> Outcome:
        return Outcome(value, DEGENERATE if self.meaningless else OK, self.note)


def _aligned(features: Spectrum, weight: Spectrum, k: int, summary: Callable[[Tensor], Tensor]) -> Outcome:
    doubt = _subspace_doubt(features, weight, k, trivial=1)
    return doubt.about(float(summary(principal_cosines(features.leading(k), weight.leading(k)))))


def _subspace_doubt(features: Spectrum, weight: Spectrum, k: int, trivial: int) -> _Doubt:
    _fits(k, features.dim)
    _trace(features)
    if weight.values.numel() < k:
        raise NotDefinedError(f"the weight has only {weight.values.numel()} singular directions, fewer than k = {k}")
    if k == features.dim:
        return _Doubt(f"trivially {trivial}: k = {k} is the whole space")
    rank = weight.rank(1e-10 * float(weight.values[0]))
    if rank < k:
        return _Doubt(f"the weight has numerical rank {rank} < k = {k}", meaningless=True)
    doubt = _cut_doubt(features, k)
    if not doubt.note and weight.gap(k) < CLOSE:
        return _Doubt(f"singular values {k} and {k + 1} of the weight coincide: its top-{k} subspace is not unique")
    return doubt


def _cut_doubt(features: Spectrum, k: int) -> _Doubt:
    rank = features.rank(features.dim * EPS * float(features.values[0]))
    if rank < k:
        return _Doubt(f"the features have numerical rank {rank} < k = {k}", meaningless=True)
    return _tie(features, k, "S_H")


def _tie(spectrum: Spectrum, k: int, what: str) -> _Doubt:
    """Whether the top-k subspace is not unique: values k and k + 1 coincide."""
    if k < spectrum.values.numel() and spectrum.gap(k) < CLOSE:
        return _Doubt(f"values {k} and {k + 1} of {what} coincide: the top-{k} subspace is not unique")
    return _Doubt()


def _low_rank(features: Spectrum, cross_svd: Spectrum, target_rank: int, k: int) -> _Doubt:
    if target_rank < k:
        return _Doubt(f"the targets have rank {target_rank} < k = {k}", meaningless=True)
    rank = cross_svd.rank(features.dim * EPS * float(cross_svd.values[0]))
    return _Doubt(f"S_HY has numerical rank {rank} < k = {k}", meaningless=True) if rank < k else _Doubt()


def _cross_doubt(features: Spectrum, targets: Spectrum, cross_svd: Spectrum, target_rank: int, k: int) -> _Doubt:
    _fits(k, features.dim)
    _trace(features), _trace(targets, "targets")
    if cross_svd.values.numel() < k:
        raise NotDefinedError(f"S_HY has only {cross_svd.values.numel()} singular directions, fewer than k = {k}")
    if k == targets.dim:
        return _Doubt(f"trivial: k = {k} is the whole target space")
    low = _low_rank(features, cross_svd, target_rank, k)
    if not low and float(targets.values[k:].sum()) <= EXACT * targets.total:
        return _Doubt(f"the targets have exact rank {k}: 1 with the top {k} and 0 with the rest for any features")
    return low or _tie(targets, k, "S_Y") or _tie(cross_svd, k, "S_HY")

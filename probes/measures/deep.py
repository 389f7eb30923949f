"""The deep measures: what each layer's features and weight say of collapse (Rangamani & Unal, arXiv 2603.23805).

Notation: H (N, d) features entering a layer, Y (N, n) targets, W (m, d) the layer's weight, k the signal rank;
S_H, S_Y, S_HY centred covariances divided by N; V (d, k) the leading eigenvectors of S_H. Functions take finished
spectra (``probes.subspace.Spectrum``) and return a number or an ``Outcome``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from probes.algebra.factored import Covariance
from probes.doubt import Doubt, cross_doubt, determined, fits, read_directions, target_doubt, tie, varying, weight_doubt
from probes.nulls.levels import isotropic_stable_rank, isotropic_stable_rank_covariance
from probes.outcome import BELOW_FLOOR, DEGENERATE, OK, DegenerateError, NotDefinedError, Outcome
from probes.subspace import EPS, LinearFit, Spectrum, principal_cosines, principal_sines, trace_outside


def noise(covariance: Covariance, features: Spectrum, k: int) -> Outcome:
    """Noise component Tr(S_H) - Tr(V'S_H V), >= 0, in squared feature units; 0 when collapsed. Poster, absolute form.

    Reads 1e-12 of the trace to three digits at d = 512.
    """
    fits(k, features.dim)
    note = f"trivially 0: k = {k} is the whole space" if k == features.dim else ""
    return Outcome(trace_outside(covariance, features.leading(k)), OK, note)


def noise_fraction(covariance: Covariance, features: Spectrum, k: int, k_note: str = "") -> Outcome:
    """Noise fraction 1 - Tr(V'S_H V)/Tr(S_H), in [0, 1]; 0 when collapsed. The paper's NRC1. ``k_note`` is told with
    it."""
    found = noise(covariance, features, k)
    return Outcome(found.value / varying(features), OK, found.note or k_note)


def noise_floor(features: Spectrum, mean_square: float, unit_roundoff: float) -> float:
    """The noise that rounding could have made: u^2 E||h||^2 from storing the features with unit roundoff u, and
    sqrt(d) eps Tr(S_H) from float64 arithmetic. What the network itself computes in u may leave several times that."""
    return unit_roundoff**2 * mean_square + math.sqrt(features.dim) * EPS * features.total


def noise_fraction_floor(features: Spectrum, mean_square: float, unit_roundoff: float) -> float:
    """``noise_floor`` as a fraction of Tr(S_H)."""
    return noise_floor(features, mean_square, unit_roundoff) / varying(features)


def spectral_gap(features: Spectrum, k: int) -> Outcome:
    """Ratio l_k / l_(k+1) of the eigenvalues of S_H at the cut, >= 1; large when collapsed, 1 where V is not unique."""
    if k >= features.dim:
        raise NotDefinedError(f"k = {k} is the whole space of width {features.dim}: there is no cut")
    gap = features.gap(k)
    return Outcome(gap) if math.isfinite(gap) else Outcome(gap, OK, "nothing is left behind the cut")


def stable_rank(features: Spectrum, N: int | None = None) -> Outcome:
    """Stable rank ||Hc||_F^2 / ||Hc||_2^2 = sum l_i / l_1 of the features, in [1, d]; of N < 10 d samples it is biased
    low, and the note says what isotropic features would read."""
    value = varying(features) / float(features.values[0])
    return Outcome(value, OK, _bias(features.dim, N, isotropic_stable_rank))


def stable_rank_covariance(features: Spectrum, N: int | None = None) -> Outcome:
    """Stable rank of the covariance itself, sum l_i^2 / l_1^2, in [1, d]: the form of the published figures."""
    varying(features)
    value = float(((features.values / features.values[0]) ** 2).sum())
    return Outcome(value, OK, _bias(features.dim, N, isotropic_stable_rank_covariance))


def _bias(d: int, N: int | None, isotropic: Callable[[int, int], float]) -> str:
    if N is None or 10 * d <= N:
        return ""
    return f"biased low for N = {N} < 10 d: isotropic features, of stable rank {d}, read {isotropic(d, N):.3g}"


def weight_stable_rank(leading_weight: Spectrum) -> float:
    """Stable rank ||W||_F^2 / ||W||_2^2 of the weight, in [1, min(m, d)]; convolutions as c_in x (c_out k k)."""
    return float((leading_weight.values**2).sum() / leading_weight.values[0] ** 2)


def target_stable_rank(targets: Spectrum, k_note: str = "") -> Outcome:
    """Stable rank of the targets, sum l_i / l_1 over S_Y, in [1, n]: the reference line of the features' own."""
    return Outcome(varying(targets, "targets") / float(targets.values[0]), OK, k_note)


def target_stable_rank_covariance(targets: Spectrum) -> Outcome:
    """Stable rank of S_Y itself, sum l_i^2 / l_1^2, in [1, n]: reference of the covariance form."""
    return stable_rank_covariance(targets)


def feature_weight_alignment(features: Spectrum, leading_weight: Spectrum, k: int, least_variance: float) -> Outcome:
    """Mean cosine of the principal angles between V and the top-k right singular vectors of W, in [0, 1]; 1 when
    collapsed. The paper's NRC3.

    A weight of rank below k has so many angles only, and the mean goes over these; one whose values behind the k-th
    are tied with it is taken with the whole tied space. ``least_variance`` is what a direction of the features must
    exceed to be more than rounding.
    """
    doubt = weight_doubt(features, leading_weight, k, least_variance, trivial=1)
    return doubt.about(float(_weight_cosines(features, leading_weight, k).mean()))


def published_feature_weight_alignment(
    features: Spectrum, leading_weight: Spectrum, k: int, least_variance: float
) -> Outcome:
    """The same with the sum divided by k always, in [0, 1]: a weight of rank 2 then reads at most .667 at k = 3."""
    doubt = weight_doubt(features, leading_weight, k, least_variance, trivial=1)
    short = read_directions(leading_weight, k)
    if not doubt.meaningless and short < k:
        doubt = Doubt(f"the weight has rank {short} < k = {k}: at most {short}/{k}")
    return doubt.about(float(_weight_cosines(features, leading_weight, k).sum() / k))


def smallest_feature_weight_alignment(
    features: Spectrum, leading_weight: Spectrum, k: int, least_variance: float
) -> Outcome:
    """Smallest of the same cosines, in [0, 1]; 1 when collapsed: the direction that the mean may hide."""
    doubt = weight_doubt(features, leading_weight, k, least_variance, trivial=1)
    return doubt.about(float(_weight_cosines(features, leading_weight, k).min()))


def noise_alignment(features: Spectrum, leading_weight: Spectrum, k: int, least_variance: float) -> Outcome:
    """Mean sine of the same angles, in [0, 1]; 0 when collapsed: what the weight's leading directions share with the
    features' remaining d - k."""
    doubt = weight_doubt(features, leading_weight, k, least_variance, trivial=0)
    read = leading_weight.leading(read_directions(leading_weight, k))
    V = features.leading(k)
    smaller, larger = (read, V) if read.shape[1] <= k else (V, read)
    return doubt.about(float(principal_sines(smaller, larger).mean()))


def _weight_cosines(features: Spectrum, leading_weight: Spectrum, k: int) -> Tensor:
    return principal_cosines(features.leading(k), leading_weight.leading(read_directions(leading_weight, k)))


def cka(features: Spectrum, targets: Spectrum, cross: Tensor) -> float:
    """Linear CKA(H, Y) = ||S_HY||_F^2 / (||S_H||_F ||S_Y||_F), in [0, 1]. The paper's NRC2 (Kornblith et al. 2019).

    Exact from moments. At a perfect optimum it is below 1 unless S_Y is isotropic. ``cross`` is S_HY (d, n).
    """
    varying(features), varying(targets, "targets")
    return _cka(features.values, targets.values, cross)


def signal_cka(features: Spectrum, targets: Spectrum, cross: Tensor, k: int) -> float:
    """Linear CKA between H projected on V and Y, in [0, 1]: the same, with the noise taken away first."""
    fits(k, features.dim)
    varying(features), varying(targets, "targets")
    return _cka(features.values[:k], targets.values, features.leading(k).mT @ cross)


def _cka(features: Tensor, targets: Tensor, cross: Tensor) -> float:
    """||S_HY||_F^2 / (||S_H||_F ||S_Y||_F); each is first divided by the size it must have, so that no square of
    features as large as 1e150 or as small as 1e-150 leaves the numbers that there are."""
    large, wide = float(features[0]), float(targets[0])
    shared = cross / large**0.5 / wide**0.5
    return min(1.0, float(shared.norm() ** 2 / ((features / large).norm() * (targets / wide).norm())))


def feature_target_alignment(features: Spectrum, targets: Spectrum, shared_k: int, cross_svd: Spectrum) -> Outcome:
    """Mean cosine between the top-k right singular vectors of S_HY and the top-k eigenvectors of S_Y, in [0, 1].

    Poster. When the targets have exact rank k this is 1 for any features, trained or not, and the note says so.
    """
    k, doubt = shared_k, cross_doubt(features, targets, cross_svd, shared_k)
    return doubt.about(float(principal_cosines(cross_svd.leading(k), targets.leading(k)).mean()))


def cross_alignment(features: Spectrum, targets: Spectrum, shared_k: int, cross_svd: Spectrum) -> Outcome:
    """Mean cosine between the top-k right singular vectors of S_HY and the remaining n - k eigenvectors of S_Y, in
    [0, 1]; 0 when collapsed, and 0 for any features when the targets have exact rank k."""
    k = shared_k
    if k >= targets.dim:
        raise NotDefinedError(f"all {targets.dim} target directions are signal (k = {k}): none remain")
    doubt = cross_doubt(features, targets, cross_svd, k)
    # cosines with the rest are sines with the top k, of which those too many are 0
    rest = principal_sines(cross_svd.leading(k), targets.leading(k))[: targets.dim - k]
    return doubt.about(float(rest.mean()))


def feature_side_alignment(
    features: Spectrum, shared_k: int, cross_left: Tensor, cross_svd: Spectrum, least_variance: float
) -> Outcome:
    """Mean cosine between the top-k left singular vectors of S_HY and V, in [0, 1]; 1 when collapsed: whether the
    directions that carry the target are the ones of high variance."""
    k, low = shared_k, target_doubt(features, cross_svd, shared_k)
    if k == features.dim:
        doubt = Doubt(f"trivially 1: k = {k} is the whole space")
    else:
        doubt = low or determined(features, k, least_variance) or tie(cross_svd, k, "S_HY")
    return doubt.about(float(principal_cosines(cross_left[:, :k], features.leading(k)).mean()))


def linear_mse(linear_fit: LinearFit, N: int, d: int) -> Outcome:
    """Mean squared error over samples and outputs of the least-squares affine map from H to Y, >= 0, in squared target
    units. The paper's NRC4, to be read beside ``model.mse``.

    Features of r >= N - 1 directions predict any targets linearly, whatever was learned: the value is then degenerate.
    """
    return _predicted(linear_fit.mse, linear_fit, N, d)


def linear_r2(linear_fit: LinearFit, targets: Spectrum, N: int, d: int) -> Outcome:
    """Share 1 - MSE / (Tr(S_Y)/n) of the targets' variance that the same map explains, in [0, 1]."""
    variance = varying(targets, "targets") / targets.dim
    return _fine(_predicted(1.0 - linear_fit.mse / variance, linear_fit, N, d))


def adjusted_r2(linear_fit: LinearFit, targets: Spectrum, N: int, d: int) -> Outcome:
    """The same less what directions explain that have nothing to do with the targets: 1 - (1 - R2)(N - 1)/(N - 1 - p)
    with p directions used, at most 1; 0 in the mean where nothing is to be explained, whatever N and d."""
    plain = linear_r2(linear_fit, targets, N, d)
    left = N - 1 - linear_fit.used
    if left <= 0:
        raise DegenerateError(plain.note)
    return Outcome(1 - (1 - plain.value) * (N - 1) / left, plain.status, plain.note)


def adjusted_mse(linear_fit: LinearFit, N: int, d: int) -> Outcome:
    """MSE of the same map on samples of its population, MSE (N - 1)/(N - 1 - p) with p directions used, >= 0."""
    return _predicted(_of_population(linear_fit, N), linear_fit, N, d)


def adjusted_mse_ratio(linear_fit: LinearFit, model_mse: float, N: int, d: int) -> Outcome:
    """The same over the network's own MSE, >= 0."""
    plain = linear_mse_ratio(linear_fit, model_mse, N, d)
    return Outcome(_of_population(linear_fit, N) / model_mse, plain.status, plain.note)


def linear_mse_ratio(linear_fit: LinearFit, model_mse: float, N: int, d: int) -> Outcome:
    """Linear MSE over the network's own MSE on the same samples, >= 0; about 1 or less when collapsed."""
    if model_mse == 0:
        raise DegenerateError("the network's own error is exactly 0")
    return _fine(_predicted(linear_fit.mse / model_mse, linear_fit, N, d))


def network_mse(model_mse: float, mse_note: str) -> Outcome:
    """Mean squared error over samples and outputs of the network itself, on the samples that the probes saw."""
    return Outcome(model_mse, OK, mse_note)


def _of_population(fit: LinearFit, N: int) -> float:
    left = N - 1 - fit.used
    return fit.mse * (N - 1) / left if left > 0 else math.inf


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

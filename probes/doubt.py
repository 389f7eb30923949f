"""What keeps an angle between subspaces from meaning what it says, found before the angle is read.

Notation as in ``probes.measures.deep``: V (d, k) the leading eigenvectors of S_H, W (m, d) a weight, r the rank of the
targets.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .algebra.factored import Covariance, Factored
from .algebra.onehot import OneHot
from .outcome import DEGENERATE, OK, DegenerateError, NotDefinedError, Outcome
from .subspace import EPS, Spectrum

EXACT = 1e-10  # share of variance behind k below which targets count as being of exact rank k
CLOSE = 1.001  # neighbouring values whose ratio is below this leave the subspace between them undetermined
TIED = 1.01  # singular values of a weight within this ratio stand for one space
UNDERFLOWS = 1e-305  # total variance below which the products behind it lose digits in float64
ROUNDED = 4  # times what rounding could make, up to which nothing is told from rounding


@dataclass(frozen=True)
class Doubt:
    """What a reader must know of an angle between subspaces: a note, and whether it makes the angle meaningless."""

    note: str = ""
    meaningless: bool = False

    def __bool__(self) -> bool:
        return bool(self.note)

    def about(self, value: float) -> Outcome:
        """The value with the note, degenerate where it means nothing."""
        return Outcome(value, DEGENERATE if self.meaningless else OK, self.note)


def varying(spectrum: Spectrum, what: str = "features") -> float:
    """Tr(S) > 0, or the error that these features or targets do not vary."""
    total = spectrum.total
    if total <= 0:
        raise DegenerateError(f"the {what} do not vary: Tr(S) = 0")
    return total


def fits(k: int, d: int) -> None:
    """Refuse a k above the width."""
    if k > d:
        raise NotDefinedError(f"k = {k} exceeds the width d = {d}")


def determined(features: Spectrum, k: int, least_variance: float) -> Doubt:
    """Whether the top k directions of the features are more than rounding, and apart from the rest."""
    rank = features.rank(least_variance)
    if rank < k:
        said = f"only {rank} directions of the features vary by more than rounding, fewer than k = {k}"
        return Doubt(said, meaningless=True)
    return tie(features, k, "S_H")


def tie(spectrum: Spectrum, k: int, what: str) -> Doubt:
    """Whether the top-k subspace is not unique: values k and k + 1 coincide."""
    if k < spectrum.values.numel() and spectrum.gap(k) < CLOSE:
        return Doubt(f"values {k} and {k + 1} of {what} coincide: the top-{k} subspace is not unique")
    return Doubt()


def read_directions(weight: Spectrum, k: int) -> int:
    """How many leading right singular vectors of a weight stand for its top k: fewer where it has fewer nonzero
    singular values, more where those behind the k-th are tied with it, for any k of tied ones are arbitrary.

    One exception is a rule of ours, of no publication: where the tied values are all of R^d's and yet not equal (the
    k-th above the last by more than 0.1 %), the k leading ones stay. The tied space would then be R^d itself, with
    which any V is aligned at 1, and a random narrow weight whose values happen to lie within 1 % of one another would
    count as perfectly aligned. Of exactly equal values every k are arbitrary, and R^d it is."""
    rank = weight.rank(1e-10 * float(weight.values[0]))
    if rank <= k:
        return rank
    read = k + tied(weight, k, rank)
    near = read == weight.dim and weight.values[k - 1] > CLOSE * weight.values[read - 1]
    return k if near else read


def tied(weight: Spectrum, k: int, rank: int) -> int:
    """How many singular values of a weight behind the k-th are tied with it."""
    return int((weight.values[k:rank] * TIED > weight.values[k - 1]).sum())


def weight_doubt(features: Spectrum, weight: Spectrum, k: int, least_variance: float, trivial: int) -> Doubt:
    """What to know of angles between V and the weight's leading directions, which are ``trivial`` for k = d."""
    fits(k, features.dim)
    varying(features)
    if k == features.dim:
        return Doubt(f"trivially {trivial}: k = {k} is the whole space")
    found = determined(features, k, least_variance)
    if found:
        return found
    read = read_directions(weight, k)
    if read < k:
        return Doubt(f"the weight has rank {read} < k = {k}: the mean goes over {read} angles")
    if read > k:
        said = f"singular values {k} to {read} of the weight are tied: V is held against the space of all {read}"
        return Doubt(said)
    if k < weight.values.numel() and tied(weight, k, k + 1):
        return Doubt(f"singular values {k} and {k + 1} of the weight are tied: which {k} directions lead is arbitrary")
    return Doubt()


def shares(k: int, d: int, target_rank: int) -> int:
    """k, refused above the width or the targets' rank: features and targets cannot share so many directions."""
    fits(k, d)
    if target_rank < k:
        raise NotDefinedError(f"the targets have rank {target_rank} < k = {k}")
    return k


def target_doubt(features: Spectrum, cross_svd: Spectrum, k: int) -> Doubt:
    """Whether features and targets, which have k directions each, share as many."""
    varying(features)
    rank = cross_svd.rank(features.dim * EPS * float(cross_svd.values[0]))
    return Doubt(f"S_HY has numerical rank {rank} < k = {k}", meaningless=True) if rank < k else Doubt()


def cross_doubt(features: Spectrum, targets: Spectrum, cross_svd: Spectrum, k: int) -> Doubt:
    """What to know of angles between S_HY's target side and the targets' own directions."""
    varying(targets, "targets")
    low = target_doubt(features, cross_svd, k)
    if k == targets.dim:
        return Doubt(f"trivial: k = {k} is the whole target space")
    if not low and float(targets.values[k:].sum()) <= EXACT * targets.total:
        return Doubt(f"the targets have exact rank {k}: 1 with the top {k} and 0 with the rest for any features")
    return low or tie(targets, k, "S_Y") or tie(cross_svd, k, "S_HY")


def constant(S: Covariance | OneHot, mean_square: float, roundoff: float, what: str) -> bool:
    """Whether a covariance is no more than the rounding of a constant: two units of its own dtype, or sixteen of the
    float64 in which the mean was taken. One whose products underflow is degenerate."""
    total = float((S if isinstance(S, OneHot) else finite(S, what)).trace())
    if 0 < total < UNDERFLOWS:
        raise DegenerateError(f"the {what} are so small that their squares underflow in float64: multiply them")
    return total <= max(4 * roundoff**2, 64 * EPS**2) * mean_square or total <= 0


def finite(S: Covariance, what: str) -> Covariance:
    """S, or the error that it holds NaN or infinity, as it does where squares pass 1.8e308."""
    if not all_finite(S.X if isinstance(S, Factored) else S):
        raise DegenerateError(f"the {what} hold NaN or infinity, or are so large that their squares do")
    return S


def all_finite(x: Tensor) -> bool:
    """Whether no number is NaN or infinite: these survive a sum, which takes no memory."""
    return bool(x.sum().isfinite()) or bool(x.isfinite().all())  # or the sum is more than the format holds

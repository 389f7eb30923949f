"""Measures of features of which only a sketch was kept: what it tells of the exact value, and how far that may lie off.

With X'X the Nystroem approximation by s random directions, and rest = Tr(S_H - X'X), S_H - X'X has no negative
eigenvalue and none above rest. So noise outside k directions is never read too low; in the mean it is too high by at
most k/(s - k - 1) of itself (Tropp, Yurtsever, Udell & Cevher 2017, theorem 4.1, of the nuclear norm), and by Markov's
inequality by more than twenty times that with probability .05 at most.
"""

from __future__ import annotations

import math

from probes.algebra.factored import Sketched
from probes.outcome import DEGENERATE, OK, NotDefinedError, Outcome
from probes.subspace import EPS, Spectrum, trace_outside

from . import deep

ODDS = 20  # of Markov's inequality: one over the probability .05
APART = 0.5  # of a reading: where the exact value may lie below it, nothing is told
OFF = 0.1  # the same of a cosine
ROUNDING = 10  # times s eps Tr(S_H), what float64 may leave of a noise that is 0; seen: less than one


def noise(sketched: Sketched, features: Spectrum, k: int) -> Outcome:
    """Noise component Tr(S_H) - Tr(V'S_H V), >= 0, from above; ``deep.noise``."""
    value, least = _outside(sketched, features, k)
    return _from_above(value, least, sketched)


def noise_fraction(sketched: Sketched, features: Spectrum, k: int) -> Outcome:
    """Noise fraction, in [0, 1], from above, of the exact trace; ``deep.noise_fraction``."""
    value, least = _outside(sketched, features, k)
    return _from_above(value / _trace(sketched), least / _trace(sketched), sketched)


def floor(sketched: Sketched, mean_square: float, unit_roundoff: float) -> float:
    """The noise that rounding could have made: from storing the features, and from the sketch's own arithmetic."""
    return unit_roundoff**2 * mean_square + ROUNDING * sketched.directions * EPS * _trace(sketched)


def fraction_floor(sketched: Sketched, mean_square: float, unit_roundoff: float) -> float:
    """``floor`` as a fraction of Tr(S_H)."""
    return floor(sketched, mean_square, unit_roundoff) / _trace(sketched)


def stable_rank(sketched: Sketched, features: Spectrum) -> Outcome:
    """Stable rank Tr(S_H) / l_1, in [1, d], of the exact trace, from above; ``deep.stable_rank``."""
    trace, (_, least) = _trace(sketched), _outside(sketched, features, 1)
    return _from_above(trace / float(features.values[0]), trace / (trace - least), sketched)


def feature_weight_alignment(
    sketched: Sketched, features: Spectrum, leading_weight: Spectrum, k: int, least_variance: float
) -> Outcome:
    """``deep.feature_weight_alignment``, in [0, 1], with the top k directions of the sketch: sines between them and
    those of S_H are at most rest / (l_k - l_(k+1)) (Davis & Kahan 1970), cosines off by at most sqrt 2 as much."""
    _fits(sketched, k)
    found = deep.feature_weight_alignment(features, leading_weight, k, least_variance)
    gap = float(features.values[k - 1 : k].sum() - features.values[k : k + 1].sum())
    off = math.sqrt(2) * sketched.rest / gap if gap > 0 else math.inf
    status = found.status if off <= OFF else DEGENERATE
    said = f"{_told(sketched)}: the exact value is at most {min(1.0, off):.3g} off"
    return Outcome(found.value, status, "; ".join(filter(None, [found.note, said])))


def _outside(sketched: Sketched, features: Spectrum, k: int) -> tuple[float, float]:
    """Trace outside the top k directions, as read, and what the exact one is not below."""
    _fits(sketched, k)
    seen = trace_outside(sketched, features.leading(k))  # of X'X alone
    value, sure = seen + sketched.rest, sketched.directions - k - 1
    return value, max(seen, value / (1 + ODDS * k / sure) if sure > 0 else 0.0)


def _fits(sketched: Sketched, k: int) -> None:
    if k >= sketched.directions:
        raise NotDefinedError(f"a sketch of {sketched.directions} directions does not tell k = {k} from the rest")


def _from_above(value: float, least: float, sketched: Sketched) -> Outcome:
    said = f"{_told(sketched)}: but for rounding the exact value is not above this one, and not below {least:.3g} "
    said += "with probability .95"
    return Outcome(value, OK if least >= APART * value else DEGENERATE, said)


def _told(sketched: Sketched) -> str:
    return f"read through a random sketch, {sketched.directions} of {sketched.shape[0]} directions"


def _trace(sketched: Sketched) -> float:
    return float(sketched.trace())

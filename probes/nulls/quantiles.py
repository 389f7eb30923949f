"""Upper quantiles of the few distributions that null levels follow.

Those of chi-squared variables and their sums rest on the cube root of one being nearly normal (Wilson & Hilferty 1931);
good to a few percent of a standard deviation, which is what a level to look beside a value needs.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from torch import Tensor

HIGH = 0.99  # the level that one of a hundred unrelated pairs exceeds
Z = NormalDist().inv_cdf(HIGH)
ENOUGH = 1000  # draws, for ten to lie above the quantile
TINY = 1e-16  # a variance of draws that are all alike


def chi_squared(freedom: float) -> float:
    """The 99 % quantile of a chi-squared variable with ``freedom`` > 0 degrees, which need not be whole."""
    spread = 2 / (9 * freedom)
    return float(freedom * max(0.0, 1 - spread + Z * math.sqrt(spread)) ** 3)


def many_degrees(freedom: Tensor, normal: Tensor) -> Tensor:
    """Chi-squared variables of many degrees (p,), drawn by normal ones (D, p)."""
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + spread.sqrt() * normal) ** 3


def weighted_chi_squared(first: float, second: float, third: float) -> float:
    """The 99 % quantile of sum w_i x_i, x_i chi-squared of one degree, from the sums of w, w^2 and w^3.

    The chi-squared variable of the same skewness, moved and scaled to the same mean and variance (Hall 1983).
    """
    freedom = second**3 / third**2
    return first + math.sqrt(second / freedom) * (chi_squared(freedom) - freedom)


def beta(mean: float, variance: float) -> float:
    """The 99 % quantile of the beta variable of this mean, in [0, 1], and variance; the mean, of none."""
    if not variance > 0:
        return mean
    from scipy.special import betaincinv

    size = mean * (1 - mean) / variance - 1
    if not size > 0:  # wider than any beta variable, by rounding: all at 0 and 1
        return float(mean > 1 - HIGH)
    return float(betaincinv(mean * size, (1 - mean) * size, HIGH))


def drawn(values: Tensor) -> float:
    """The 99 % quantile of shares in [0, 1] that were drawn (D,): that of the draws where there are enough; else half
    way from it to that of the beta variable of their mean and variance, for the one is unsure and the other may be of
    another shape."""
    mean, variance, own = float(values.mean()), float(values.var()), float(values.quantile(HIGH))
    if values.numel() >= ENOUGH or not (0 < mean < 1 and variance > TINY):
        return own
    return (own + beta(mean, variance)) / 2

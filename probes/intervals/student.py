"""Student's t distribution at whole degrees of freedom, in closed form."""

from __future__ import annotations

import math

HALVINGS = 60  # of an angle below pi/2: to the last digit of float64


def quantile(freedom: int, level: float = 0.95) -> float:
    """The t > 0 that holds |T| <= t with probability ``level``, of ``freedom`` degrees.

    With theta = atan(t / sqrt(freedom)) that probability is a finite sum of powers of cos(theta) (Abramowitz & Stegun,
    26.7.3 and 26.7.4), and grows with theta: the angle is found by halving.

    >>> round(quantile(15), 4), round(quantile(1), 3)
    (2.1314, 12.706)

    Errors: ValueError for degrees below 1 and a level outside (0, 1).
    """
    if freedom < 1 or not 0 < level < 1:
        raise ValueError(
            f"There are {freedom} degrees of freedom and a level of {level}: 1 or more, and one in (0, 1)."
        )
    low, high = 0.0, math.pi / 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(freedom, middle) < level else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _within(freedom: int, theta: float) -> float:
    """P(|T| <= sqrt(freedom) tan theta)."""
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for power in range(2 + odd, freedom + 1, 2):
        total += term
        term *= cosine**2 * (power - 1) / power
    return 2 / math.pi * (theta + sine * total) if odd else sine * total

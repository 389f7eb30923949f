"""How far m regularised factors shrink one singular value: the scalar problem behind every unconstrained model.

A product of m matrices with penalties lambda_1 .. lambda_m whose singular vectors meet costs, for one singular value z
and at the best split between the factors, (m/2) G z^(2/m) with G = (prod lambda_k)^(1/m) (arithmetic against geometric
mean). What remains is min over z >= 0 of (z - sigma)^2/2 + (m/2) G z^(2/m); its stationary points z = sigma s obey

    s^(1 - 2/m) (1 - s) = g,   g = G sigma^(2/m - 2).

Of two roots the larger is the minimum, and it beats z = 0 while s >= (m - 2)/(m - 1), that is g <= ``threshold(m)``.
"""

from __future__ import annotations


def threshold(m: int) -> float:
    """Largest g at which m >= 2 factors keep a direction: s^(1 - 2/m) (1 - s) at s = (m - 2)/(m - 1); 1 for m = 2."""
    _refuse_factors(m)
    s = (m - 2) / (m - 1)
    return (s ** (1 - 2 / m) if m > 2 else 1.0) * (1 - s)


def shrinkage(g: float, m: int) -> float:
    """The s in [0, 1] to which m >= 2 factors of regularisation g >= 0 shrink a singular value; 0 if it is dropped.

    Newton's method in t = 1 - s on h(t) = t (1 - t)^(1 - 2/m) - g, from t = g. On [0, 1/(m - 1)] h rises and is
    concave, and h(g) <= 0: the steps go up to the root and never past it.

    Errors: ValueError for a negative g, or fewer than two factors.
    """
    _refuse_factors(m)
    if not g >= 0:
        raise ValueError(f"The regularisation g must be at least 0; it is {g!r}.")
    if g > threshold(m):
        return 0.0
    p = 1 - 2 / m
    t = g
    for _ in range(100):
        if t >= 1:  # m = 2 at its threshold
            return 0.0
        step = (g - t * (1 - t) ** p) / ((1 - t) ** (p - 1) * (1 - t - p * t))
        t = min(t + step, 1 / (m - 1))
        if step <= 1e-16 * t:
            break
    return 1 - t


def _refuse_factors(m: int) -> None:
    if m < 2:
        raise ValueError(f"A model has at least two factors, the features and a weight; m is {m}.")

"""What the theorems ask of their inputs; outside it there is no closed form, and the refusal says why."""

from __future__ import annotations

import math

from torch import Tensor

CLOSE = 1e-6  # relative distance from a threshold at which which side it is on depends on rounding


def penalties(**given: float) -> None:
    """Errors: ValueError for a penalty that is negative or not finite."""
    for name, value in given.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a finite number of at least 0; it is {value!r}.")


def positive(**given: float) -> None:
    """Errors: ValueError for a penalty of 0 or less, at which the minimum is not unique or not attained."""
    penalties(**given)
    zero = [name for name, value in given.items() if value == 0]
    if zero:
        raise ValueError(
            f"{' and '.join(zero)} must be above 0: without a penalty on every factor the loss has no unique minimum "
            "up to rotations (all factors 0: any interpolating solution; some 0: the minimum is approached as the "
            "others vanish)."
        )


def width(d: int, needed: int, what: str) -> None:
    """Errors: ValueError for features too narrow to hold the minimum that the theorem describes."""
    if d < needed:
        raise ValueError(f"The theorem needs a width d >= {needed} ({what}); d is {d}.")


def square(S_Y: Tensor) -> None:
    """Errors: ValueError for anything but a symmetric covariance (n, n) of finite numbers."""
    if S_Y.ndim != 2 or S_Y.shape[0] != S_Y.shape[1] or not bool(S_Y.isfinite().all()):
        raise ValueError(f"S_Y must be a covariance (n, n) of finite numbers; its shape is {tuple(S_Y.shape)}.")
    if float((S_Y - S_Y.mT).abs().max()) > 1e-9 * float(S_Y.abs().max()):
        raise ValueError("S_Y must be symmetric, and it is not: give a covariance.")

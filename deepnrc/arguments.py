"""Arguments that several rooms take: a default, and numbers of any kind as the one kind that tables hold."""

from __future__ import annotations

import operator

from deepnrc.errors import UsageError
from deepnrc.wording import Argument

TAU = 0.2  # noise fraction up to which a layer is low in noise


def check_tau(tau: float) -> None:
    """Refuse a threshold that is no noise fraction."""
    try:
        fits = bool(0 < tau < 1)
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise UsageError(Argument("tau", tau), f" is a noise fraction and must lie between 0 and 1; it is {tau!r}.")


def whole(value: object, what: str | Argument) -> int:
    """A whole number of any kind, numpy's too, as Python's. Errors: UsageError, naming ``what`` it is not."""
    try:
        if not isinstance(value, bool):
            return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    raise UsageError(what, f" must be a whole number; it is {value!r}.")

"""Arguments that several rooms take: a default, numbers of any kind as the one kind that tables hold, and measures by
their last word."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable

from deepnrc.errors import UsageError
from deepnrc.wording import Argument, OneOf

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


def in_full(asked: str, names: Iterable[str], argument: str = "measure") -> str:
    """The one of ``names`` that is meant: itself, or what it ends on after its family; as it is if none is.

    >>> in_full("noise_fraction", ["deep.noise", "deep.noise_fraction"]), in_full("deep.n", ["deep.noise"])
    ('deep.noise_fraction', 'deep.n')

    Errors: UsageError if several families have it, with these.
    """
    known = list(dict.fromkeys(names))
    if asked in known:
        return asked
    meant = [name for name in known if name.partition(".")[2] == asked]
    if len(meant) > 1:
        raise UsageError(f"'{asked}' may be each of {len(meant)} measures. Say ", OneOf(argument, meant), ".")
    return meant[0] if meant else asked


UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def as_bytes(value: object) -> int:
    """Memory as a number of bytes, or in words: "4GB" (1000^3), "512 MiB" (1024^2).

    >>> as_bytes("4GB"), as_bytes("1.5 GiB"), as_bytes(10**6)
    (4000000000, 1610612736, 1000000)

    Errors: UsageError for anything else, and for none.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?\s*", str(value).upper())
    plain = isinstance(value, str | int) and not isinstance(value, bool)
    if not plain or found is None or not float(found[1]) > 0 or (found[3] and not found[2]):
        raise UsageError(Argument("memory", value), f" is a size such as '4GB', or a number of bytes; it is {value!r}.")
    return int(float(found[1]) * (1024 if found[3] else 1000) ** UNITS[found[2]])

"""What a measure may say beside a plain number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

OK = "ok"
DEGENERATE = "degenerate"
NOT_DEFINED = "not defined"
BELOW_FLOOR = "below floor"
STATUSES = (OK, DEGENERATE, NOT_DEFINED, BELOW_FLOOR)


@dataclass(frozen=True)
class Outcome:
    """A value with what a reader must know of it.

    ``status`` is "ok"; "degenerate" (these inputs do not determine the quantity); "not defined" (there is no such
    quantity here); or "below floor" (rounding alone could have made it).
    """

    value: float
    status: str = OK
    note: str = ""


class NotDefinedError(ValueError):
    """The measure does not exist for these inputs; the message is the note its row carries."""


class DegenerateError(ValueError):
    """The inputs are too degenerate for the measure to mean anything; the message is the note its row carries."""


T = TypeVar("T")


def defined(read: Callable[[], T]) -> T | None:
    """What ``read`` gives, or None where that is not defined or degenerate."""
    try:
        return read()
    except (NotDefinedError, DegenerateError):
        return None

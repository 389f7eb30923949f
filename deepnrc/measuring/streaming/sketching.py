"""What may be asked of a sketch: how many random directions to keep of the features of wider layers."""

from __future__ import annotations

from deepnrc.arguments import whole
from deepnrc.errors import UsageError
from deepnrc.wording import Argument


def as_sketch(value: object, *, groups: bool = False, held_out: bool = False) -> int | None:
    """How many directions, at least 1; None for no sketch. Errors: UsageError, also as ``check_alone``."""
    if value is None:
        return None
    found = whole(value, Argument("sketch", value))
    if found < 1:
        raise UsageError(
            Argument("sketch", value), f" is how many random directions are kept, at least 1; it is {found}."
        )
    check_alone(found, groups=groups, held_out=held_out)
    return found


def check_alone(sketch: int | None, *, groups: bool = False, held_out: bool = False) -> None:
    """Errors: UsageError for a sketch beside what it cannot tell: intervals, or values of held-out samples."""
    for name, given in (("groups", groups), ("held_out", held_out)):
        if sketch is not None and given:
            raise UsageError(
                Argument("sketch", sketch), " keeps too little of the features for ", Argument(name), ". Leave one out."
            )

"""Which columns of a matrix without names are the targets: numbers, or names that its layout gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from deepnrc.errors import UsageError
from deepnrc.wording import did_you_mean, listing

NUMBER = re.compile(r"\s*-?\d+\s*")


def parts(targets: Sequence[str] | str) -> list[str]:
    """The single columns in "a,b" or ["a", "b"] or ["a,b"]."""
    return [part.strip() for text in ([targets] if isinstance(targets, str) else targets) for part in text.split(",")]


def are_numbers(targets: Sequence[str] | str | None) -> bool:
    """Whether the columns are all given by number, such as "8,9" or "-2,-1"."""
    return bool(targets) and all(NUMBER.fullmatch(part) for part in parts(targets or ()))


def numbered(
    targets: Sequence[str] | str, width: int, source: str, names: Mapping[str, int] | None = None
) -> list[int]:
    """The numbers, from 0, of the columns that `targets` gives by number, from the end if negative, or by name.

    Errors: UsageError for a name that is not among `names`, a number outside the `width` columns, and one given twice.
    """
    found = []
    for part in parts(targets):
        known = dict(names or {})
        if part not in known and not NUMBER.fullmatch(part):
            by_name = f" or names: {listing(known)}" if known else ""
            raise UsageError(
                f"There is no target column {part!r} in '{source}'.{did_you_mean(part, known)} Give column numbers, "
                f"from 0 to {width - 1}{by_name}."
            )
        number = known[part] if part in known else int(part)
        if not -width <= number < width:
            raise UsageError(f"'{source}' has {width} columns, numbered from 0; there is no column {number}.")
        found.append(number % width)
    if len(set(found)) < len(found):
        raise UsageError(f"A target column is named twice: {listing(parts(targets))}. Name each once.")
    return found

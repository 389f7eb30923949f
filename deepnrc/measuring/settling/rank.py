"""The signal rank k as the user sets it."""

from __future__ import annotations

from deepnrc.arguments import whole
from deepnrc.errors import UsageError
from deepnrc.wording import Argument, Either, Given, listing


def as_rank(rank: object) -> int:
    """A whole number from 1. Errors: UsageError for anything else."""
    try:
        k = whole(rank, "rank")
    except UsageError:
        k = 0
    if k < 1:
        raise UsageError(
            Argument("rank", rank),
            " must be a whole number from 1",
            Either(", or None for the targets' own", ""),
            f"; it is {rank!r}.",
        )
    return k


def check_rank(rank: int | None, widths: dict[str, int]) -> None:
    """Errors: UsageError for a rank above the width of a layer."""
    if rank is None:
        return
    narrow = [f"{key} ({width})" for key, width in widths.items() if width < rank]
    if narrow:
        raise UsageError(
            Given("rank", rank),
            f" exceeds the width of {listing(narrow)}. Choose a smaller rank, or leave these layers out.",
        )

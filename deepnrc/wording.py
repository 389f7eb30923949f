"""Phrases that error messages share: a shortened list of names, and the names nearest to a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable


def listing(names: Collection[str], limit: int = 8) -> str:
    """The first `limit` names in quotes, then how many more there are; "none" if there are no names.

    >>> listing(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more"
    """
    if not names:
        return "none"
    shown = ", ".join(f"'{name}'" for name in list(names)[:limit])
    hidden = len(names) - limit
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A sentence with up to three of `names` that look like `name`, or nothing if none does.

    >>> did_you_mean("resnet81", ["resnet18", "vit"])
    " Did you mean 'resnet18'?"
    """
    lowered = {known.lower(): known for known in names}
    close = [lowered[match] for match in difflib.get_close_matches(name.lower(), lowered, n=3)]
    return f" Did you mean {' or '.join(repr(match) for match in close)}?" if close else ""

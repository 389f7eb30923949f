"""Arguments that come in several kinds, as the one kind that tables and records hold."""

from __future__ import annotations

import operator

from deepnrc.errors import UsageError
from deepnrc.wording import Argument


def whole(value: object, what: str | Argument) -> int:
    """A whole number of any kind, numpy's too, as Python's. Errors: UsageError, naming ``what`` it is not."""
    try:
        if not isinstance(value, bool):
            return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    raise UsageError(what, f" must be a whole number; it is {value!r}.")

"""When a tracker measures: at log-spaced steps, at every so many, or at those that are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from deepnrc.arguments import whole
from deepnrc.errors import UsageError
from deepnrc.wording import Argument

PER_DECADE = 8
Steps = str | int | Iterable[int]


def log_spaced(step: int, per_decade: int = PER_DECADE) -> bool:
    """Whether ``step`` is one of the log-spaced points 0, 1, 2, 3, 4, 6, 7, 10, 13, 18, 24, 32, 42, 56, 75, 100, ..."""
    if step < 2:
        return step >= 0
    exponent = 0
    while (point := round(10 ** (exponent / per_decade))) < step:
        exponent += 1
    return point == step


def schedule(steps: Steps) -> Callable[[int], bool]:
    """Whether a step is due. Errors: UsageError for what is no schedule."""
    if isinstance(steps, str) and steps == "log":
        return log_spaced
    if isinstance(steps, Iterable) and not isinstance(steps, str):
        chosen = frozenset(whole(step, "A step") for step in steps)
        return chosen.__contains__
    if hasattr(steps, "__index__") and not isinstance(steps, bool) and (every := whole(steps, "A step")) >= 1:
        return lambda step: step % every == 0
    raise UsageError(
        Argument("steps", steps), f" must be 'log', a whole number from 1, or several whole numbers; it is {steps!r}."
    )

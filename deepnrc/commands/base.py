"""What the commands of `deepnrc` share: the flag that all have, exit codes, and the threshold of collapse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from tyro.conf import arg as tyro_arg

GOOD, UNREADABLE, DEGENERATE = 0, 3, 4


def arg(**words: Any) -> Any:
    """A flag's words; help tells its default where that is a value, and not that there is none."""
    return tyro_arg(help_behavior_hint=_default, **words)


def _default(value: str) -> str:
    return "" if value in ("", "None", "False", "True", "MISSING") else f"(default: {value})"


Tau = Annotated[float, arg(metavar="TAU", help="Noise fraction up to which a layer is low in noise.")]


@dataclass(frozen=True)
class Command:
    """What every command has."""

    debug: Annotated[bool, arg(help="Show the traceback of an error.")] = False

    def run(self) -> int:
        """Do it; the exit code."""
        raise NotImplementedError

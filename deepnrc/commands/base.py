"""What the commands of `deepnrc` share: the flag that all have, exit codes, and the threshold of collapse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import arg

GOOD, UNREADABLE, DEGENERATE = 0, 3, 4
Tau = Annotated[float, arg(metavar="TAU", help="Noise fraction up to which a layer is low in noise.")]


@dataclass(frozen=True)
class Command:
    """What every command has."""

    debug: Annotated[bool, arg(help="Show the traceback of an error.")] = False

    def run(self) -> int:
        """Do it; the exit code."""
        raise NotImplementedError

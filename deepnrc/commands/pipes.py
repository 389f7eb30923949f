"""What is printed into a pipe, whose reader may leave before the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


def while_read(work: Callable[[], int]) -> int:
    """The exit code that ``work`` returns; 0, in silence, where nobody reads what it prints any more, as in `deepnrc
    probe --help | head`: who reads has seen enough."""
    try:
        try:
            return work()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0

"""What is printed into a pipe, whose reader may leave before the end."""

from __future__ import annotations

import os
import select
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
    except BrokenPipeError as error:
        if not reader_left(error):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def reader_left(error: BaseException) -> bool:
    """Whether an error is that nobody reads what is printed any more, and not that of another pipe, such as a
    worker's."""
    return isinstance(error, BrokenPipeError) and (not hasattr(select, "poll") or _closed(sys.stdout.fileno()))


def _closed(pipe: int) -> bool:
    """Whether the other end is closed."""
    poll = select.poll()
    poll.register(pipe, select.POLLOUT)
    return any(event & select.POLLERR for _, event in poll.poll(0))

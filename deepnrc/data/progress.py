"""Progress bars: in a terminal as they are known, else one line every ten seconds."""

from __future__ import annotations

import contextlib
import contextvars
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any, TextIO

from tqdm.std import tqdm

SECONDS = 10.0  # from one line of a log to the next
LINE = "{desc}: {n_fmt}/{total_fmt} {unit}, {elapsed} gone, {remaining} left"
UNKNOWN = "{desc}: {n_fmt} {unit}, {elapsed} gone"
WANTED = contextvars.ContextVar("WANTED", default=True)


class Lines:
    """A stream to which a bar writes whole lines: what it would draw over itself is written below one another."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        """Write a bar's text as a line, unless it only clears the last one."""
        if said := text.strip("\r\n ").replace("\x1b[A", ""):
            self.stream.write(f"{said}\n")

    def flush(self) -> None:
        """Pass it on."""
        self.stream.flush()


@contextlib.contextmanager
def quiet(silent: bool = True) -> Iterator[None]:
    """Inside the block no bar is shown, of data that are read or drawn either, if ``silent``."""
    before = WANTED.set(WANTED.get() and not silent)
    try:
        yield
    finally:
        WANTED.reset(before)


def progress_bar(steps: Iterable[Any] | None = None, *, progress: bool = True, delay: float = 2, **options: Any) -> Any:
    """A tqdm bar over ``steps``, or one to update by hand.

    In a notebook it is a widget where widgets are installed. Without a terminal, as in a file or a cluster's log, it is
    a line every ten seconds, and none of what takes less.

    Args:
        progress: whether to show it at all.
        delay: seconds before it is shown.
        options: of tqdm.
    """
    if not (progress and WANTED.get()):
        return tqdm(steps, disable=True, **options)
    if sys.stderr.isatty():
        return tqdm(steps, delay=delay, **{"leave": False, **options})
    if "ipykernel" in sys.modules and find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm as widget

        return widget(steps, delay=delay, **{"leave": False, **options})
    total = options.get("total", len(steps) if hasattr(steps, "__len__") else None)  # type: ignore[arg-type]
    lines = {"mininterval": SECONDS, "maxinterval": SECONDS, "miniters": 1, "position": 0, "leave": False}
    form = UNKNOWN if total is None else LINE
    return tqdm(steps, **{**options, **lines}, delay=SECONDS, file=Lines(sys.stderr), bar_format=form)

"""Several layers at once, each on a thread of its own that computes on one core."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(function: Callable[[Item], Result], items: Sequence[Item], most: int | None = None) -> Iterator[Result]:
    """``function`` of each item, in their order; as many at once as torch has threads here, and no more than ``most``.

    On a thread of its own torch computes on one core and without gradients; where only one item is computed at once,
    it is on the caller's thread, as it is. If one fails, those that began are waited for, and no other begins.
    """
    count = min(torch.get_num_threads(), len(items), len(items) if most is None else most)
    if count < 2:
        yield from map(function, items)
        return
    pool = _pool(count)
    begun = [pool.submit(contextvars.copy_context().run, _alone, function, item) for item in items]
    try:
        for one in begun:
            yield one.result()
    finally:
        for one in begun:
            one.cancel()
        wait(begun)


def _alone(function: Callable[[Item], Result], item: Item) -> Result:
    with torch.no_grad():
        return function(item)


@cache
def _pool(count: int) -> ThreadPoolExecutor:
    """Threads that stay for what comes next: torch's own state of a thread takes longer to make than a small layer."""
    threads, all_there = torch.get_num_threads(), threading.Barrier(count)
    pool = ThreadPoolExecutor(count, "layers", initializer=_on_one_core)
    wait([pool.submit(all_there.wait) for _ in range(count)])
    torch.set_num_threads(threads)  # the number is a thread's own, but new threads begin with the last that any set
    return pool


def _on_one_core() -> None:
    torch.get_num_threads()  # the first question sets what new threads begin with
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # a forked process has none of the threads
    os.register_at_fork(after_in_child=_pool.cache_clear)

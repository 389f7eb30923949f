"""Several layers at once, each on a thread of its own that computes on one core."""

from __future__ import annotations

import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 2  # items for each thread that have begun, or are ready to
LOCK = threading.Lock()
POOLS: dict[int, ThreadPoolExecutor] = {}  # by the number of threads, the one that is kept


def threads_for(count: int) -> int:
    """How many of ``count`` pieces of work are to be computed at once: as many as torch has threads here; one, with all
    of torch's threads for it, where the pieces would leave more than half of the cores idle."""
    threads = torch.get_num_threads()
    return threads if 2 * count >= threads and count > 1 else 1


def in_parallel(
    function: Callable[[Item], Result], items: Iterable[Item], at_once: int
) -> Generator[Result, None, None]:
    """``function`` of each item, in their order, so many at once; of each in turn on the caller's own thread for one.

    Items are made on the caller's thread, one after the other, and a few ahead; while others compute torch makes them
    on one core. On a thread of its own torch computes on one core and without gradients. Once a failure is met, or the
    iterator is closed, no further item begins, and those that began are waited for.
    """
    pool = _pool(at_once) if at_once > 1 else None
    if pool is None:
        yield from map(function, items)
        return
    begun: deque[Future[Result]] = deque()
    try:
        for item in items if isinstance(items, Sequence) else _made_on_one_core(items):
            if len(begun) >= AHEAD * at_once:
                yield begun.popleft().result()
            begun.append(_submitted(pool, function, item))
        while begun:
            yield begun.popleft().result()
    finally:
        for one in begun:
            one.cancel()
        wait(begun)


def _made_on_one_core(items: Iterable[Item]) -> Generator[Item, None, None]:
    """The items, each made on one core: a team of threads here would wait for cores on which others compute.

    The number is OpenMP's own, of this thread alone: torch's is what threads begin with that are made meanwhile.
    """
    made = iter(items)
    while True:
        before = [team.get_num_threads() for team in _teams()]
        for team in _teams():
            team.set_num_threads(1)
        try:
            item = next(made)
        except StopIteration:
            return
        finally:
            for team, threads in zip(_teams(), before, strict=True):
                team.set_num_threads(threads)
        yield item


@cache
def _teams() -> tuple[Any, ...]:
    """The OpenMP libraries that are loaded."""
    from threadpoolctl import ThreadpoolController

    return tuple(one for one in ThreadpoolController().lib_controllers if one.user_api == "openmp")


def _submitted(pool: ThreadPoolExecutor, function: Callable[[Item], Result], item: Item) -> Future[Result]:
    try:
        return pool.submit(contextvars.copy_context().run, _alone, function, item)
    except RuntimeError:  # the interpreter is ending, and begins no thread any more
        done: Future[Result] = Future()
        done.set_result(function(item))
        return done


def _alone(function: Callable[[Item], Result], item: Item) -> Result:
    with torch.no_grad():
        return function(item)


def _pool(count: int) -> ThreadPoolExecutor | None:
    """Threads that stay for what comes next, as torch's own state of a thread takes longer to make than a small layer;
    None where they cannot begin."""
    with LOCK:
        if count not in POOLS:
            made = _begun(count)
            if made is None:
                return None
            for other in POOLS.values():
                other.shutdown(wait=False)  # what it was given is computed
            POOLS.clear()
            POOLS[count] = made
        return POOLS[count]


def _begun(count: int) -> ThreadPoolExecutor | None:
    threads, all_there = torch.get_num_threads(), threading.Barrier(count)
    pool = ThreadPoolExecutor(count, "layers", initializer=_on_one_core)
    try:
        wait([pool.submit(all_there.wait) for _ in range(count)])
    except RuntimeError:
        all_there.abort()
        pool.shutdown(wait=False)
        return None
    finally:
        torch.set_num_threads(threads)  # a thread's own, but new threads begin with the last number that any set
    return pool


def _on_one_core() -> None:
    torch.get_num_threads()  # the first question sets what new threads begin with
    torch.set_num_threads(1)


def _forget() -> None:
    """A forked process has none of the threads, and nobody who holds the lock."""
    global LOCK
    LOCK = threading.Lock()
    POOLS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

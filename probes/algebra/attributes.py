"""What is computed when it is first asked for, by any number of threads: attributes, and functions of statistics."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Generic, Protocol, TypeVar, overload
from weakref import WeakKeyDictionary

T = TypeVar("T")


class Counting(Protocol):
    """A statistic that has seen ``count`` samples."""

    count: int


Counted = TypeVar("Counted", bound=Counting)


class once(Generic[T]):  # noqa: N801
    """A method read like an attribute, whose value is kept in the instance's own dictionary.

    ``functools.cached_property`` as it is since Python 3.12. Before, it holds a lock that all instances share: objects
    of two threads wait for one another, and for good where one attribute reads another.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        self.function, self.__doc__ = function, function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> once[T]: ...

    @overload
    def __get__(self, instance: object, owner: type | None = None) -> T: ...

    def __get__(self, instance: object | None, owner: type | None = None) -> once[T] | T:
        if instance is None:
            return self
        value = self.function(instance)
        vars(instance)[self.name] = value  # found before this is, from now on
        return value


@dataclass
class _Kept:
    """What a function gave of a statistic when that had seen so many samples."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = -1
    value: Any = None


def once_each(function: Callable[[Counted], T]) -> Callable[[Counted], T]:
    """The function of a statistic, computed once for each, and anew when that has seen more: all layers read the same
    network's outputs. Who asks while another thread computes it waits."""
    found: WeakKeyDictionary[Counted, _Kept] = WeakKeyDictionary()
    lock = threading.Lock()

    def forget() -> None:  # a forked process has none of the threads that held a lock
        nonlocal lock
        lock = threading.Lock()
        found.clear()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)

    @wraps(function)
    def asked(statistic: Counted) -> T:
        with lock:
            kept = found.setdefault(statistic, _Kept())
        with kept.lock:
            if kept.count != statistic.count:
                kept.value, kept.count = function(statistic), statistic.count
            value: T = kept.value
            return value

    return asked

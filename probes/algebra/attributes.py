"""Attributes that are computed when they are first asked for, by any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


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

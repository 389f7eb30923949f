"""Batches made by a user's own factory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset

from deepnrc.errors import UsageError
from deepnrc.loading import call, resolve


def produced(spec: str) -> Dataset[Any] | Iterable[Any]:
    """What the factory named by `spec` makes: a data set of samples, or an iterable of batches.

    A generator can be read only once, so its factory is called anew for every pass over the data.
    Errors: UsageError if the factory fails, or makes something else.
    """
    found = resolve(spec)
    made = call(found, spec) if callable(found) and not isinstance(found, Dataset | DataLoader) else found
    if isinstance(made, Dataset | DataLoader):
        return made
    if isinstance(made, Iterator) and callable(found):
        return Produced(found)
    if isinstance(made, Iterable) and not isinstance(made, Iterator | str | bytes | dict):
        return Produced(lambda: made)
    raise UsageError(
        f"{spec!r} made a value of type {type(made).__name__}, not data. Let it return a DataLoader, a Dataset, "
        "or a list or generator of (inputs, targets) batches."
    )


class Produced:
    """The batches that `make` makes, made anew for each pass."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def __iter__(self) -> Iterator[Any]:
        yield from self.make()

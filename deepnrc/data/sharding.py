"""Each process its own samples, without repeating any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from deepnrc.errors import UsageError


class Shard:
    """Every ``count``-th batch of a loader, from ``number`` on, from 0; what else the loader has (a data set, a target
    resolution) is the loader's."""

    def __init__(self, loader: Iterable[Any], number: int, count: int) -> None:
        self.loader, self.number, self.count = loader, number, count

    def __iter__(self) -> Iterator[Any]:
        for place, batch in enumerate(self.loader):
            if place % self.count == self.number:
                yield batch

    def __len__(self) -> int:
        whole = len(self.loader)  # type: ignore[arg-type]
        return (whole - self.number + self.count - 1) // self.count

    def __getattr__(self, name: str) -> Any:
        if name in ("loader", "groups"):  # labels are one a sample of the whole
            raise AttributeError(name)
        return getattr(self.loader, name)


def shard(loader: Any, number: int | None = None, count: int | None = None) -> Iterable[Any]:
    """This process's batches of a loader that gives all processes the same ones: every sample goes to one process, and
    none is repeated to make them even, as a ``DistributedSampler`` does.

    Args:
        loader: anything that yields batches in the same order on every process (no shuffling, unless seeded alike), or
            a pair (X, Y) of whole tensors, of which every ``count``-th row is taken.
        number, count: this process's number, from 0, and how many there are; those of torch.distributed if not given.
    Errors: UsageError if they are not given and there is no process group.
    """
    from torch import distributed

    from deepnrc.data.batches import as_loader

    if number is None or count is None:
        if not (distributed.is_available() and distributed.is_initialized()):
            raise UsageError("There is no process group: give number and count, or start with torchrun.")
        number, count = distributed.get_rank(), distributed.get_world_size()
    if not 0 <= number < count:
        raise UsageError(f"The number of a process goes from 0 to count - 1 = {count - 1}; it is {number}.")
    if isinstance(loader, tuple) and len(loader) == 2 and all(hasattr(part, "__len__") for part in loader):
        return as_loader((loader[0][number::count], loader[1][number::count]))
    return Shard(as_loader(loader), number, count)

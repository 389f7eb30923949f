"""Each process its own samples, without repeating any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from deepnrc.errors import UsageError


class Shard:
    """Every ``count``-th batch of a loader, from number ``rank``; what else the loader has (``groups``, a data set, a
    target resolution) is the loader's."""

    def __init__(self, loader: Iterable[Any], rank: int, count: int) -> None:
        self.loader, self.rank, self.count = loader, rank, count

    def __iter__(self) -> Iterator[Any]:
        for number, batch in enumerate(self.loader):
            if number % self.count == self.rank:
                yield batch

    def __len__(self) -> int:
        whole = len(self.loader)  # type: ignore[arg-type]
        return (whole - self.rank + self.count - 1) // self.count

    def __getattr__(self, name: str) -> Any:
        if name in ("loader", "groups"):  # labels are one a sample of the whole
            raise AttributeError(name)
        return getattr(self.loader, name)


def shard(loader: Any, rank: int | None = None, count: int | None = None) -> Iterable[Any]:
    """This process's batches of a loader that gives all processes the same ones: every sample goes to one process, and
    none is repeated to make them even, as a ``DistributedSampler`` does.

    Args:
        loader: anything that yields batches in the same order on every process (no shuffling, unless seeded alike), or
            a pair (X, Y) of whole tensors, of which every ``count``-th row is taken.
        rank, count: this process's number and how many there are; those of torch.distributed if not given.
    Errors: UsageError if they are not given and there is no process group, or the loader is read up by one pass.
    """
    from torch import distributed

    from deepnrc.data.batches import as_loader

    if rank is None or count is None:
        if not (distributed.is_available() and distributed.is_initialized()):
            raise UsageError("There is no process group: give rank and count, or start with torchrun.")
        rank, count = distributed.get_rank(), distributed.get_world_size()
    if not 0 <= rank < count:
        raise UsageError(f"rank must be from 0 to count - 1 = {count - 1}; it is {rank}.")
    if isinstance(loader, tuple) and len(loader) == 2 and all(hasattr(part, "__len__") for part in loader):
        return as_loader((loader[0][rank::count], loader[1][rank::count]))
    return Shard(as_loader(loader), rank, count)

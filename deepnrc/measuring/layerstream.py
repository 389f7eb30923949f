"""One layer's streaming statistics, and where they lie in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from deepnrc.networks.layers import Site
from deepnrc.networks.taps import Reading
from probes import STATISTICS

# Adding X'X to a d x d matrix reads and writes all of it, so small batches wait until they make this many rows.
GATHERED = 256
APART = 5_000_000  # numbers, 40 MB: above what glibc takes from its heap; pages that are not used cost nothing


@dataclass
class LayerStream:
    """One layer's statistics so far; ``flush`` brings them up to date.

    Attributes:
        key: the layer's name in the table (with "#2" for a second run kept as a layer of its own).
        statistics: by name; "moments" always.
        n: target width.
        roundoff: the coarsest unit roundoff seen.
        pool: the pooling that was done.
    """

    key: str
    site: Site
    depth: int
    top: bool
    pool: str
    width: int
    n: int
    statistics: dict[str, Any]
    roundoff: float = 0.0
    gathered: Tensor | None = None
    filled: int = 0

    def update(self, reading: Reading, Y: Tensor, number: int) -> None:
        """Feed one batch, which ``Streams`` has let pass, to the statistics of pass ``number``.

        Args:
            Y: (N, n), or (N, n + 1) with the class that the network predicts, -1 if unknown, beside the targets.
        """
        rows, repeats = reading.pooled.rows, reading.pooled.repeats
        wide = Y if repeats == 1 else Y.repeat_interleave(repeats, 0)
        wide = wide.to(rows.device)
        self.roundoff = max(self.roundoff, reading.roundoff)
        centred = rows if number == 1 else rows - self.statistics["moments"].mean[: self.width]
        if self.filled + len(centred) > GATHERED:
            self.flush(number)
        if len(centred) >= GATHERED:
            self._feed(centred, wide, number)
        else:
            self._gather(centred, wide)

    def flush(self, number: int) -> None:
        """Feed what waits to the statistics of pass ``number``."""
        if self.gathered is not None and self.filled:
            rows, self.filled = self.gathered[: self.filled], 0
            self._feed(rows[:, : self.width], rows[:, self.width :], number)

    def _gather(self, H: Tensor, Y: Tensor) -> None:
        # one buffer for good: rows that were kept as they came would lie between the network's own tensors and make
        # the allocator ask the system for new memory in every forward pass
        if self.gathered is None:
            self.gathered = H.new_empty(GATHERED, self.width + Y.shape[1])
        rows = self.gathered[self.filled : self.filled + len(H)]
        rows[:, : self.width] = H
        rows[:, self.width :] = Y
        self.filled += len(H)

    def _feed(self, H: Tensor, Y: Tensor, number: int) -> None:
        for name, statistic in self.statistics.items():
            if STATISTICS[name][1] == number:
                predicted = [Y[:, self.n]] if "predicted" in wants(name) else []
                statistic.update(H, Y[:, : self.n], *predicted)


def wants(name: str) -> tuple[str, ...]:
    """What a statistic must be given beside features and targets: "classes" as targets, "predicted" classes."""
    return tuple(getattr(STATISTICS[name][0], "wants", ()))


def together(statistics: Sequence[Any]) -> None:
    """Move the statistics' tensors into one block, so large that the system maps it apart from the network's memory:
    scattered between the network's own tensors they would slow its forward pass by a third. What shares its memory
    with another tensor stays where it is, so that both go on sharing it."""
    held = [
        (owner, name, value)
        for owner in statistics
        for name, value in getattr(owner, "__dict__", {}).items()
        if isinstance(value, Tensor) and value.device.type == "cpu" and value.layout == torch.strided
    ]
    holders = Counter(value.untyped_storage().data_ptr() for _, _, value in held)
    found = [item for item in held if _alone(item[2], holders)]
    size = max(APART, sum(value.numel() for _, _, value in found))
    block = torch.empty(size, dtype=torch.float64, device="cpu")
    start = 0
    for owner, name, value in found:
        place = block[start : start + value.numel()].view(value.shape)
        setattr(owner, name, place.copy_(value))
        start += value.numel()


def _alone(value: Tensor, holders: Counter[int]) -> bool:
    """Whether a float64 tensor is all that is held in its memory."""
    memory = value.untyped_storage()
    whole = value.dtype == torch.float64 and memory.nbytes() == value.numel() * value.element_size()
    return whole and not value._is_view() and holders[memory.data_ptr()] == 1

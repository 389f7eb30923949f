"""Which layers are measured in which reading of the data, so that their statistics fit into memory at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from deepnrc.errors import UsageError
from deepnrc.measuring.streaming.memory import sketching
from deepnrc.wording import Argument, Remedy, sized


@dataclass
class Parting:
    """Layers in parts, in the order in which they run.

    Attributes:
        memory: bytes that the statistics may take; None for all at once.
        named: whether a user chose them: else a layer may take more by itself.
        held_out: whether statistics of held-out samples stand beside.
        grouped: whether groups of samples have statistics of their own.
        sketch: how many random directions are kept of the features of wider layers; None for their covariances.
        batches: how many the data has; None where it does not say.
        parts: keys of the layers of each part; empty before the first batch.
        number: which part is being read, from 0.
        host: key of the layer that stands for the network.
    """

    memory: int | None = None
    named: bool = False
    held_out: bool = False
    grouped: bool = False
    sketch: int | None = None
    batches: int | None = None
    parts: list[list[str]] = field(default_factory=list)
    number: int = 0
    host: str = ""

    def plan(self, sizes: Mapping[str, int], top: str | None) -> None:
        """Part the layers.

        Args:
            sizes: bytes of each layer's statistics, by its key.
            top: key of the top layer, if it is known.
        """
        self.host = list(sizes)[-1] if top is None or top not in sizes else top
        if self.named and self.memory is not None:
            check_fits(sizes, self.memory, sketches=self.sketch is None and not self.held_out and not self.grouped)
        self.parts = [list(sizes)] if self.memory is None else parted(sizes, self.memory)

    def shape(self, rows: Tensor) -> tuple[int | None, int]:
        """About how many rows there are of a layer with such ones (N, d) in a batch, or random directions of a sketched
        one, and d; None where that is open."""
        N, d = None if self.batches is None else self.batches * len(rows), rows.shape[1]
        sketched = self.sketch is not None and self.sketch < d
        return min(n for n in (N, self.sketch) if n is not None) if sketched else N, d

    @property
    def here(self) -> list[str]:
        """Keys of the layers of this part."""
        return self.parts[self.number]

    @property
    def only(self) -> set[str] | None:
        """The same; None for all layers there are."""
        return None if len(self.parts) < 2 else set(self.here)

    @property
    def more(self) -> bool:
        """Whether parts follow."""
        return self.number + 1 < len(self.parts)

    @property
    def depths(self) -> dict[str, int]:
        """Depth of each layer, from 0."""
        return {key: depth for depth, key in enumerate(key for part in self.parts for key in part)}


def parted(sizes: Mapping[str, int], memory: int) -> list[list[str]]:
    """Keys in as few parts of consecutive ones as go into ``memory`` bytes, a larger one in a part of its own.

    >>> parted({"a": 3, "b": 3, "c": 9, "d": 1}, 6)
    [['a', 'b'], ['c'], ['d']]
    """
    parts: list[list[str]] = []
    left = 0
    for key, size in sizes.items():
        if not parts or size > left:
            parts.append([])
            left = memory
        parts[-1].append(key)
        left -= size
    return parts


def check_fits(sizes: Mapping[str, int], memory: int, *, sketches: bool = False) -> None:
    """Errors: UsageError if one layer alone takes more than the memory that there is.

    Args:
        sketches: whether a sketch may be taken.
    """
    key = max(sizes, key=sizes.__getitem__)
    if sizes[key] > memory:
        raise UsageError(
            f"The statistics of layer '{key}' alone take {sized(sizes[key])}, more than ",
            Argument("memory", memory),
            f" = {sized(memory)}. Give more, pool to fewer features, such as with ",
            Remedy("pool", "mean"),
            *sketching(math.isqrt(sizes[key] // 8), 0, memory if sketches else 0),
            ", or leave it out with ",
            Remedy("layers", [f"!{key.partition('#')[0]}"]),
            ".",
        )


def least(memories: Sequence[int | None]) -> int | None:
    """The least memory of several processes, which all have the same parts; None where none is known."""
    return min((memory for memory in memories if memory is not None), default=None)

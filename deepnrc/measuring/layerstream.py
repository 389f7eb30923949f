"""One layer's streaming statistics, fed in batches that are worth their while."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from deepnrc.networks import Reading, Site
from probes import Batch, Moments, Opening, Pass, Statistic

# Adding X'X to a d x d matrix reads and writes all of it, so small batches wait until they make this many rows.
GATHERED = 256


@dataclass(frozen=True)
class BatchLabels:
    """What is known of a batch whatever the layer: targets Y (N, n), and the classes (N,) that the targets are and that
    the network predicts, None where they are unknown."""

    Y: Tensor
    classes: Tensor | None = None
    predicted: Tensor | None = None

    def beside(self, H: Tensor, repeats: int | Tensor) -> Batch:
        """The batch of a layer whose rows H (N * repeats, d) belong to these samples."""

        def wide(given: Tensor | None) -> Tensor | None:
            if given is None:
                return None
            if isinstance(repeats, int) and repeats == 1:
                return given.to(H.device)
            times = repeats if isinstance(repeats, int) else repeats.to(given.device)
            return given.repeat_interleave(times, 0).to(H.device)

        Y = wide(self.Y)
        assert Y is not None
        return Batch(H, Y, wide(self.classes), wide(self.predicted))


@dataclass
class LayerStream:
    """One layer's statistics so far; ``flush`` brings them up to date.

    Attributes:
        key: the layer's name in the table (with "#2" for a second run kept as a layer of its own).
        top: whether it stands in front of the network's outputs.
        pool: the pooling that was done.
        width: d, of the features.
        n: target width.
        statistics: by name; "moments" always.
        roundoff: the coarsest unit roundoff seen.
    """

    key: str
    site: Site
    depth: int
    top: bool
    pool: str
    width: int
    n: int
    device: torch.device
    statistics: dict[str, Statistic] = field(default_factory=dict)
    roundoff: float = 0.0
    waiting: RowBuffer | None = None

    @property
    def moments(self) -> Moments:
        return self.opening.finished("moments", Moments)

    @property
    def opening(self) -> Opening:
        """What a statistic that begins now is told."""
        return Opening(self.width, self.n, self.device, self.statistics)

    def update(self, reading: Reading, samples: BatchLabels, number: Pass) -> None:
        """Feed one batch, which ``Streams`` has let pass, to the statistics of pass ``number``."""
        rows, self.roundoff = reading.pooled.rows, max(self.roundoff, reading.roundoff)
        centred = rows if number is Pass.FIRST else rows - self.moments.mean[: self.width]
        batch = samples.beside(centred, reading.pooled.repeats)
        if self.waiting is not None and not self.waiting.takes(batch):
            self.flush(number)
        if batch.N >= GATHERED:
            self._feed(batch, number)
        else:
            self.waiting = self.waiting or RowBuffer(batch)
            self.waiting.add(batch)

    def flush(self, number: Pass) -> None:
        """Feed what waits to the statistics of pass ``number``."""
        if self.waiting is not None and self.waiting.filled:
            self._feed(self.waiting.taken(), number)

    def _feed(self, batch: Batch, number: Pass) -> None:
        for statistic in self.statistics.values():
            if statistic.in_pass is number:
                statistic.update(batch)


class RowBuffer:
    """Up to ``GATHERED`` rows that wait to be fed.

    One buffer for good: rows that were kept as they came would lie between the network's own tensors and make the
    allocator ask the system for new memory in every forward pass.
    """

    def __init__(self, like: Batch) -> None:
        self.width = like.H.shape[1]
        self.rows = like.H.new_empty(GATHERED, self.width + like.Y.shape[1])
        self.labels = like.H.new_empty(2, GATHERED, dtype=torch.int64)
        self.known = (False, False)
        self.filled = 0

    def takes(self, batch: Batch) -> bool:
        """Whether there is room for the batch, and as much is known of its samples as of those that wait."""
        return self.filled == 0 or (self.filled + batch.N <= GATHERED and self.known == _known(batch))

    def add(self, batch: Batch) -> None:
        """Copy the rows of a batch behind those that wait."""
        here = slice(self.filled, self.filled + batch.N)
        self.rows[here, : self.width] = batch.H
        self.rows[here, self.width :] = batch.Y
        for labels, given in zip(self.labels, (batch.classes, batch.predicted), strict=True):
            if given is not None:
                labels[here] = given
        self.known = _known(batch)
        self.filled += batch.N

    def taken(self) -> Batch:
        """All that waits as one batch, in the buffer's own memory, after which nothing waits."""
        rows, labels, self.filled = self.rows[: self.filled], self.labels[:, : self.filled], 0
        classes, predicted = (one if known else None for one, known in zip(labels, self.known, strict=True))
        return Batch(rows[:, : self.width], rows[:, self.width :], classes, predicted)


def _known(batch: Batch) -> tuple[bool, bool]:
    return batch.classes is not None, batch.predicted is not None

"""One layer's streaming statistics, fed in batches that are worth their while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from deepnrc.networks import Reading, Site
from probes import Batch, Moments, Opening, Pass, Statistic

# Adding X'X to a d x d matrix reads and writes all of it, so batches wait until they fill so many bytes; on an
# accelerator starting a product takes longer than the product itself, too.
FILLED, LEAST, MOST, STARTED = 2**23, 256, 2048, 4096  # bytes; rows: at least, at most, at most on an accelerator
ALL = -1  # the group of all samples, where they are not parted


@dataclass(frozen=True)
class BatchLabels:
    """What is known of a batch whatever the layer: targets Y (N, n), and the classes (N,) that the targets are and that
    the network predicts, None where they are unknown; and the group (N,) of each sample, None where all are one."""

    Y: Tensor
    classes: Tensor | None = None
    predicted: Tensor | None = None
    groups: Tensor | None = None

    def beside(self, H: Tensor, repeats: int | Tensor) -> LayerRows:
        """The rows H (N * repeats, d) of a layer, beside what is known of these samples."""
        Y, classes, predicted = (_wide(given, repeats, H) for given in (self.Y, self.classes, self.predicted))
        assert Y is not None
        return LayerRows(H, Y, classes, predicted)

    def dealt(self, H: Tensor, repeats: int | Tensor) -> Iterator[tuple[int, LayerRows]]:
        """The same in the parts that belong to each group; whole, as of group ``ALL``, where all samples are one."""
        rows, groups = self.beside(H, repeats), _wide(self.groups, repeats, H)
        if groups is None:
            yield ALL, rows
            return
        for group in groups.unique().tolist():
            at = groups == group
            classes, predicted = (None if given is None else given[at] for given in (rows.classes, rows.predicted))
            yield group, LayerRows(rows.H[at], rows.Y[at], classes, predicted)


@dataclass(frozen=True)
class LayerRows:
    """A batch whose features H (N, d) are as the layer's reading holds them, in float32 or float64."""

    H: Tensor
    Y: Tensor
    classes: Tensor | None = None
    predicted: Tensor | None = None

    @property
    def N(self) -> int:
        return len(self.H)

    @property
    def batch(self) -> Batch:
        """The same in float64."""
        return Batch(self.H.to(torch.float64), self.Y, self.classes, self.predicted)


def _wide(given: Tensor | None, repeats: int | Tensor, H: Tensor) -> Tensor | None:
    """What is known of samples, for each of a layer's rows."""
    if given is None:
        return None
    if isinstance(repeats, int) and repeats == 1:
        return given.to(H.device)
    times = repeats if isinstance(repeats, int) else repeats.to(given.device)
    return given.repeat_interleave(times, 0).to(H.device)


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
        roundoff: the coarsest unit roundoff in which the features were held.
        coarsest: that of a product that ran before.
        groups: the statistics of the first pass of each group of samples, whose merge those of all are; empty where no
            intervals are asked for.
        fitted: the layer's finished statistics of other samples, about whose means those of a second pass are, which
            then see a first one; None for a second pass about its own.
        waiting: by pass and group, rows that wait to be fed.
        sketch: s, how many random directions of the features are kept in place of their covariance; None for all of it.
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
    coarsest: float = 0.0
    groups: list[dict[str, Statistic]] = field(default_factory=list)
    fitted: Mapping[str, Statistic] | None = None
    waiting: dict[tuple[Pass, int], RowBuffer] = field(default_factory=dict)
    sketch: int | None = None

    @property
    def moments(self) -> Moments:
        return self.opening.finished("moments", Moments)

    @property
    def opening(self) -> Opening:
        """What a statistic that begins now is told."""
        first = self.statistics if self.fitted is None else self.fitted
        return Opening(self.width, self.n, self.device, first, self.sketch)

    def begin(self, name: str, kind: type[Statistic], groups: int) -> None:
        """Begin a statistic of all samples, and one of each of so many groups. Errors: NotDefinedError."""
        self.statistics[name] = kind.begin(self.opening)
        if kind.in_pass is Pass.FIRST:
            self.groups = self.groups or [{} for _ in range(groups)]
            for held in self.groups:
                held[name] = kind.begin(self.opening)

    def keep(self, fed: Callable[[Statistic], bool]) -> None:
        """Drop the statistics that cannot be fed."""
        self.statistics = {name: s for name, s in self.statistics.items() if fed(s)}
        self.groups = [{name: s for name, s in held.items() if fed(s)} for held in self.groups]

    def update(self, reading: Reading, samples: BatchLabels, number: Pass) -> None:
        """Feed one batch, which ``Streams`` has let pass, to the statistics of pass ``number``."""
        rows, self.roundoff = reading.pooled.rows, max(self.roundoff, reading.roundoff)
        self.coarsest = max(self.coarsest, reading.coarsest)
        centred = rows if number is Pass.FIRST else rows - self.opening.finished("moments", Moments).mean[: self.width]
        enough = gathered(self.device, (self.width + self.n) * max(1, len(self.groups)))
        for group, part in samples.dealt(centred, reading.pooled.repeats):
            waiting = self.waiting.get((number, group))
            if waiting is not None and not waiting.takes(part):
                self._feed(*waiting.taken(), number, group)
            if enough // 2 < part.N:  # no two of them would wait together
                self._feed(part.batch, None, number, group)
            else:
                waiting = waiting or RowBuffer(part, enough)
                self.waiting[number, group] = waiting
                waiting.add(part)

    def flush(self) -> None:
        """Feed what waits, and bring the statistics of all samples up to date with those of the groups."""
        for (number, group), waiting in self.waiting.items():
            if waiting.filled:
                self._feed(*waiting.taken(), number, group)
        self.waiting.clear()
        if self.groups:
            self.statistics |= self.merged(range(len(self.groups)))

    def merged(self, groups: Iterable[int]) -> dict[str, Statistic]:
        """The statistics of the first pass over the samples of these groups."""
        chosen = [self.groups[group] for group in groups]
        found = {}
        for name, first in chosen[0].items():
            found[name] = type(first).begin(self.opening)
            for held in chosen:
                found[name].merge(held[name])
        return found

    def _feed(self, batch: Batch, memory: Tensor | None, number: Pass, group: int) -> None:
        """Feed a batch to the statistics of a pass, last to our own moments, which alone may write over its memory."""
        held = self.statistics if group == ALL else self.groups[group]
        for name, statistic in sorted(held.items(), key=lambda one: one[0] == "moments"):
            if statistic.in_pass is not number:
                continue
            if name == "moments" and type(statistic) is Moments:
                statistic.update(batch, memory=memory)
            else:
                statistic.update(batch)


def gathered(device: torch.device, width: int) -> int:
    """How many rows of so many numbers, those of all groups together, are fed at once."""
    return min(MOST if device.type == "cpu" else STARTED, max(LEAST, FILLED // (8 * width)))


class RowBuffer:
    """Up to so many rows that wait to be fed.

    Two pieces of memory for good, of which one is filled while what was taken is still read in the other: rows that
    were kept as they came, or copied anew, would make the allocator ask the system for memory in every forward pass.
    """

    def __init__(self, like: LayerRows, most: int) -> None:
        self.width, self.most = like.H.shape[1], most
        self.rows = like.H.new_empty(most + 1, self.width + like.Y.shape[1], dtype=torch.float64)
        self.labels = like.H.new_empty(2, most, dtype=torch.int64)
        self.other: Tensor | None = None
        self.known = (False, False)
        self.filled = 0

    def takes(self, rows: LayerRows) -> bool:
        """Whether there is room for more rows, and as much is known of their samples as of those that wait."""
        return self.filled == 0 or (self.filled + rows.N <= self.most and self.known == _known(rows))

    def add(self, rows: LayerRows) -> None:
        """Copy rows behind those that wait."""
        here = slice(self.filled, self.filled + rows.N)
        self.rows[here, : self.width] = rows.H
        self.rows[here, self.width :] = rows.Y
        for place, given in enumerate((rows.classes, rows.predicted)):
            if given is not None:
                self.labels[place, here] = given
        self.known = _known(rows)
        self.filled += rows.N

    def taken(self) -> tuple[Batch, Tensor | None]:
        """All that waits as one batch, after which nothing waits, and the memory that it lies in, which is not used
        until the next batch was taken; None for rows so wide that one piece of memory is enough to hold."""
        memory, labels = self.rows[: self.filled + 1], self.labels[:, : self.filled]
        lent = 8 * self.rows.numel() <= 2 * FILLED
        if lent:
            self.rows, self.other = torch.empty_like(self.rows) if self.other is None else self.other, self.rows
        self.filled = 0
        rows = memory[:-1]
        classes, predicted = (one if known else None for one, known in zip(labels, self.known, strict=True))
        batch = Batch(rows[:, : self.width], rows[:, self.width :], classes, predicted)
        return batch, memory if lent else None


def _known(rows: LayerRows) -> tuple[bool, bool]:
    return rows.classes is not None, rows.predicted is not None

"""Several processes under torch.distributed, each with samples of its own: every one holds the statistics of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.measuring.streaming.performance import Performance
from deepnrc.measuring.streaming.streams import Streams
from deepnrc.wording import Argument, Remedy
from probes import Pass, Statistic

AUTO = "auto"
Distributed = str | bool
T = TypeVar("T")


@dataclass
class Ranks:
    """The processes that probe together, as one of them sees them.

    Attributes:
        count: how many there are; one alone has nothing to merge.
        number: which of them this one is, from 0.
        seen: a checksum (N,) for each sample of this process.
        stopped: whether another rank's failure has been told, after which this one is not waited for.
    """

    count: int = 1
    number: int = 0
    seen: list[Tensor] = field(default_factory=list)
    stopped: bool = False

    @classmethod
    def of(cls, distributed: Distributed) -> Ranks:
        """The ranks of the process group, if there is one and it is asked for.

        Errors: UsageError for distributed=True without a process group, and for other words.
        """
        from torch import distributed as group

        if distributed not in (AUTO, True, False):
            raise UsageError(Argument("distributed", distributed), f" is 'auto', True or False; it is {distributed!r}.")
        there = group.is_available() and group.is_initialized()
        if distributed is True and not there:
            raise UsageError(
                "There is no process group to probe in. Call torch.distributed.init_process_group first, start with "
                "torchrun, or leave out ",
                Remedy("distributed", True),
                ".",
            )
        return cls(group.get_world_size(), group.get_rank()) if there and distributed else cls()

    def note(self, tensors: Sequence[Tensor], N: int) -> None:
        """Take a checksum of each of N samples of a batch, to tell of those that several ranks saw."""
        if self.count > 1:
            self.seen.append(sum((_checksums(t) for t in tensors if len(t) == N), torch.zeros(N, dtype=torch.int64)))

    def told(self, mine: Any) -> list[Any]:
        """What every rank says, in their order."""
        from torch import distributed as group

        if self.count == 1:
            return [mine]
        found: list[Any] = [None] * self.count
        group.all_gather_object(found, mine)
        return found

    def agreed(self, work: Callable[[], T]) -> T:
        """What work gives on this rank, once all have done theirs, so that none waits for one that failed.

        Errors: this rank's own; DataError if it is another's.
        """
        try:
            found = work()
        except Exception as error:  # the other ranks are told of any
            if not self.stopped:
                self.settle(error)
            raise
        self.settle(None)
        return found

    def settle(self, error: BaseException | None) -> None:
        """Say how something ended on this rank. Errors: this rank's own; DataError if it is another's."""
        if self.count == 1 and error is None:
            return
        failed = self.told(None if error is None else f"{type(error).__name__}: {error}") if self.count > 1 else []
        if error is not None:
            raise error
        for rank, said in enumerate(failed):
            if said is not None:
                raise DataError(f"Rank {rank} failed, and the others stop with it. {said}")

    def in_step(self, batches: Iterable[T]) -> Iterator[T | None]:
        """Each batch, and then None for each that another rank still has: a network whose weights are sharded runs on
        all ranks at once, or waits for ever.

        Errors: DataError if another rank failed.
        """
        own = iter(batches)
        while True:
            one = next(own, None)
            told = self.told(one is not None)
            for rank, said in enumerate(told):
                if isinstance(said, str):  # it settles, and is not coming again
                    self.stopped = True
                    raise DataError(f"Rank {rank} failed, and the others stop with it. {said}")
            if not any(told):
                return
            yield one

    def check_samples(self) -> str:
        """What to warn of: samples that several ranks saw. Errors: UsageError where all saw the same."""
        whole = [torch.cat(seen) if seen else torch.zeros(0, dtype=torch.int64) for seen in self.told(self.seen)]
        self.seen = []
        if self.count == 1:
            return ""
        for rank, sums in enumerate(whole):
            if not len(sums):
                raise UsageError(f"Rank {rank} saw no samples. Take smaller batches, or fewer processes.")
        if all(len(sums) == len(whole[0]) and torch.equal(sums.sort()[0], whole[0].sort()[0]) for sums in whole[1:]):
            raise UsageError(
                f"All {self.count} ranks saw the same {len(whole[0])} samples, which would count {self.count} times. "
                "Give each rank its own: deepnrc.shard(loader)."
            )
        distinct = torch.cat([sums.unique() for sums in whole])
        twice = len(distinct) - len(distinct.unique())
        if not twice:
            return ""
        return (
            f"{twice} of the {sum(map(len, whole))} samples were seen by several ranks and count more than once. A "
            "DistributedSampler repeats samples to make ranks even; deepnrc.shard(loader) does not."
        )


def merge(streams: Streams, ranks: Ranks, number: Pass) -> None:
    """Bring the statistics of one pass together, in the order of the ranks, so that every rank holds the same.

    Errors: UsageError for ranks that ran other layers.
    """
    if ranks.count == 1:
        return
    streams.flush()
    names = ranks.told(list(streams.layers))
    for rank, found in enumerate(names):
        if found != names[0]:
            raise UsageError(f"Rank {rank} ran other layers than rank 0. Every rank probes the same network.")
    passes = [number] if streams.fitted is None else list(Pass)  # held-out samples are seen once
    for layer in streams.layers.values():
        _merge_layer(layer, ranks, passes)
    if number is not Pass.FIRST:
        return
    told = ranks.told((streams.network, streams.parts, streams.sizes, streams.samples, streams.one_hot))
    streams.network = _joined(streams.network, [network for network, *_ in told])
    streams.parts = [Performance.joined(parts) for parts in zip(*(parts for _, parts, *_ in told), strict=True)]
    streams.sizes = [sum(sizes) for sizes in zip(*(sizes for _, _, sizes, *_ in told), strict=True)]
    streams.samples = sum(samples for *_, samples, _ in told)
    streams.one_hot = all(one_hot for *_, one_hot in told)
    streams.roundoff = max(ranks.told(streams.roundoff))
    for products in ranks.told(streams.products):
        streams.note(products)


def sharded(model: nn.Module) -> bool:
    """Whether the weights of a network lie on several ranks (FSDP2), which gather them in every forward pass."""
    from torch.distributed.fsdp import FSDPModule

    return any(isinstance(module, FSDPModule) for module in model.modules())


def _merge_layer(layer: LayerStream, ranks: Ranks, passes: Sequence[Pass]) -> None:
    mine, first = {name: s for name, s in layer.statistics.items() if s.in_pass in passes}, Pass.FIRST in passes
    told = ranks.told((mine, layer.groups if first else [], layer.roundoff, layer.coarsest))
    layer.roundoff = max(roundoff for *_, roundoff, _ in told)
    layer.coarsest = max(coarsest for *_, coarsest in told)
    layer.statistics |= _whole(layer, [statistics for statistics, *_ in told])
    if first and layer.groups:
        layer.groups = [_whole(layer, parts) for parts in zip(*(groups for _, groups, *_ in told), strict=True)]


def _whole(layer: LayerStream, parts: Sequence[dict[str, Statistic]]) -> dict[str, Statistic]:
    found = {}
    for name in parts[0]:
        if all(name in part for part in parts):
            found[name] = type(parts[0][name]).begin(layer.opening)
            for part in parts:
                found[name].merge(part[name])
    return found


def _joined(own: Performance, parts: Sequence[Performance]) -> Performance:
    whole = Performance.joined(parts)
    whole.name, whole.missing = own.name, own.missing
    for part in parts:
        if part.incomparable:
            whole.residuals, whole.missing, whole.incomparable, whole.count = None, part.missing, True, 0
    return whole


def _checksums(rows: Tensor) -> Tensor:
    """A number (N,) for each row, that differs for rows that differ in any bit."""
    words = rows.detach().cpu().reshape(len(rows), -1).contiguous().view(torch.uint8).to(torch.int64)
    odd = torch.randint(1 << 40, (words.shape[1],), generator=torch.Generator().manual_seed(0)) * 2 + 1
    return (words * odd).sum(1)

"""Which group each sample goes to, for intervals: the groups' own statistics say how sure a value is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from deepnrc.arguments import whole
from deepnrc.errors import UsageError
from deepnrc.wording import Argument, Remedy

BLOCK = 4  # consecutive samples that stay together
LEAST = 4  # samples of a group
MOST = 32  # groups of labels; more labels than that share them
EPISODES = "episodes"


class Dealing(Protocol):
    """Deals samples out to ``count`` groups."""

    @property
    def count(self) -> int: ...

    def of(self, start: int, N: int) -> Tensor:
        """The groups (N,) of the samples from number ``start``, from 0."""
        ...

    def check(self, sizes: Sequence[int]) -> None:
        """Errors: UsageError for groups of too few samples, and labels that are not the samples'."""
        ...


@dataclass(frozen=True)
class Turns:
    """Blocks of four consecutive samples dealt out in turn, so that a file sorted by class does not lose a class with a
    group."""

    count: int

    def of(self, start: int, N: int) -> Tensor:
        return (torch.arange(start, start + N) // BLOCK) % self.count

    def check(self, sizes: Sequence[int]) -> None:
        _check_sizes(sizes)


@dataclass(frozen=True, eq=False)
class Labels:
    """Groups by label: a group for each, or up to 32 groups of whole labels dealt out in turn as they first appear.

    Attributes:
        groups: (N,), of each sample in the order in which the data comes.
    """

    groups: Tensor

    @property
    def count(self) -> int:
        return int(self.groups.max()) + 1

    def of(self, start: int, N: int) -> Tensor:
        if start + N > len(self.groups):
            raise UsageError(
                Argument("groups"),
                f" labels {len(self.groups)} samples, and the data has more. Give one label a sample.",
            )
        return self.groups[start : start + N]

    def check(self, sizes: Sequence[int]) -> None:
        if sum(sizes) != len(self.groups):
            raise UsageError(
                Argument("groups"),
                f" labels {len(self.groups)} samples, and the data has {sum(sizes)}. Give one label a sample.",
            )
        _check_sizes(sizes)


Groups = int | str | Sequence[Any] | Tensor | np.ndarray | Turns | Labels | None


def dealing(groups: Groups, data: object = None, samples: int | None = None) -> Turns | Labels | None:
    """How to deal samples out.

    Args:
        groups: how many groups; a label (N,) for each sample, in the order in which the data comes; "episodes" for the
            labels that the data brings along as an attribute ``groups``; None; or what this function made of them.
        data: the loader. One that gives samples in another order than its data set has no use for labels.
        samples: how many samples are read at most.
    Errors: UsageError for fewer than two groups, and labels that are none or whose order is not the data's.
    """
    if groups is None or isinstance(groups, Turns | Labels):
        return groups
    if isinstance(groups, str):
        groups = _brought(groups, data)
    if isinstance(groups, Tensor | np.ndarray | list | tuple) or hasattr(groups, "to_numpy"):
        _check_order(data)
        return _labelled(groups, samples)
    count = whole(groups, Argument("groups", groups))
    if count < 2:
        raise UsageError(Argument("groups", groups), f" must be at least 2, such as 16; it is {count}.")
    return Turns(count)


def _labelled(given: Any, samples: int | None) -> Labels:
    labels = given.cpu().numpy() if isinstance(given, Tensor) else np.asarray(given)
    if labels.ndim != 1 or not labels.size:
        raise UsageError(Argument("groups", given), f" has the shape {labels.shape}; give one label a sample, (N,).")
    labels = labels[:samples]
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))[number]  # labels numbered as they appear
    if len(first) < 2:
        raise UsageError(Argument("groups", given), f" has the one label '{labels[0]}'; two or more make groups.")
    return Labels(torch.from_numpy(rank % MOST).long())


def _brought(word: str, data: object) -> Any:
    if word != EPISODES:
        raise UsageError(
            Argument("groups", word), f" must be a number, a label for each sample, or {EPISODES!r}; it is {word!r}."
        )
    found = None
    while data is not None and found is None:
        found, data = getattr(data, "groups", None), getattr(data, "dataset", None)
    if found is None:
        raise UsageError(
            "The data says of no sample which episode it is of. Give a number of groups: ", Remedy("groups", 16), "."
        )
    return found


def _check_order(data: object) -> None:
    if not isinstance(data, DataLoader):
        return
    sampler: Any = data.sampler if data.sampler is not None else data.batch_sampler
    while isinstance(sampler, BatchSampler):
        sampler = sampler.sampler
    if not isinstance(sampler, SequentialSampler):
        raise UsageError(
            f"The loader's {type(sampler).__name__} gives samples in another order than that of their labels. Load "
            "them in order, with shuffle=False, or give a number of groups: ",
            Remedy("groups", 16),
            ".",
        )


def _check_sizes(sizes: Sequence[int]) -> None:
    least = min(sizes)
    if least < LEAST:
        raise UsageError(
            f"Group {sizes.index(least) + 1} of {len(sizes)} has {least} of the {sum(sizes)} samples, and needs "
            f"{LEAST} or more. Take fewer ",
            Argument("groups"),
            ", or more samples.",
        )

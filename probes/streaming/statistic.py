"""The contract between samples and streaming statistics: what a batch holds, and what a statistic must say and do."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, TypeVar

import torch
from torch import Tensor

from probes.outcome import NotDefinedError


class Pass(enum.IntEnum):
    """A pass over the data. In the second one features arrive less their mean, which the first one found."""

    FIRST = 1
    SECOND = 2


class Part(enum.Flag):
    """What a statistic needs of a batch beside features and targets; parts are joined with ``|``."""

    NONE = 0
    CLASSES = enum.auto()
    PREDICTED = enum.auto()


@dataclass(frozen=True, eq=False)
class Batch:
    """What is known of some samples at one layer; what is unknown is None.

    Attributes:
        H: features (N, d), float64.
        Y: targets (N, n), float64.
        classes: the class (N,) of each sample, int64, where the targets are classes.
        predicted: the class (N,) that the network predicts, int64, where its output could be read.
    Errors: ValueError for other shapes and dtypes.
    """

    H: Tensor
    Y: Tensor
    classes: Tensor | None = None
    predicted: Tensor | None = None

    def __post_init__(self) -> None:
        N = self.H.shape[0] if self.H.ndim else 0
        for name, given in (("H", self.H), ("Y", self.Y)):
            if given.ndim != 2 or given.shape[0] != N or given.dtype != torch.float64:
                raise ValueError(
                    f"A batch holds {name} with one row a sample, float64, and not {tuple(given.shape)} of "
                    f"{given.dtype} for {N} samples. Batch.of(H, Y) takes other dtypes."
                )
        for name, labels in (("classes", self.classes), ("predicted", self.predicted)):
            if labels is not None and (labels.shape != (N,) or labels.dtype != torch.int64):
                raise ValueError(
                    f"A batch holds {name} ({N},) of int64, and not {tuple(labels.shape)} of {labels.dtype}."
                )

    @classmethod
    def of(cls, given: Batch | Tensor, Y: Tensor | None = None) -> Batch:
        """A batch as it is; features H (N, d) and targets Y (N, n), none if not given, of any dtype as a batch."""
        if isinstance(given, Batch):
            return given
        Y = given.new_zeros(given.shape[0], 0) if Y is None else Y
        return cls(given.to(torch.float64), Y.to(torch.float64))

    @property
    def N(self) -> int:
        return self.H.shape[0]


S = TypeVar("S", bound="Statistic")


@dataclass(frozen=True, eq=False)
class Opening:
    """What a layer is when a statistic begins.

    Attributes:
        d: width of the features.
        n: width of the targets.
        device: where the features come.
        sketch: how many random directions of the features are kept in place of their covariance; None for all of it.
        first: in the second pass, the layer's finished statistics of the first one, by name; "moments" always.
    """

    d: int
    n: int
    device: torch.device | str = "cpu"
    first: Mapping[str, Statistic] = field(default_factory=dict)
    sketch: int | None = None

    def finished(self, name: str, kind: type[S]) -> S:
        """The statistic ``name`` of the first pass, of the class ``kind``.

        Errors: NotDefinedError if there is none, TypeError if it is another class's.
        """
        found = self.first.get(name)
        if found is None:
            raise NotDefinedError(f"no statistic {name!r} was streamed in the first pass")
        if not isinstance(found, kind):
            raise TypeError(f"The statistic {name!r} is {type(found).__name__}, not {kind.__name__}.")
        return found


class Statistic(Protocol):
    """Something small that takes in batches and merges: the statistic of the whole is the merge of any split.

    Attributes:
        in_pass: the pass over the data that it sees.
        needs: what must be known of a batch for it to be fed; where that is unknown, so is the statistic.
    """

    in_pass: ClassVar[Pass]
    needs: ClassVar[Part]

    @classmethod
    def begin(cls: type[S], opening: Opening, /) -> S:
        """One that has seen nothing yet. NotDefinedError says why there is none at this layer."""
        ...

    def update(self, batch: Batch, /) -> None:
        """Take in a batch of any size."""
        ...

    def merge(self: S, other: S, /) -> None:
        """Take in another one over other samples of the same layer."""
        ...

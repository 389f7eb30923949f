"""What is given of one layer: finished statistics, its weight, and what is known of targets and network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from .algebra.attributes import once
from .doubt import all_finite
from .outcome import DegenerateError, NotDefinedError
from .streaming.classes import Classes
from .streaming.moments import Moments
from .subspace import EPS

T = TypeVar("T")


@dataclass
class Given:
    """What is known of a layer when its samples have been seen, before anything is computed from it.

    Attributes:
        statistics: finished streaming statistics by name; "moments" is always among them.
        weight_matrix: W (m, d), or None with ``weight_missing`` saying why.
        rank: k as the user set it, or None for the numerical rank of S_Y.
        unit_roundoff: the coarsest with which the network held these features, or multiplied what they came from.
        held_roundoff: of the dtype in which it held them; ``unit_roundoff`` if not given.
        target_roundoff: of the number format in which the targets were written, which need not be the one they came in.
        target_resolution: (n,), half a unit of the last written digit of each target, or None where it is not known.
        network_mse: the network's own mean squared error, or None with ``mse_missing`` saying why.
        network_accuracy: share of samples whose class the network predicts, or None likewise.
        one_hot: whether the targets are classes.
        network_outputs: moments of the rows [f(x) - y, y], n wide each, or None likewise.
        following_weight: weight (p, m) that reads the m outputs of W, or None with ``following_missing`` saying why.
        missing: why a quantity is not there, by its name.
        most_used: how many directions the affine map to the targets may read, where more samples told it.
    """

    statistics: Mapping[str, Any]
    weight_matrix: Tensor | None = None
    weight_missing: str = "the layer has no weight matrix"
    rank: int | None = None
    unit_roundoff: float = EPS / 2
    held_roundoff: float | None = None
    target_roundoff: float = EPS / 2
    target_resolution: Tensor | None = None
    network_mse: float | None = None
    mse_missing: str = "the network's output was not seen"
    mse_note: str = ""
    network_accuracy: float | None = None
    one_hot: bool = False
    network_outputs: Moments | None = None
    following_weight: Tensor | None = None
    following_missing: str = "no weight follows"
    missing: Mapping[str, str] = field(default_factory=dict)
    most_used: int | None = None

    def read(self, name: str) -> Any:
        """The quantity ``name``, computed at most once."""
        if name in self.statistics:
            return self.statistics[name]
        if name in self.missing:
            raise NotDefinedError(self.missing[name])
        if name.startswith("_") or not hasattr(type(self), name):
            raise NotDefinedError(f"no quantity is called {name!r} here")
        return getattr(self, name)

    @property
    def moments(self) -> Moments:
        moments = self.statistics["moments"]
        if not isinstance(moments, Moments):
            raise TypeError(f"statistics['moments'] must be probes.Moments, not {type(moments).__name__}")
        return moments

    @property
    def N(self) -> int:
        return self.moments.count

    @property
    def d(self) -> int:
        return self.moments.d

    @property
    def n(self) -> int:
        return self.moments.n

    @once
    def W(self) -> Tensor:
        """The weight (m, d)."""
        W = _there(self.weight_matrix, self.weight_missing)
        if not all_finite(W):
            raise DegenerateError("the weight holds NaN or infinity")
        if W.shape[1] != self.d:
            raise NotDefinedError(f"the weight reads {W.shape[1]} features, and {self.d} were pooled")
        return W.to(torch.float64)

    @property
    def residual_moments(self) -> Moments:
        """Moments of the rows [f(x) - y, y]."""
        return _there(self.network_outputs, self.mse_missing)

    @property
    def following(self) -> Tensor:
        """The weight (p, m) of the layer that reads the outputs of W."""
        W = _there(self.following_weight, self.following_missing)
        if not all_finite(W):
            raise DegenerateError("the weight that follows holds NaN or infinity")
        return W.to(torch.float64)

    @property
    def _classes(self) -> Classes:
        classes = self.read("classes")
        if not isinstance(classes, Classes):
            raise TypeError(f"statistics['classes'] must be probes.Classes, not {type(classes).__name__}")
        return classes

    @property
    def model_accuracy(self) -> float:
        """Share of the samples whose class the network predicts."""
        return _there(self.network_accuracy, self.mse_missing)

    @property
    def model_mse(self) -> float:
        """The network's own mean squared error on the same samples."""
        return _there(self.network_mse, self.mse_missing)


def _there(given: T | None, missing: str) -> T:
    if given is None:
        raise NotDefinedError(missing)
    return given

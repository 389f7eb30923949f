"""One layer's finished statistics and weight, and every quantity that measures read from them, each computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from . import between
from .doubt import ROUNDED, constant, finite
from .measures import prediction
from .measures.deep import noise_floor
from .nulls import levels
from .nulls.levels import CrossNull
from .outcome import DegenerateError, NotDefinedError
from .signal import trailing_note, written_tolerance
from .streaming.classes import Classes
from .streaming.moments import Moments
from .subspace import EPS, LinearFit, Spectrum, linear_fit, singular, spectrum

SINGLE = 2.0**-24  # unit roundoff of float32


@dataclass
class Snapshot:
    """What is known of a layer when its samples have been seen.

    A measure names the quantities it reads as its parameters; ``read`` looks each up here: the streaming statistics by
    their own names, and everything below. A quantity that does not exist raises ``NotDefinedError`` with the reason.

    Attributes:
        statistics: finished streaming statistics by name; "moments" is always among them.
        weight_matrix: W (m, d), or None with ``weight_missing`` saying why.
        rank: k as the user set it, or None for the numerical rank of S_Y.
        unit_roundoff: of the dtype in which the network held these features.
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

    @cached_property
    def _covariance(self) -> Tensor:
        return self.moments.covariance

    @property
    def S_H(self) -> Tensor:
        """Covariance of the features (d, d)."""
        return self._covariance[: self.d, : self.d]

    @cached_property
    def features(self) -> Spectrum:
        """Spectrum of S_H; a layer that does not vary beyond its own rounding is degenerate."""
        if constant(self.S_H, self.mean_square, self.unit_roundoff, "features"):
            raise DegenerateError("the features do not vary over the samples (dead or constant layer)")
        return spectrum(self.S_H)

    @cached_property
    def least_variance(self) -> float:
        """What a direction of the features must exceed to be told from rounding: four times what storing them could
        make, and 100 d eps of the largest."""
        floor = noise_floor(self.features, self.mean_square, self.unit_roundoff)
        return max(ROUNDED * floor, 100 * self.d * EPS * float(self.features.values[0]))

    @cached_property
    def uncentred(self) -> Spectrum:
        """Spectrum of E[h h'], the mean not taken off."""
        mean = self.moments.mean[: self.d]
        return spectrum(finite(self.S_H + torch.outer(mean, mean), "features"))

    @cached_property
    def squares(self) -> Tensor:
        """E h_j^2 (d,), offset included."""
        return self._covariance.diagonal()[: self.d] + self.moments.mean[: self.d] ** 2

    @cached_property
    def mean_square(self) -> float:
        """E||h||^2, offset included: what rounding of the features is relative to."""
        return float(self.squares.sum())

    @cached_property
    def targets(self) -> Spectrum:
        """Spectrum of S_Y."""
        S_Y = self._covariance[self.d :, self.d :]
        square = float(S_Y.trace() + (self.moments.mean[self.d :] ** 2).sum())
        if constant(S_Y, square, self.target_roundoff, "targets"):
            raise DegenerateError("the targets do not vary over the samples")
        return spectrum(S_Y)

    @cached_property
    def target_tolerance(self) -> Tensor:
        """Variance (n,) along each direction of the targets that the precision they were written in could have made."""
        squares = self._covariance.diagonal()[self.d :] + self.moments.mean[self.d :] ** 2
        return written_tolerance(self.targets, squares, self.target_roundoff, self.target_resolution, self.N)

    @cached_property
    def target_rank(self) -> int:
        """r, the numerical rank of S_Y: directions that carry more than the precision of the targets."""
        return int((self.targets.values > self.target_tolerance).sum())

    @cached_property
    def k(self) -> int:
        """Signal rank: the user's, or the numerical rank of S_Y."""
        k = self.target_rank if self.rank is None else self.rank
        if k < 1:
            raise DegenerateError(f"k = {k}: there is no signal direction to look for")
        return k

    @property
    def k_note(self) -> str:
        """What to know of a k that nobody chose: how many directions carry nearly all of the targets' variance."""
        return "" if self.rank is not None else trailing_note(self.targets, self.k)

    @cached_property
    def cross(self) -> Tensor:
        """S_HY (d, n)."""
        return self._covariance[: self.d, self.d :]

    @cached_property
    def cross_svd(self) -> Spectrum:
        """Singular values and right singular vectors (n, r) of S_HY."""
        return self._cross_factors[1]

    @cached_property
    def cross_left(self) -> Tensor:
        """Left singular vectors (d, r) of S_HY."""
        return self._cross_factors[0]

    @cached_property
    def _cross_factors(self) -> tuple[Tensor, Spectrum]:
        left, values, right = torch.linalg.svd(self.cross, full_matrices=False)
        return left, Spectrum(values, right.mT)

    @cached_property
    def crossed(self) -> CrossNull:
        """What the singular vectors of S_HY would do if targets and features had nothing to do with each other."""
        if self.k > min(self.d, self.target_rank):
            raise NotDefinedError(f"k = {self.k} exceeds the width or the targets' rank")
        return levels.crossed(self.features.values, self.targets.values, self.k)

    @cached_property
    def weight(self) -> Spectrum:
        """Singular values and right singular vectors of W."""
        W = self.W
        if not float(W.abs().max()) > 0:
            raise DegenerateError("the weight is zero")
        return singular(W)

    @cached_property
    def gram(self) -> Tensor:
        """WW' (n, n) of a layer whose outputs are the targets."""
        W = self.W
        if W.shape[0] != self.n:
            raise NotDefinedError(f"the layer has {W.shape[0]} outputs and the targets {self.n}")
        return W @ W.mT

    @property
    def W(self) -> Tensor:
        """The weight (m, d)."""
        W = self.weight_matrix
        if W is None:
            raise NotDefinedError(self.weight_missing)
        if not bool(torch.isfinite(W).all()):
            raise DegenerateError("the weight holds NaN or infinity")
        if W.shape[1] != self.d:
            raise NotDefinedError(f"the weight reads {W.shape[1]} features, and {self.d} were pooled")
        return W.to(torch.float64)

    @cached_property
    def linear_fit(self) -> LinearFit:
        """The least-squares affine map from H to Y."""
        S_Y = self._covariance[self.d :, self.d :]
        # what half precision rounds to is far above the cut and part of what the layer holds; float32's is near it
        rounding = self.unit_roundoff**2 * self.squares if self.unit_roundoff <= SINGLE else None
        return linear_fit(self.S_H, self.features, self.cross, S_Y, rounding, self.most_used)

    @cached_property
    def layer_r2(self) -> Tensor:
        """Adjusted R2 (r,) of the best affine map along each direction of the targets."""
        r2 = prediction.along(self.linear_fit.residual, self.targets, self.target_rank)
        return prediction.adjusted(r2, self.linear_fit.used, self.N)

    @property
    def residual_moments(self) -> Moments:
        """Moments of the rows [f(x) - y, y]."""
        if self.network_outputs is None:
            raise NotDefinedError(self.mse_missing)
        return self.network_outputs

    @cached_property
    def network_r2(self) -> Tensor:
        """R2 (r,) of the network's own prediction along each direction of the targets."""
        return prediction.of_network(self.residual_moments, self.targets, self.target_rank, self.one_hot)

    @property
    def following(self) -> Tensor:
        """The weight (p, m) of the layer that reads the outputs of W."""
        W = self.following_weight
        if W is None:
            raise NotDefinedError(self.following_missing)
        if not bool(torch.isfinite(W).all()):
            raise DegenerateError("the weight that follows holds NaN or infinity")
        return W.to(torch.float64)

    @cached_property
    def S_W(self) -> Tensor:
        """Covariance within classes (d, d)."""
        return finite(self._classes.within, "features")

    @cached_property
    def between(self) -> Spectrum:
        """Eigenvalues and eigenvectors (d, r) of S_B, the covariance of the means of the classes that appear; class
        means no further apart than rounding are degenerate."""
        means = between.class_means(self._classes)
        if constant(self.S_H, self.mean_square, self.unit_roundoff, "features"):
            raise DegenerateError("the features do not vary over the samples (dead or constant layer)")
        return between.spread(means, self.mean_square, self.unit_roundoff)

    @cached_property
    def between_tolerance(self) -> float:
        """Largest eigenvalue of S_B that rounding alone could produce: of the features, spread over the K means, and of
        float64."""
        return between.tolerance(self._classes, self.between, self.mean_square, self.unit_roundoff)

    @property
    def _classes(self) -> Classes:
        classes = self.read("classes")
        if not isinstance(classes, Classes):
            raise TypeError(f"statistics['classes'] must be probes.Classes, not {type(classes).__name__}")
        return classes

    @property
    def model_accuracy(self) -> float:
        """Share of the samples whose class the network predicts."""
        if self.network_accuracy is None:
            raise NotDefinedError(self.mse_missing)
        return self.network_accuracy

    @property
    def model_mse(self) -> float:
        """The network's own mean squared error on the same samples."""
        if self.network_mse is None:
            raise NotDefinedError(self.mse_missing)
        return self.network_mse

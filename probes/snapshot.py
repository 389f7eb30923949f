"""Every quantity that measures read of one layer, each computed once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .algebra import between, leading, lending
from .algebra.attributes import once
from .algebra.factored import Covariance, Factored, Sketched, dense, with_rows
from .algebra.joint import Joint
from .algebra.onehot import OneHot, Targets
from .doubt import ROUNDED, TIED, constant, finite, shares
from .given import Given
from .measures import geometry, prediction
from .measures.deep import noise_floor
from .nulls import levels
from .nulls.levels import CrossNull
from .outcome import DegenerateError, NotDefinedError, defined
from .signal import APART, rank_of_columns, trailing_note, written_tolerance
from .subspace import EPS, LinearFit, Spectrum, late_spectrum, linear_fit, row_space, singular, spectrum

OF_WEIGHT = ("W", "weight", "leading_weight", "row_space", "gram")  # quantities that W alone decides
SINGLE = 2.0**-24  # unit roundoff of float32


@dataclass
class Snapshot(Given):
    """What is known of a layer when its samples have been seen, and all that follows from it.

    A measure names the quantities it reads as its parameters; ``read`` looks each up here: the streaming statistics by
    their own names, what is given, and everything below. A quantity that does not exist raises ``NotDefinedError`` with
    the reason.
    """

    @once
    def joint(self) -> Joint:
        """Covariance of features and targets, in blocks."""
        return self.moments.joint

    @once
    def covariance(self) -> Covariance:
        """S_H (d, d), by its rows where the samples are few."""
        return self.joint.features

    @once
    def sketched(self) -> Sketched:
        """S_H of features of which only a sketch was kept."""
        if not isinstance(self.covariance, Sketched):
            raise NotDefinedError("the covariance of these features is known, and not a sketch of it")
        return self.covariance

    @once
    def S_H(self) -> Tensor:
        """Covariance of the features (d, d), written out."""
        return dense(self.covariance)

    @once
    def S_Y(self) -> Tensor:
        """Covariance of the targets (n, n), written out."""
        return self._targets.dense() if isinstance(self._targets, OneHot) else self._targets

    @property
    def _targets(self) -> Targets:
        """The same, by the classes' shares where they are classes."""
        # numbers that are written to a known digit are no labels, whatever they are
        known = self.joint.targets
        return known.dense() if isinstance(known, OneHot) and self.target_resolution is not None else known

    @once
    def features(self) -> Spectrum:
        """Spectrum of S_H; a layer that does not vary beyond its own rounding is degenerate."""
        self._check_varying()
        return late_spectrum(self.covariance)

    def _check_varying(self) -> None:
        if constant(self.covariance, self.mean_square, self.unit_roundoff, "features"):
            raise DegenerateError("the features do not vary over the samples (dead or constant layer)")

    @once
    def least_variance(self) -> float:
        """What a direction of the features must exceed to be told from rounding: four times what storing them could
        make, and 100 d eps of the largest."""
        floor = noise_floor(self.features, self.mean_square, self.unit_roundoff)
        return max(ROUNDED * floor, 100 * self.d * EPS * float(self.features.values[0]))

    @once
    def uncentred(self) -> Spectrum:
        """Spectrum of E[h h'], the mean not taken off."""
        mean = self.moments.mean[: self.d]
        return spectrum(finite(with_rows(self.covariance, mean[None]), "features"))

    @once
    def squares(self) -> Tensor:
        """E h_j^2 (d,), offset included."""
        return self.covariance.diagonal() + self.moments.mean[: self.d] ** 2

    @once
    def mean_square(self) -> float:
        """E||h||^2, offset included: what rounding of the features is relative to."""
        return float(self.squares.sum())

    @once
    def targets(self) -> Spectrum:
        """Spectrum of S_Y."""
        square = float(self._targets.trace() + (self.moments.mean[self.d :] ** 2).sum())
        if constant(self._targets, square, self.target_roundoff, "targets"):
            raise DegenerateError("the targets do not vary over the samples")
        return spectrum(self._targets)

    @once
    def target_tolerance(self) -> Tensor:
        """Variance (n,) along each direction of the targets that the precision they were written in could have made."""
        squares = self._targets.diagonal() + self.moments.mean[self.d :] ** 2
        return written_tolerance(self.targets, squares, self.target_roundoff, self.target_resolution, self.N)

    @once
    def target_rank(self) -> int:
        """r, the numerical rank of S_Y: directions that carry more than the precision of the targets."""
        found = int((self.targets.values > self.target_tolerance).sum())
        # of classes each that appears brings a direction, but for one: they add up to 1
        return int((self._targets.shares > 0).sum()) - 1 if isinstance(self._targets, OneHot) else found

    @once
    def k(self) -> int:
        """Signal rank: the user's, or the numerical rank of S_Y."""
        k = self.target_rank if self.rank is None else self.rank
        hidden = self._hidden if self.rank is None else 0
        if hidden:
            raise NotDefinedError(
                f"k cannot be told: the targets' columns differ so much in scale that {hidden} of their {k + hidden} "
                "directions are less than float64 resolves beside the largest. Standardise the targets; "
                f"rank={k} leaves the others out"
            )
        if k < 1:
            raise DegenerateError(f"k = {k}: there is no signal direction to look for")
        return k

    @property
    def _hidden(self) -> int:
        """How many directions of the targets the rounding of larger columns hides."""
        if isinstance(self._targets, OneHot):
            return 0
        variances = self.S_Y.diagonal()
        if not float(variances.max()) > APART * float(variances[variances > 0].min()):
            return 0
        squares = variances + self.moments.mean[self.d :] ** 2
        known = rank_of_columns(self.S_Y, squares, self.target_roundoff, self.target_resolution, self.N)
        return max(0, known - self.target_rank)

    @property
    def k_note(self) -> str:
        """What to know of a k that nobody chose: how many directions carry nearly all of the targets' variance."""
        return "" if self.rank is not None else trailing_note(self.targets, self.k)

    @once
    def cross(self) -> Tensor:
        """S_HY (d, n)."""
        return self.joint.cross

    @once
    def shared_k(self) -> int:
        """k, where features and targets have so many directions each: read before what only these need."""
        return shares(self.k, self.d, self.target_rank)

    @once
    def cross_values(self) -> Tensor:
        """Singular values (r,) of S_HY, largest first."""
        known = "_cross_factors" in vars(self)  # values alone cost a third of what vectors cost
        return self.cross_svd.values if known else torch.linalg.svdvals(self.cross)

    @once
    def cross_svd(self) -> Spectrum:
        """Singular values and right singular vectors (n, r) of S_HY."""
        return self._cross_factors[1]

    @once
    def cross_left(self) -> Tensor:
        """Left singular vectors (d, r) of S_HY."""
        return self._cross_factors[0]

    @once
    def _cross_factors(self) -> tuple[Tensor, Spectrum]:
        left, values, right = lending.svd(self.cross)
        return left, Spectrum(values, right.mT)

    @once
    def crossed(self) -> CrossNull:
        """What the singular vectors of S_HY would do if targets and features had nothing to do with each other."""
        if self.k > min(self.d, self.target_rank):
            raise NotDefinedError(f"k = {self.k} exceeds the width or the targets' rank")
        return levels.crossed(self.features.values, self.targets.values, self.k)

    @once
    def weight(self) -> Spectrum:
        """Singular values and right singular vectors of W."""
        return singular(self._nonzero)

    @once
    def leading_weight(self) -> Spectrum:
        """Singular values of W, and the right singular vectors of the top k and of those tied with the k-th."""
        found = leading.leading_singular(self._nonzero, defined(lambda: self.k) or 1, TIED)
        return self.weight if found is None else found

    @property
    def known_values(self) -> Tensor | None:
        """Singular values of W, largest first, if a measure before has had them computed; None if not."""
        known = (vars(self)[name] for name in ("weight", "leading_weight") if name in vars(self))
        return next((spectrum.values for spectrum in known), None)

    @once
    def row_space(self) -> Tensor:
        """Orthonormal basis (d, r) of the rows of W whose singular values are above 1e-10 of the largest."""
        values, floor = self.leading_weight.values, self.leading_weight.floor
        if floor == 0 or not float(values[-1]) > 10 * floor:
            return row_space(self.weight)
        full = values.numel() == self.d  # all of R^d, or else as many directions as W has rows
        return torch.eye(self.d).to(self.W) if full else torch.linalg.qr(self.W.mT).Q

    @property
    def _nonzero(self) -> Tensor:
        if not float(self.W.abs().max()) > 0:
            raise DegenerateError("the weight is zero")
        return self.W

    @once
    def gram(self) -> Covariance:
        """WW' (n, n) of a layer whose outputs are the targets, by W where they are more than it reads."""
        W = self.W
        if W.shape[0] != self.n:
            raise NotDefinedError(f"the layer has {W.shape[0]} outputs and the targets {self.n}")
        return Factored(W.mT) if self.n > self.d else W @ W.mT

    @once
    def linear_fit(self) -> LinearFit:
        """The least-squares affine map from H to Y."""
        # what half precision rounds to is far above the cut and part of what the layer holds; float32's is near it
        held = self.unit_roundoff if self.held_roundoff is None else self.held_roundoff
        rounding = held**2 * self.squares if held <= SINGLE else None
        return linear_fit(self.covariance, self.features, self.cross, self._targets, rounding, self.most_used)

    @once
    def fitted_r2(self) -> Tensor:
        """R2 (r,) of the best affine map along each direction of the targets."""
        return prediction.along(self.linear_fit, self.targets, self.target_rank)

    @once
    def layer_r2(self) -> Tensor:
        """The same, adjusted for the directions that the map reads."""
        return prediction.adjusted(self.fitted_r2, self.linear_fit.used, self.N)

    @once
    def network_r2(self) -> Tensor:
        """R2 (r,) of the network's own prediction along each direction of the targets."""
        return prediction.of_network(self.residual_moments, self.targets, self.target_rank, self.one_hot)

    @once
    def residual_values(self) -> Tensor:
        """Eigenvalues (n,) of the covariance of f(x) - y."""
        return prediction.residual_values(self.residual_moments)

    @once
    def within(self) -> Covariance:
        """S_W (d, d), by its rows where the samples are few."""
        return finite(self._classes.joint, "features")

    @once
    def S_W(self) -> Tensor:
        """Covariance within classes (d, d), written out."""
        return dense(self.within)

    @once
    def between(self) -> Spectrum:
        """Eigenvalues and eigenvectors (d, r) of S_B, the covariance of the means of the classes that appear; class
        means no further apart than rounding are degenerate."""
        means = between.class_means(self._classes)
        self._check_varying()
        return between.spread(means, self.mean_square, self.unit_roundoff)

    @once
    def pair_noise(self) -> float:
        """What spreads about two class means over their distance, in the mean over pairs."""
        return geometry.pair_noise(self._classes)

    @once
    def between_tolerance(self) -> float:
        """Largest eigenvalue of S_B that rounding alone could produce: of the features, spread over the K means, and of
        float64."""
        return between.tolerance(self._classes, self.between, self.mean_square, self.unit_roundoff)

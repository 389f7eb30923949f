"""What was fitted to some samples, read on others.

Everything fitted is the training samples': V (d, k), means, intercepts, bases and class means. Notation as in
``probes.measures.deep``; C the held-out second moment of the rows [h, y] about the training mean, of blocks C_HH, C_HY,
C_YY.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .algebra.attributes import once
from .algebra.factored import Covariance, with_rows
from .algebra.joint import Joint
from .algebra.onehot import Targets, forms
from .algebra.residual import Residual
from .measures import classifier, prediction, top
from .outcome import OK, DegenerateError, NotDefinedError, Outcome
from .snapshot import Snapshot
from .streaming.classes import Classes
from .streaming.directions import Directions
from .streaming.nearest import Mislabelled
from .subspace import LinearFit, Spectrum, trace_outside

PREFIX = "held_"


class HeldOut:
    """One layer on its training samples and on others.

    A held-out measure names the quantities it reads: those of the training samples by their own names, those of the
    others behind ``held_``, and the two below, which take both.
    """

    def __init__(self, fitted: Snapshot, held: Snapshot) -> None:
        self.fitted, self.held = fitted, held

    def read(self, name: str) -> Any:
        """The quantity ``name``. Errors: NotDefinedError if there is none."""
        if not name.startswith(PREFIX):
            return self.fitted.read(name)
        return getattr(self, name) if hasattr(type(self), name) else self.held.read(name.removeprefix(PREFIX))

    @once
    def held_second(self) -> Joint:
        """C (d + n, d + n), in blocks."""
        return self.held.moments.joint.about(self.held.moments.mean - self.fitted.moments.mean)

    @once
    def held_layer_r2(self) -> Tensor:
        """R2 (r,) of the training map along each training direction of the targets."""
        return self._along_targets(residual(self.held_second, self.fitted.linear_fit))

    @once
    def held_network_r2(self) -> Tensor:
        """R2 (r,) of the network along each training direction of the targets; of classes, after the best affine map
        from the training outputs."""
        held = self.held.residual_moments
        if not self.fitted.one_hot:
            return self._along_targets(Residual(prediction.squared_error(held)))
        fit = prediction.class_fit(self.fitted.residual_moments)
        if fit is None:
            return torch.zeros(self.fitted.target_rank, dtype=torch.float64)
        (known, _), (met, both) = (prediction.beside_targets(one) for one in (self.fitted.residual_moments, held))
        return self._along_targets(residual(both.about(met - known), fit))

    def _along_targets(self, left: Residual) -> Tensor:
        directions, r = self.fitted.targets.basis, self.fitted.target_rank
        return prediction.shares(left.along(directions, r), forms(self.held_second.targets, directions, r))

    @once
    def held_within(self) -> Covariance:
        """Average (d, d) over the held-out samples of (h - mu_k)(h - mu_k)', mu_k the training mean of their class."""
        fitted, held = self.fitted.read("classes"), self.held.read("classes")
        if not isinstance(fitted, Classes) or not isinstance(held, Classes):
            raise TypeError("statistics['classes'] must be probes.Classes")
        strange = held.present & ~fitted.present
        if bool(strange.any()):
            raise NotDefinedError(f"class {int(strange.nonzero()[0])} appears in the held-out samples alone")
        apart = (held.means - fitted.means)[held.present]
        return with_rows(held.joint, apart * (held.counts[held.present, None] / held.count).sqrt())


QUANTITIES = tuple(name for name in vars(HeldOut) if name.startswith(PREFIX))


def noise(held_second: Joint, features: Spectrum, k: int) -> float:
    """Held-out variance outside the training V, >= 0, in squared feature units; 0 when collapsed."""
    return trace_outside(held_second.features, _leading(features, k))


def noise_fraction(held_second: Joint, features: Spectrum, k: int) -> float:
    """Share of the held-out second moment about the training mean outside the training V, in [0, 1]; 0 when
    collapsed."""
    return noise(held_second, features, k) / _varying(held_second.features, "features")


def linear_mse(held_second: Joint, linear_fit: LinearFit, n: int) -> float:
    """Mean squared error over the held-out samples and outputs of the map fitted to the training samples, intercept
    included, >= 0, in squared target units."""
    return max(0.0, residual(held_second, linear_fit).trace()) / n


def linear_mse_ratio(held_second: Joint, linear_fit: LinearFit, held_model_mse: float, n: int) -> float:
    """The same over the network's own held-out error, >= 0; about 1 or less when collapsed."""
    if held_model_mse == 0:
        raise DegenerateError("the network's own error is exactly 0")
    return linear_mse(held_second, linear_fit, n) / held_model_mse


def linear_r2(held_second: Joint, linear_fit: LinearFit, n: int) -> float:
    """1 less the same over the held-out targets' mean square about their training mean, at most 1; below 0 where the
    training mean predicts better."""
    variance = _varying(held_second.targets, "targets") / n
    return 1 - linear_mse(held_second, linear_fit, n) / variance


def residual(held_second: Joint, linear_fit: LinearFit) -> Residual:
    """What the training map leaves of the held-out targets: C_YY - B'C_HY - C_YH B + B'C_HH B, with coefficients B
    (d, n)."""
    B = linear_fit.coefficients
    return Residual(held_second.targets, (B, held_second.cross - held_second.features @ B / 2))


def nrc1(features: Spectrum, held_directions: Directions, n: int) -> Outcome:
    """nrc.1 of the held-out directions outside the training components, in [0, 1]; 0 when collapsed."""
    return top.nrc1(features, held_directions, n)


def nrc1_uncentred(uncentred: Spectrum, held_directions: Directions, n: int) -> Outcome:
    """The same with the uncentred training components."""
    return top.nrc1(uncentred, held_directions, n)


def nrc2(features: Spectrum, row_space: Tensor, held_directions: Directions) -> Outcome:
    """nrc.2 of the held-out directions, in [0, 1]; 0 when collapsed."""
    return top.nrc2(features, row_space, held_directions)


def nrc1_centred(features: Spectrum, held_centred_directions: Directions, n: int) -> Outcome:
    """nrc.1 of the held-out rows less the training mean, in [0, 1]; 0 when collapsed."""
    return top.nrc1(features, held_centred_directions, n)


def nrc2_centred(features: Spectrum, row_space: Tensor, held_centred_directions: Directions) -> Outcome:
    """nrc.2 of the held-out rows less the training mean, in [0, 1]; 0 when collapsed."""
    return top.nrc2(features, row_space, held_centred_directions)


def nc1(classes: Classes, held_within: Covariance, between: Spectrum, between_tolerance: float) -> Outcome:
    """NC1 with the held-out scatter about the training class means, against the spread of these, >= 0."""
    return classifier.nc1(classes, held_within, between, between_tolerance)


def nc1_unscaled(classes: Classes, held_within: Covariance, between: Spectrum, between_tolerance: float) -> Outcome:
    """The same without the factor 1/K."""
    return classifier.nc1_unscaled(classes, held_within, between, between_tolerance)


def nc1_trace(classes: Classes, held_within: Covariance, between: Spectrum) -> Outcome:
    """The same by traces."""
    return classifier.nc1_trace(classes, held_within, between)


def nc1_total(classes: Classes, held_within: Covariance, between: Spectrum) -> Outcome:
    """The same as a share, in [0, 1]."""
    return classifier.nc1_total(classes, held_within, between)


def ncc_error(classes: Classes, between: Spectrum, held_mislabelled: Mislabelled) -> Outcome:
    """Share of the held-out samples whose nearest training class mean is not their own class's, in [0, 1]."""
    return classifier.ncc_error(classes, between, held_mislabelled)


def model_mse(held_model_mse: float, mse_note: str) -> Outcome:
    """The network's own mean squared error on the held-out samples."""
    return Outcome(held_model_mse, OK, mse_note)


def model_accuracy(held_model_accuracy: float) -> float:
    """Share of the held-out samples whose largest output is that of their class, in [0, 1]."""
    return held_model_accuracy


def _leading(features: Spectrum, k: int) -> Tensor:
    if k > features.dim:
        raise NotDefinedError(f"k = {k} exceeds the width d = {features.dim}")
    return features.leading(k)


def _varying(second: Covariance | Targets, what: str) -> float:
    total = float(second.trace())
    if not total > 0:
        raise DegenerateError(f"the held-out {what} are the training mean")
    return total

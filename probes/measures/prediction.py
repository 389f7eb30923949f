"""Which directions of the targets are predicted: R2 along each, of a layer's best affine map and of the network.

Notation: t_i and u_i the eigenvalues and eigenvectors of S_Y, strongest first, r its rank; R (n, n) the second moment
of what a prediction leaves. R2 along direction i is 1 - u_i'R u_i / t_i: a direction that was dropped reads 0 here and
shows nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from probes.algebra.attributes import once_each
from probes.algebra.factored import dense
from probes.algebra.joint import Joint
from probes.algebra.onehot import OneHot, forms
from probes.doubt import finite
from probes.outcome import DEGENERATE, OK, DegenerateError, NotDefinedError, Outcome, defined
from probes.streaming.moments import Moments
from probes.subspace import EPS, LinearFit, Spectrum, linear_fit, spectrum

Measure = Callable[..., Outcome]


def along(fit: LinearFit, targets: Spectrum, rank: int) -> Tensor:
    """R2 (r,) of an affine map along each of the first ``rank`` directions of the targets, at most 1."""
    return 1 - fit.residual.along(targets.basis, rank) / targets.values[:rank]


def adjusted(r2: Tensor, used: int, N: int) -> Tensor:
    """R2 less what ``used`` unrelated directions explain of N samples, 0 in the mean of pure noise.

    Errors: DegenerateError where an affine map fits any targets.
    """
    if used >= N - 1:
        raise DegenerateError(f"{used} directions fit any targets of N = {N} samples exactly")
    return 1 - (1 - r2) * (N - 1) / (N - 1 - used)


def shares(left: Tensor, size: Tensor) -> Tensor:
    """R2 (r,) along each of r directions, from what a prediction leaves along them and the targets' own second moments
    (r,), of samples that the directions were not found from.

    Errors: DegenerateError where the targets lie at their training mean along one of them.
    """
    if not float(size.min()) > 0:
        raise DegenerateError("along a direction of the training targets the held-out ones do not vary")
    return 1 - left / size


def of_network(outputs: Moments, targets: Spectrum, rank: int, classes: bool) -> Tensor:
    """R2 (r,) of the network's own prediction along each direction of the targets.

    Args:
        outputs: moments of the rows [f(x) - y, y], n wide each.
        classes: whether y are one-hot classes. Logits are on no scale of theirs, and so the outputs are first fitted
            to y by the best affine map.
    """
    if not classes:
        return 1 - forms(squared_error(outputs), targets.basis, rank) / targets.values[:rank]
    fit = class_fit(outputs)
    return torch.zeros(rank, dtype=torch.float64) if fit is None else along(fit, targets, rank)


def squared_error(outputs: Moments) -> Tensor:
    """E[(f - y)(f - y)'] (n, n) from moments of the rows [f(x) - y, y]."""
    offset = outputs.mean[: outputs.n]
    return dense(outputs.features) + torch.outer(offset, offset)


@once_each
def class_fit(outputs: Moments) -> LinearFit | None:
    """The best affine map from the network's outputs to one-hot classes; None where the outputs do not vary."""
    _, both = beside_targets(outputs)
    if not float(both.features.trace()) > 0:
        return None
    # outputs that vary little beside the classes are small sums of large terms, whose rounding is no direction
    terms = both.features.diagonal().abs() + 2 * both.cross.diagonal().abs() + both.targets.diagonal()
    return linear_fit(both.features, spectrum(both.features), both.cross, both.targets, 8 * EPS * terms)


def beside_targets(outputs: Moments) -> tuple[Tensor, Joint]:
    """Mean (2n,) and covariance of the rows [f(x), y] from those of the rows [f(x) - y, y]."""
    n, joint = outputs.n, outputs.joint
    S_Y = joint.targets.dense() if isinstance(joint.targets, OneHot) else joint.targets
    mean = torch.cat([outputs.mean[:n] + outputs.mean[n:], outputs.mean[n:]])
    return mean, Joint(dense(joint.features) + joint.cross + joint.cross.mT + S_Y, joint.cross + S_Y, joint.targets)


def layer_direction(index: int) -> Measure:
    """Make the measure: R2 of the layer's best affine map along target direction ``index``, from 1."""

    def direction_r2(linear_fit: LinearFit, fitted_r2: Tensor, target_rank: int, N: int) -> Outcome:
        """R2 of the best affine map along one direction of the targets, in [0, 1]."""
        return Outcome(float(fitted_r2[_there(index, target_rank) - 1]), *_fits_anything(linear_fit.used, N))

    return direction_r2


def adjusted_layer_direction(index: int) -> Measure:
    """Make the measure: the same less what chance explains, at most 1; 0 in the mean where nothing is predicted."""

    def adjusted_direction_r2(layer_r2: Tensor, target_rank: int) -> Outcome:
        """Adjusted R2 of the best affine map along one direction of the targets, at most 1."""
        return Outcome(float(layer_r2[_there(index, target_rank) - 1]))

    return adjusted_direction_r2


def network_direction(index: int) -> Measure:
    """Make the measure: R2 of the network's own prediction along target direction ``index``, from 1, at most 1."""

    def r2(network_r2: Tensor, target_rank: int) -> Outcome:
        """R2 of the network along one direction of the targets, at most 1; of classes, after an affine fit."""
        return Outcome(float(network_r2[_there(index, target_rank) - 1]))

    return r2


def held_layer_direction(index: int) -> Measure:
    """Make the measure: held-out R2 of the training map along training direction ``index``, from 1, at most 1."""

    def r2(held_layer_r2: Tensor, target_rank: int) -> Outcome:
        """Held-out R2 of the training map along one direction of the targets, at most 1."""
        return Outcome(float(held_layer_r2[_there(index, target_rank) - 1]))

    return r2


def held_network_direction(index: int) -> Measure:
    """Make the measure: R2 of the network along training direction ``index`` on the held-out samples, at most 1."""

    def r2(held_network_r2: Tensor, target_rank: int) -> Outcome:
        """Held-out R2 of the network along one direction of the targets, at most 1."""
        return Outcome(float(held_network_r2[_there(index, target_rank) - 1]))

    return r2


def held_smallest(held_network_r2: Tensor) -> Outcome:
    """The smallest of the network's held-out R2 over the target directions, at most 1."""
    return smallest(held_network_r2)


def held_gap(held_layer_r2: Tensor, held_network_r2: Tensor) -> Outcome:
    """Largest shortfall of the training map behind the network over the target directions, both on the held-out
    samples, which need no adjusting; collapsed up to .05."""
    return gap(held_layer_r2, held_network_r2)


def smallest(network_r2: Tensor) -> Outcome:
    """The smallest of the network's R2 over all r directions of the targets, at most 1: a dropped direction is 0."""
    weakest = int(network_r2.argmin())
    return Outcome(float(network_r2[weakest]), OK, f"along direction {weakest + 1} of {len(network_r2)}")


def gap(layer_r2: Tensor, network_r2: Tensor) -> Outcome:
    """Largest shortfall over the target directions, network's R2 less the layer's adjusted one: 0 or below where the
    layer's best affine map predicts as well as the network does; collapsed up to .05."""
    short = network_r2 - layer_r2
    worst = int(short.argmax())
    return Outcome(float(short[worst]), OK, f"along direction {worst + 1} of {len(short)}")


def _there(index: int, rank: int) -> int:
    if index > rank:
        raise NotDefinedError(f"the targets have only {rank} directions")
    return index


def _fits_anything(used: int, N: int) -> tuple[str, str]:
    if used < N - 1:
        return OK, ""
    return DEGENERATE, f"the features of N = {N} samples use {used} directions: an affine map fits any targets exactly"


@once_each
def residual_values(outputs: Moments) -> Tensor:
    """Eigenvalues (n,) of the covariance of f(x) - y, largest first, from moments of the rows [f(x) - y, y]."""
    return torch.linalg.eigvalsh(dense(finite(outputs.features, "residuals"))).flip(0)


def read_ahead(outputs: Moments | None) -> None:
    """Compute what all layers read of a classifier's outputs, before they do; nothing where these are unknown."""
    if outputs is not None:
        defined(partial(class_fit, outputs))
        defined(partial(residual_values, outputs))


def whiteness(residual_values: Tensor) -> Outcome:
    """Smallest over largest eigenvalue of the residuals' covariance, in [0, 1]; 1 where what is left is white."""
    values = residual_values
    if values.numel() == 1:
        raise NotDefinedError("identically 1 for a single target")
    if not float(values[0]) > 0:
        raise DegenerateError("the network leaves no residual")
    return Outcome(max(0.0, float(values[-1] / values[0])))

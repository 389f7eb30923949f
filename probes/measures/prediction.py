"""Which directions of the targets are predicted: R2 along each, of a layer's best affine map and of the network.

Notation: t_i and u_i the eigenvalues and eigenvectors of S_Y, strongest first, r its rank; R (n, n) the second moment
of what a prediction leaves. R2 along direction i is 1 - u_i'R u_i / t_i: a direction that was dropped reads 0 here and
shows nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from probes.outcome import DEGENERATE, OK, DegenerateError, NotDefinedError, Outcome
from probes.streaming.moments import Moments
from probes.subspace import LinearFit, Spectrum, linear_fit, spectrum

Measure = Callable[..., Outcome]


def along(residual: Tensor, targets: Spectrum, rank: int) -> Tensor:
    """R2 (r,) along each of the first ``rank`` directions of the targets, from the residual's second moment (n, n);
    at most 1, and below 0 where the prediction is worse than the mean."""
    U = targets.leading(rank)
    return 1 - ((residual @ U) * U).sum(0) / targets.values[:rank]


def adjusted(r2: Tensor, used: int, N: int) -> Tensor:
    """R2 less what ``used`` unrelated directions explain of N samples, 0 in the mean of pure noise.

    Errors: DegenerateError where an affine map fits any targets.
    """
    if used >= N - 1:
        raise DegenerateError(f"{used} directions fit any targets of N = {N} samples exactly")
    return 1 - (1 - r2) * (N - 1) / (N - 1 - used)


def of_network(outputs: Moments, targets: Spectrum, rank: int, classes: bool) -> Tensor:
    """R2 (r,) of the network's own prediction along each direction of the targets.

    Args:
        outputs: moments of the rows [f(x) - y, y], n wide each.
        classes: whether y are one-hot classes. Logits are on no scale of theirs, and so the outputs are first fitted
            to y by the best affine map.
    """
    n, S = outputs.n, outputs.covariance
    left, cross, S_Y = S[:n, :n], S[:n, n:], S[n:, n:]
    if not classes:
        offset = outputs.mean[:n]
        return along(left + torch.outer(offset, offset), targets, rank)
    S_F = left + cross + cross.mT + S_Y
    if not float(S_F.trace()) > 0:
        return torch.zeros(rank, dtype=torch.float64)
    return along(linear_fit(S_F, spectrum(S_F), cross + S_Y, S_Y).residual, targets, rank)


def layer_direction(index: int) -> Measure:
    """Make the measure: R2 of the layer's best affine map along target direction ``index``, from 1."""

    def r2(linear_fit: LinearFit, targets: Spectrum, target_rank: int, N: int) -> Outcome:
        """R2 of the best affine map along one direction of the targets, in [0, 1]."""
        found = along(linear_fit.residual, targets, _there(index, target_rank))
        return Outcome(float(found[index - 1]), *_fits_anything(linear_fit.used, N))

    return r2


def adjusted_layer_direction(index: int) -> Measure:
    """Make the measure: the same less what chance explains, at most 1; 0 in the mean where nothing is predicted."""

    def r2(layer_r2: Tensor, target_rank: int) -> Outcome:
        """Adjusted R2 of the best affine map along one direction of the targets, at most 1."""
        return Outcome(float(layer_r2[_there(index, target_rank) - 1]))

    return r2


def network_direction(index: int) -> Measure:
    """Make the measure: R2 of the network's own prediction along target direction ``index``, from 1, at most 1."""

    def r2(network_r2: Tensor, target_rank: int) -> Outcome:
        """R2 of the network along one direction of the targets, at most 1; of classes, after an affine fit."""
        return Outcome(float(network_r2[_there(index, target_rank) - 1]))

    return r2


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


def residual_spectrum(outputs: Moments) -> Spectrum:
    """Eigenvalues and eigenvectors of the covariance of f(x) - y (n, n), from moments of the rows [f(x) - y, y]."""
    return spectrum(outputs.covariance[: outputs.n, : outputs.n])


def whiteness(residual_moments: Moments) -> Outcome:
    """Smallest over largest eigenvalue of the residuals' covariance, in [0, 1]; 1 where what is left is white."""
    if residual_moments.n == 1:
        raise NotDefinedError("identically 1 for a single target")
    values = residual_spectrum(residual_moments).values
    if not float(values[0]) > 0:
        raise DegenerateError("the network leaves no residual")
    return Outcome(max(0.0, float(values[-1] / values[0])))

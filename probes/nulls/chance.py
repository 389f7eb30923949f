"""Null levels of the catalog's measures, each named as the measure that it belongs to; see ``probes.nulls.levels``.

Notation as in ``probes.measures.deep``. Each function reads the same quantities as its measure, and not the relation
between them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from probes.doubt import read_directions
from probes.outcome import DegenerateError, NotDefinedError
from probes.subspace import LinearFit, Spectrum

from . import levels
from .levels import CrossNull, Null, PlaneNull

ONE = torch.ones(1, dtype=torch.float64)  # variance of the targets along a direction, which drops out of its R2


def feature_weight_alignment(features: Spectrum, leading_weight: Spectrum, k: int) -> Null:
    """Mean cosine between V and a random plane of as many directions as the weight's top k stand for."""
    return _planes(features, leading_weight, k).cosine


def smallest_feature_weight_alignment(features: Spectrum, leading_weight: Spectrum, k: int) -> Null:
    """The smallest of the same cosines."""
    return _planes(features, leading_weight, k).smallest


def published_feature_weight_alignment(features: Spectrum, leading_weight: Spectrum, k: int) -> Null:
    """Their sum over k, which is less than their mean where the weight has fewer than k directions."""
    found, share = _planes(features, leading_weight, k).cosine, min(k, read_directions(leading_weight, k)) / k
    return Null(found.mean * share, found.high * share)


def noise_alignment(features: Spectrum, leading_weight: Spectrum, k: int) -> Null:
    """Mean sine of the same angles."""
    return _planes(features, leading_weight, k).sine


def feature_side_alignment(crossed: CrossNull) -> Null:
    """Feature side of S_HY against V, for targets that have nothing to do with the features."""
    return crossed.features


def feature_target_alignment(crossed: CrossNull) -> Null:
    """Target side of S_HY against the targets' own top k directions."""
    return crossed.targets


def cross_alignment(crossed: CrossNull) -> Null:
    """Target side of S_HY against the targets' other directions."""
    if crossed.rest is None:
        raise NotDefinedError("no target directions remain")
    return crossed.rest


def cka(features: Spectrum, targets: Spectrum, N: int) -> Null:
    """Linear CKA of N samples."""
    return _cka(features.values, targets.values, N)


def signal_cka(features: Spectrum, targets: Spectrum, N: int, k: int) -> Null:
    """The same with the features' top k directions alone."""
    return _cka(features.values[:k], targets.values, N)


def linear_r2(linear_fit: LinearFit, targets: Spectrum, N: int) -> Null:
    """R2 of pure noise, used/(N - 1) in mean."""
    return levels.predicted(targets.values, linear_fit.used, N)[0]


def adjusted_r2(linear_fit: LinearFit, targets: Spectrum, N: int) -> Null:
    """Adjusted R2 of pure noise, 0 in mean."""
    return _adjusted(linear_r2(linear_fit, targets, N), linear_fit.used, N)


def direction_r2(linear_fit: LinearFit, N: int) -> Null:
    """R2 of pure noise along one direction of the targets."""
    return levels.predicted(ONE, linear_fit.used, N)[0]


def adjusted_direction_r2(linear_fit: LinearFit, N: int) -> Null:
    """Adjusted R2 of pure noise along one direction of the targets, 0 in mean."""
    return _adjusted(direction_r2(linear_fit, N), linear_fit.used, N)


def linear_mse(linear_fit: LinearFit, targets: Spectrum, N: int) -> Null:
    """Error left of pure noise: the targets' mean variance less what chance explains of it."""
    share, variance = levels.predicted(targets.values, linear_fit.used, N)[1], targets.total / targets.dim
    return Null(share.mean * variance, share.high * variance)


def _adjusted(plain: Null, used: int, N: int) -> Null:
    left = N - 1 - used
    if left <= 0:
        raise DegenerateError("the map fits any targets exactly")
    return Null(0.0, 1 - (1 - plain.high) * (N - 1) / left)


def _planes(features: Spectrum, leading_weight: Spectrum, k: int) -> PlaneNull:
    if k > features.dim:
        raise NotDefinedError(f"k = {k} exceeds the width d = {features.dim}")
    return levels.planes(k, read_directions(leading_weight, k), features.dim)


def _cka(features: Tensor, targets: Tensor, N: int) -> Null:
    if N < 2:
        raise DegenerateError("one sample does not vary")
    return levels.cka(features, targets, N)

"""The signal rank k: how many directions of the targets are more than the precision they were written in.

Notation: S_Y (n, n) covariance of the targets, t_i and v_i its eigenvalues and eigenvectors, l_i the eigenvalues of
the features' covariance S_H (d, d).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .algebra.onehot import weighed
from .subspace import EPS, Spectrum, spectrum

APART = 1e6  # ratio of the columns' variances up to which the eigenvalues of S_Y tell their rank
CARRIED = 1e-6  # share of the targets' variance that trailing directions may carry without a word


def written_tolerance(
    targets: Spectrum, squares: Tensor, unit_roundoff: float, resolution: Tensor | None = None, count: int = 1
) -> Tensor:
    """Variance (n,) along each eigenvector of S_Y that writing the targets down could have made by itself.

    A number format rounds each column relative to its own size, offset included: eight roundings, squared, of what the
    direction takes of each column. Decimals are cut at an absolute place, and errors of up to delta_j in column j come
    to at most (sum_j |v_j| delta_j)^2. To both comes what float64 may leave: of the eigen-decomposition, and of N
    products that were summed, whose roundings add up as a random walk does.

    Args:
        targets: eigenvalues and eigenvectors of S_Y.
        squares: E y_j^2 (n,), offset included.
        unit_roundoff: of the number format that the targets were written in.
        resolution: delta (n,), half a unit of the last written digit of each column; None where it is not known.
        count: N, the samples that S_Y was summed over.
    """
    rounded = (8 * unit_roundoff) ** 2 * weighed(squares, targets.basis)
    if resolution is not None:
        rounded = rounded.maximum((targets.vectors.abs() * resolution.to(squares)[:, None]).sum(0) ** 2)
    return rounded + max(targets.dim, 8 * count**0.5) * EPS * float(targets.values[0])


def rank_of_columns(
    S_Y: Tensor, squares: Tensor, unit_roundoff: float, resolution: Tensor | None = None, count: int = 1
) -> int:
    """Directions of the targets that are more than their precision when every column is brought to one variance.

    It is the rank of S_Y wherever float64 resolves that. Columns more than about 1e6 apart in scale hide the smaller
    ones behind the rounding of the larger, in S_Y's eigenvalues and not here.

    Args:
        S_Y: (n, n); the others as for ``written_tolerance``.
    """
    variances = S_Y.diagonal()
    delta = torch.zeros_like(variances) if resolution is None else resolution.to(squares)
    varies = variances > ((8 * unit_roundoff) ** 2 * squares).maximum(delta**2).maximum(64 * EPS**2 * squares)
    scale = variances[varies].sqrt()
    found = spectrum(S_Y[varies][:, varies] / torch.outer(scale, scale))
    tolerance = written_tolerance(
        found, squares[varies] / scale**2, unit_roundoff, None if resolution is None else delta[varies] / scale, count
    )
    return int((found.values > tolerance).sum())


def carrying(values: Tensor, share: float = 1 - CARRIED) -> int:
    """How many of the leading values (r,), descending and >= 0, carry ``share`` of their sum."""
    sums = values.clamp(min=0).cumsum(0)
    return int((sums < share * float(sums[-1])).sum()) + 1


def trailing_note(targets: Spectrum, k: int) -> str:
    """What to say beside k where its trailing directions carry less than 1e-6 of the targets' variance; else nothing.

    They may be signal that is small, or noise that was not known to be rounding: only the user can tell.
    """
    enough = carrying(targets.values)
    if enough >= k or k > targets.dim:
        return ""
    said = f"{enough} of the k = {k} directions carry 1 - {CARRIED:g} of the targets' variance"
    return f"{said}; rank={enough} leaves the others out"


def noise_curve(values: Tensor, most: int) -> Tensor:
    """Noise fraction at every signal rank: 1 - (l_1 + .. + l_k)/sum l for k = 1 .. most, (most,), in [0, 1].

    The sums run from the smallest value up, so that a tail of 1e-12 keeps its digits.

    Args:
        values: eigenvalues of S_H (d,), descending.
        most: largest k, below d; the usual choice is min(2n, d - 1).
    Errors: ValueError if there is no such k, or the features do not vary.
    """
    if not 1 <= most < values.numel():
        raise ValueError(f"k goes from 1 to below the width d = {values.numel()}; the largest asked for is {most}.")
    behind = values.clamp(min=0).flip(0).cumsum(0).flip(0)
    if not float(behind[0]) > 0:
        raise ValueError("The features do not vary, and there is no share of their variance to draw.")
    return torch.clamp(behind[1 : most + 1] / behind[0], 0.0, 1.0)

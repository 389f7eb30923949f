"""How far apart the class means of a layer lie, and what rounding alone could make of that."""

from __future__ import annotations

from torch import Tensor

from probes.outcome import DegenerateError
from probes.streaming.classes import Classes
from probes.subspace import EPS, Spectrum, singular


def class_means(classes: Classes) -> Tensor:
    """The means (K, d) of the classes that appear. Errors: DegenerateError for fewer than two."""
    means = classes.means[classes.present]
    if len(means) < 2:
        raise DegenerateError(f"{len(means)} of {classes.n} classes appears: there is nothing between classes")
    return means


def spread(means: Tensor, mean_square: float, unit_roundoff: float) -> Spectrum:
    """Eigenvalues and eigenvectors (d, r) of S_B, the covariance of class means (K, d).

    Args:
        mean_square: E||h||^2, offset included: what rounding of the features is relative to.
        unit_roundoff: of the dtype in which the network held these features.
    Errors: DegenerateError for means no further apart than rounding.
    """
    found = singular((means - means.mean(0)) / len(means) ** 0.5)
    between = Spectrum(found.values**2, found.vectors)
    if between.total <= max(4 * unit_roundoff**2, 64 * EPS**2) * mean_square:
        raise DegenerateError("the class means coincide: they are no further apart than rounding")
    return between


def tolerance(classes: Classes, between: Spectrum, mean_square: float, unit_roundoff: float) -> float:
    """Largest eigenvalue of S_B that rounding alone could produce: of the features, spread over the K means, and of
    float64."""
    K = int(classes.present.sum())
    rounding = max(4 * unit_roundoff**2 / K, 64 * EPS**2) * mean_square
    return rounding + (max(K, classes.means.shape[1]) * EPS) ** 2 * float(between.values[0])

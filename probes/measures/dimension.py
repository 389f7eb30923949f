"""Intrinsic dimension from the two nearest neighbours of each sample (Facco et al. 2017).

Collapsed regression networks have that of their features below the targets' (arXiv 2510.01105).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from probes.outcome import OK, DegenerateError, NotDefinedError, Outcome
from probes.streaming.rows import Rows
from probes.subspace import EPS, Spectrum

FEWEST = 20  # distinct points, for a slope through fewer says little
CANDIDATES = 16
TRUSTED = 1e6  # times what products lose of a squared distance: more is told from them
CHUNK = 256


def two_nn(rows: Rows, features: Spectrum, mean_square: float, unit_roundoff: float) -> Outcome:
    """Intrinsic dimension of the features, >= 0: the slope through 0 of -log(1 - i/N) on log(r2/r1), r1 <= r2 the
    distances of a sample to its nearest two, sorted by their ratio, the last point dropped. Facco et al. 2017.

    ``features`` is read so that a constant layer is refused.
    """
    return _told(rows, rows.H, 2 * unit_roundoff * math.sqrt(mean_square))


def target_two_nn(rows: Rows, targets: Spectrum) -> Outcome:
    """The same of the targets; samples whose targets are equal count once."""
    return _told(rows, rows.Y, 0.0)


def slope(nearest: Tensor) -> float:
    """The estimate from the distances (P, 2) of distinct points to their nearest two others, nearest first.

    Errors: DegenerateError where all ratios are 1.
    """
    N = len(nearest)
    logs = nearest.log()
    x = (logs[:, 1] - logs[:, 0]).sort().values[:-1]
    share = torch.arange(1, N, dtype=torch.float64, device=x.device) / N
    if not float(x.square().sum()) > 0:
        raise DegenerateError("every sample is as far from its second neighbour as from its first")
    return float((x * -torch.log1p(-share)).sum() / x.square().sum())


def nearest_two(points: Tensor) -> Tensor:
    """Distances (P, 2) of points (P, d) to their nearest two others, nearest first; P at least 3.

    Products find the candidates, and differences, which lose nothing, measure them. Where neighbours are so close that
    products could have missed them, differences go over all points.
    """
    squares = (points**2).sum(1)
    apart = squares[:, None] + squares - 2 * points @ points.mT
    apart.fill_diagonal_(math.inf)
    candidates = points[apart.topk(min(CANDIDATES, len(points) - 1), largest=False).indices]
    found = (candidates - points[:, None]).norm(dim=2).topk(2, largest=False).values
    lost = points.shape[1] * EPS * float(squares.max())
    for row in (found[:, 1] ** 2 < TRUSTED * lost).nonzero()[:, 0].split(CHUNK):
        exact = torch.cdist(points[row], points, compute_mode="donot_use_mm_for_euclid_dist")
        exact[torch.arange(len(row)), row] = math.inf
        found[row] = exact.topk(2, largest=False).values
    return found


def _told(rows: Rows, given: Tensor, rounding: float) -> Outcome:
    points = torch.unique(given - given.mean(0), dim=0)
    if len(points) < FEWEST:
        raise NotDefinedError(f"{len(points)} distinct points are too few: {FEWEST} are needed")
    nearest = nearest_two(points)
    if float(nearest[:, 0].median()) <= rounding:
        raise DegenerateError("nearest neighbours are no further apart than rounding")
    said = [
        f"over {len(given)} of {rows.count} samples" if len(given) < rows.count else "",
        f"{len(points)} of them are distinct" if len(points) < len(given) else "",
    ]
    return Outcome(slope(nearest), OK, "; ".join(filter(None, said)))

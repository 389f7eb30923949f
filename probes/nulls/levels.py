"""Null levels: what a measure reads when features, targets and weight have nothing to do with each other.

Notation as in ``probes.measures.deep``; l (d,) and t (n,) are the eigenvalues of S_H and S_Y. A null is a mean and the
level that one of a hundred unrelated pairs exceeds; it is computed from the spectra and sizes alone, and is the same
for the same ones: what is drawn is drawn from a seed of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from . import quantiles

NOTHING = 1e-12  # of the largest eigenvalue: what is below counts as 0, and is not drawn
DRAWS = 400
MANY = 60  # degrees from which a chi-squared variable is the cube of a normal one
KEPT = 2**21  # numbers that are drawn and kept for the next layer, at most
WORK = 20_000_000  # of draws, in about as many operations: a fraction of a decomposition of S_H at d = 512


@dataclass(frozen=True)
class Null:
    """The mean of a measure where nothing is related, and its 99 % quantile."""

    mean: float
    high: float


@dataclass(frozen=True)
class PlaneNull:
    """Nulls of the angles between a k-plane and a q-plane of R^d: mean cosine, smallest cosine and mean sine."""

    cosine: Null
    smallest: Null
    sine: Null


@dataclass(frozen=True)
class CrossNull:
    """Nulls of the top k directions of S_HY: feature side against V; target side against the targets' top k; target
    side against the rest, None where there is none."""

    features: Null
    targets: Null
    rest: Null | None


@lru_cache(maxsize=4096)
def planes(k: int, q: int, d: int) -> PlaneNull:
    """Angles between two isotropic random planes of k and q directions in R^d: min(k, q) of them.

    Squared cosines are the eigenvalues of A(A + B)^-1 with A and B Wishart of q and d - q degrees (Muirhead 1982,
    theorem 3.3.3), drawn by their triangular factors (Bartlett 1933), so that a draw costs k^2 numbers, or
    k (k + 60), whatever d is.
    Planes that must meet, for k + q > d, share k + q - d directions, and their complements are as far apart.

    Errors: ValueError for planes that R^d has not.
    """
    if not 1 <= min(k, q) <= max(k, q) <= d:
        raise ValueError(f"Planes of {k} and {q} directions are not both in R^{d}.")
    small, large = min(k, q), max(k, q)
    meeting = max(0, small + large - d)
    if meeting == small:
        return PlaneNull(Null(1.0, 1.0), Null(1.0, 1.0), Null(0.0, 0.0))
    if meeting:
        small, large = d - large, d - small
    apart = _plane_cosines(small, large, d)
    size = small + meeting
    cosine, sine = (apart.sum(1) + meeting) / size, (1 - apart**2).sqrt().sum(1) / size
    return PlaneNull(_null(cosine), _null(apart.amin(1)), _null(sine))


def crossed(features: Tensor, targets: Tensor, k: int) -> CrossNull:
    """Angles that the singular vectors of S_H^(1/2) G S_Y^(1/2), G Gaussian (d, n), have with the leading eigenvectors.

    In the eigenbases only l and t enter. The rows of G behind the first few enter through G'LG alone, whose mean and
    variance are the sums of l and l^2: many small terms, and so normal. For k = n the left space is that of L^(1/2) G
    whatever t is, and a triangular factor of G'LG tells its angles.

    Args:
        features, targets: l (d,) and t (n,), descending, t_k > 0.
        k: signal rank, up to min(d, n).
    """
    n, turned = targets.numel(), targets.numel() > features.numel()
    # the same angles of the transposed matrix, of which the smaller square is decomposed
    left, right = _sides(targets, features, k) if turned else _sides(features, targets, k)
    whole = Null(1.0, 1.0) if right is None else _null(right.sqrt().mean(1))
    side = _null(left.sqrt().mean(1))
    if turned:
        side, whole, right = whole, side, left
    if right is None or n == k:
        return CrossNull(side, whole, None)
    # ascending; to the other directions the same angles are complements, and to those that do not vary there are none
    nothing = float(targets[k:].clamp(min=0).sum()) <= NOTHING * float(targets[0])
    return CrossNull(side, whole, Null(0.0, 0.0) if nothing else _null((1 - right[:, : n - k]).sqrt().mean(1)))


def _sides(features: Tensor, targets: Tensor, k: int) -> tuple[Tensor, Tensor | None]:
    """Squared cosines (D, k), ascending, of the singular vectors' left side, and of their right one; None where that is
    the whole space."""
    large, wide = features.double().cpu().clamp(min=0), targets.double().cpu().clamp(min=0)
    there = int((large > NOTHING * large[0]).sum())
    large = large[: max(k, there)]
    roots = (wide / wide[0]).sqrt()
    n = roots.numel()
    head, tail = _split(large / large[0], k, n)
    cost = head.numel() * n * (n + 20) + 30 * n**3 + 4000
    # of few targets every draw spreads wide, and costs little
    draws = max(4, min(max(DRAWS, 8 * DRAWS // n), int(WORK / cost)))
    normal, noise = normals(draws, head.numel(), n, tail.numel() > 0)
    rows = head.sqrt()[:, None] * normal
    gram = rows.mT @ rows
    if tail.numel():
        gram += float((tail**2).sum() / 2) ** 0.5 * (noise + noise.mT)
        gram.diagonal(dim1=1, dim2=2).add_(float(tail.sum()))
    factor, failed = torch.linalg.cholesky_ex(gram)
    apart = failed == 0  # eigenvalues far apart leave single draws without a factor, in rounding
    if k == n <= there and 2 * int(apart.sum()) > draws:
        left = torch.linalg.solve_triangular(factor[apart], rows[apart, :k].mT, upper=False)
        return _squares(left), None
    values, vectors = torch.linalg.eigh(roots[:, None] * gram * roots)
    right = vectors[:, :, -k:]
    sizes = values[:, -k:].clamp(min=torch.finfo(torch.float64).tiny).sqrt()
    left = (rows[:, :k] * roots) @ right / sizes[:, None, :]
    return _squares(left), _squares(right[:, :k])


def cka(features: Tensor, targets: Tensor, N: int) -> Null:
    """Linear CKA: ||S_HY||_F^2 is sum l_i t_j x_ij / (N - 1) with x chi-squared of one degree, in mean
    Tr S_H Tr S_Y / ((N - 1) ||S_H||_F ||S_Y||_F)."""
    large, wide = (values.double().clamp(min=0) / float(values[0]) for values in (features, targets))
    sums = [float((large**power).sum() * (wide**power).sum()) for power in (1, 2, 3)]
    size = (N - 1) * sums[1] ** 0.5
    return Null(min(1.0, sums[0] / size), min(1.0, quantiles.weighted_chi_squared(*sums) / size))


def predicted(targets: Tensor, used: int, N: int) -> tuple[Null, Null]:
    """R^2 of the least-squares affine map from ``used`` directions to unrelated targets, and 1 - R^2.

    Along each direction of the targets it is beta of used/2 and (N - 1 - used)/2, in mean used/(N - 1); the whole is
    their mean, weighted by t.
    """
    left = N - 1 - used
    if left <= 0:
        return Null(1.0, 1.0), Null(0.0, 0.0)
    weights = targets.double().clamp(min=0) / float(targets.clamp(min=0).sum())
    mean = used / (N - 1)
    variance = float((weights**2).sum()) * 2 * used * left / ((N - 1) ** 2 * (N + 1))
    return (
        Null(mean, quantiles.beta(mean, variance)),
        Null(1 - mean, quantiles.beta(1 - mean, variance)),
    )


def isotropic_stable_rank(d: int, N: int) -> float:
    """What isotropic features of width d read as stable rank with N samples: d / (1 + sqrt(d/N))^2, for their largest
    eigenvalue is that much above the mean (Marchenko & Pastur 1967)."""
    return float(d / (1 + (d / N) ** 0.5) ** 2)


def isotropic_stable_rank_covariance(d: int, N: int) -> float:
    """The same of the covariance itself: d (1 + d/N) / (1 + sqrt(d/N))^4."""
    return float(d * (1 + d / N) / (1 + (d / N) ** 0.5) ** 4)


def _null(values: Tensor) -> Null:
    return Null(float(values.mean()), min(1.0, quantiles.drawn(values)))


def _squares(blocks: Tensor) -> Tensor:
    """Squared singular values (D, k) of each block (D, k, k), ascending, at most 1."""
    squares = torch.linalg.eigvalsh(blocks @ blocks.mT) if blocks.shape[1] > 1 else (blocks**2).sum(2)
    return squares.clamp(0, 1)


def normals(draws: int, first: int, n: int, squares: bool) -> tuple[Tensor, Tensor]:
    """Normal numbers (D, first, n), and if they are asked for (D, n, n) more; the same each time, and kept for the
    other layers of a network where they are not many."""
    many = draws * n * (first + n * squares) > KEPT
    return (_normals if many else kept_normals)(draws, first, n, squares)


def _normals(draws: int, first: int, n: int, squares: bool) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    rows = torch.randn(draws, first, n, generator=g, dtype=torch.float64)
    return rows, torch.randn(draws, n if squares else 0, n, generator=g, dtype=torch.float64)


kept_normals = lru_cache(maxsize=4)(_normals)


def forget_draws() -> None:
    """Free what is kept of draws from one layer to the next."""
    kept_normals.cache_clear()
    planes.cache_clear()


def _split(values: Tensor, k: int, n: int) -> tuple[Tensor, Tensor]:
    """The values to draw one by one, at least k, and the rest, which must be many of like size to count as normal."""
    for first in (16, 32, 64, 128):
        head, tail = values[:first], values[first:]
        if first >= k and float(tail.sum()) ** 2 >= 16 * n * float((tail**2).sum()):
            return head, tail
    return values, values[:0]


def _plane_cosines(p: int, q: int, d: int) -> Tensor:
    """Cosines (D, p) between planes of p <= q directions, p + q <= d."""
    draws = max(8, min(5 * DRAWS // p, WORK // (500 * p * p)))
    g = torch.Generator().manual_seed(0)
    A, B = _bartlett(p, q, draws, g), _bartlett(p, d - q, draws, g)
    whole = torch.linalg.cholesky(A @ A.mT + B @ B.mT)
    part = torch.linalg.solve_triangular(whole, A, upper=False)
    return torch.linalg.svdvals(part).clamp(max=1.0)


def _bartlett(p: int, freedom: int, draws: int, g: torch.Generator) -> Tensor:
    """Lower-triangular factors (draws, p, p) of Wishart matrices of ``freedom`` >= p degrees."""
    factor = torch.randn(draws, p, p, generator=g, dtype=torch.float64).tril(-1)
    degrees = freedom - torch.arange(p)
    if degrees[-1] >= MANY:
        squares = quantiles.many_degrees(degrees, torch.randn(draws, p, generator=g, dtype=torch.float64))
    else:
        normal = torch.randn(draws, p, freedom, generator=g, dtype=torch.float64)
        squares = normal.square_().mul_(torch.arange(freedom) < degrees[:, None]).sum(-1)
    factor.diagonal(dim1=1, dim2=2).copy_(squares.sqrt())
    return factor

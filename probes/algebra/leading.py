"""The leading singular vectors of a wide weight, at a fraction of what all of them cost."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from probes.subspace import EPS, Spectrum

SMALL = 64  # sides up to which all singular vectors cost next to nothing
SHALLOW = 0.1  # s_k over s_1 below which WW' would have lost digits of the k-th singular vector


def leading_singular(W: Tensor, k: int, tied: float) -> Spectrum | None:
    """Singular values of W (m, d), largest first, and its leading right singular vectors (d, q), q >= k: the top k, and
    those whose values are within the ratio ``tied`` of the k-th.

    They come from the smaller of WW' and W'W, which costs no digit of values that are near the largest. Values below
    1e-7 of the largest are rounding, as ``floor`` tells. None where the k-th is below a tenth of the largest, or there
    is little to save: all vectors are to be computed from W itself.

    Args:
        W: finite, and not 0.
        k: how many directions are wanted, at least 1.
    """
    m, d = W.shape
    p = min(m, d)
    if p <= SMALL or k > p // 4 or W.device.type != "cpu":
        return None
    size = float(W.abs().max())
    A = W / size
    squares, vectors = _eigen(A @ A.mT if m <= d else A.mT @ A, k, tied**2)
    if not float(squares[k - 1]) > SHALLOW**2 * float(squares[0]):
        return None
    values = squares.clamp(min=0).sqrt()
    right = (A.mT @ vectors) / values[: vectors.shape[1]] if m <= d else vectors
    return Spectrum(values * size, right, floor=(max(m, d) * EPS) ** 0.5 * float(values[0]) * size)


def _eigen(S: Tensor, k: int, tied: float) -> tuple[Tensor, Tensor]:
    """Eigenvalues of S (p, p), largest first, and the eigenvectors (p, q) of the top k and of those tied with these.

    Reduced to a tridiagonal matrix once: for all values by QL, and for the few vectors by bisection and inverse
    iteration.
    """
    from scipy.linalg import eigh_tridiagonal, lapack

    p = len(S)
    with _one_thread():
        lower, diagonal, beside, tau, _ = lapack.dsytrd(S.numpy(), lower=1, lwork=64 * p)
        values = torch.from_numpy(lapack.dsterf(diagonal, beside)[0][::-1].copy())
        q = k + int((values[k:] * tied > values[k - 1]).sum())
        if q > p // 4:
            found, vectors = torch.linalg.eigh(S)
            return found.flip(0), vectors.flip(1)[:, :q]
        _, small = eigh_tridiagonal(diagonal, beside, select="i", select_range=(p - q, p - 1))
        turned, _, _ = lapack.dormqr("L", "N", lower[1:, :-1], tau, small[1:], lwork=64 * p)
    return values, torch.cat([torch.from_numpy(small[:1]), torch.from_numpy(turned)]).flip(1)


def _one_thread() -> Any:
    """A block in which scipy's library keeps to this thread: its own would contend with torch's, which still spin."""
    return _pools().limit(limits=1, user_api="blas")


@cache
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()

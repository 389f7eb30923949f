"""The leading singular vectors of a wide weight, at a fraction of what all of them cost."""

from __future__ import annotations

from torch import Tensor

from probes.streaming.gram import add_gram_, mirrored
from probes.subspace import EPS, Spectrum, spectrum

from .lending import borrowed
from .reduced import Reduced

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
    A, gram = W / size, W.new_zeros(p, p)
    add_gram_(gram, A.mT if m <= d else A)
    reduced = Reduced.of(gram) if borrowed(gram) is None else spectrum(mirrored(gram))
    squares = reduced.values
    if not float(squares[k - 1]) > SHALLOW**2 * float(squares[0]):
        return None
    vectors = reduced.leading(k + int((squares[k:] * tied**2 > squares[k - 1]).sum()))
    values = squares.clamp(min=0).sqrt()
    right = (A.mT @ vectors) / values[: vectors.shape[1]] if m <= d else vectors
    return Spectrum(values * size, right, floor=(max(m, d) * EPS) ** 0.5 * float(values[0]) * size)

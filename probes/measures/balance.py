"""Balancedness of two consecutive weights, an identity that weight decay brings about.

Let L be a loss of W_2 W_1 h. By the chain rule W_2' dL/dW_2 = dL/dW_1 W_1'. At a critical point of
L + (lambda/2)(||W_1||_F^2 + ||W_2||_F^2) the gradients of L are -lambda W_2 and -lambda W_1, and so, whatever the loss,
W_2'W_2 = W_1 W_1'. Behind a ReLU the chain rule holds unit by unit, and with it the diagonal alone. Biases change
nothing as long as they are not decayed.
"""

from __future__ import annotations

from torch import Tensor

from probes.outcome import OK, DegenerateError, NotDefinedError, Outcome
from probes.streaming.gram import add_gram_

CLOSE = 0.01  # below it the difference of two sums of squares has less than eleven digits
LINEAR = "exact for linear networks; behind a ReLU only the diagonal balances"


def balancedness(W: Tensor, following: Tensor, known_values: Tensor | None = None) -> Outcome:
    """|| V'V - WW' ||_F / (||V'V||_F^2 + ||WW'||_F^2)^(1/2) of a weight W (m, d) and the next one, V (p, m), in [0, 1].

    0 at critical points with equal weight decay; 1 where the two share nothing, for both matrices are positive
    semidefinite.

    Args:
        known_values: singular values of W, where they are known, which spare a product.
    """
    _fit(W, following)
    few = min(len(following), W.shape[1]) < len(W) // 2
    apart = _apart_by_traces(W, following, known_values) if few else 0.0
    return Outcome(apart if apart > CLOSE else _apart(following.mT @ following, W @ W.mT), OK, LINEAR)


def diagonal_balancedness(W: Tensor, following: Tensor) -> float:
    """The same on the diagonals alone, in [0, 1]: the squared norm of what enters each of the m units against that of
    what leaves it; 0 at critical points with equal weight decay, behind a ReLU too."""
    _fit(W, following)
    return _apart((following**2).sum(0), (W**2).sum(1))


def _apart_by_traces(W: Tensor, following: Tensor, known_values: Tensor | None) -> float:
    """The same without any m x m matrix: ||V'V - WW'||^2 = ||VV'||^2 + ||W'W||^2 - 2 ||VW||^2, of which small
    differences lose digits."""
    own = _gram_square(W) if known_values is None else float((known_values**4).sum())
    whole = _gram_square(following) + own
    if not whole > 0:
        raise DegenerateError("both weights are zero")
    return max(0.0, 1 - 2 * float((following @ W).square().sum()) / whole) ** 0.5


def _gram_square(X: Tensor) -> float:
    """||X'X||_F^2 = ||XX'||_F^2 of X (m, d), by the smaller of the two."""
    rows = X if X.shape[0] >= X.shape[1] else X.mT
    gram = rows.new_zeros(rows.shape[1], rows.shape[1])
    add_gram_(gram, rows)
    return float(2 * gram.triu(1).square().sum() + gram.diagonal().square().sum())


def _apart(A: Tensor, B: Tensor) -> float:
    size = float(A.norm() ** 2 + B.norm() ** 2) ** 0.5
    if not size > 0:
        raise DegenerateError("both weights are zero")
    return float((A - B).norm()) / size


def _fit(W: Tensor, following: Tensor) -> None:
    if following.shape[1] != W.shape[0]:
        raise NotDefinedError(f"the weight has {W.shape[0]} outputs, and the next reads {following.shape[1]} features")

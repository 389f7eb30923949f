"""The inner loop: adding X'X to a symmetric matrix, at half the cost of a plain product."""

from __future__ import annotations

from torch import Tensor

BLOCK = 128


def add_gram_(matrix: Tensor, rows: Tensor) -> None:
    """Add X'X to the upper block triangle of ``matrix`` in place.

    Only the blocks on and above the diagonal are written: a symmetric update needs no more, and on a layer of width
    512 this costs 0.6 of the full product. ``mirrored`` gives the whole matrix back.

    Args:
        matrix: accumulator (d, d), float64.
        rows: X (N, d), float64.
    """
    for start in range(0, matrix.shape[0], BLOCK):
        stop = start + BLOCK
        matrix[start:stop, start:].addmm_(rows[:, start:stop].T, rows[:, start:])


def mirrored(matrix: Tensor) -> Tensor:
    """Return the full symmetric matrix (d, d) whose upper triangle ``matrix`` holds."""
    upper = matrix.triu()
    return upper + matrix.triu(1).T

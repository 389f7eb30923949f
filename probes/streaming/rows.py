"""A bounded choice of samples, kept as they are, for measures that moments do not hold."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from .statistic import Batch, Opening, Part, Pass

MOST = 2000  # rows kept: their distances are 2,000 x 2,000
# odd constants of 64 bits (splitmix64), as signed integers
FIRST, SECOND = -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15


class Rows:
    """Up to ``most`` distinct rows [h, y], chosen by a hash of what they hold.

    The choice is the rows of the smallest hashes, and so the same whatever the order of the samples and however they
    were split. Rows that are equal bit by bit count once.

    Attributes:
        count: samples seen.
        keys: (P,), the hashes, ascending.
        rows: (P, d + n), the rows [h, y] in order of their hashes.
    """

    in_pass: ClassVar[Pass] = Pass.FIRST
    needs: ClassVar[Part] = Part.NONE

    def __init__(self, d: int, n: int, device: torch.device | str = "cpu", most: int = MOST) -> None:
        self.d, self.n, self.most, self.count = d, n, most, 0
        self.keys = torch.zeros(0, dtype=torch.int64, device=device)
        self.rows = torch.zeros(0, d + n, dtype=torch.float64, device=device)

    @classmethod
    def begin(cls, opening: Opening) -> Rows:
        """None of the opening's width yet."""
        return cls(opening.d, opening.n, opening.device)

    def update(self, batch: Batch) -> None:
        """Take in features H (N, d) and targets Y (N, n)."""
        self.count += batch.N
        rows = torch.cat([batch.H, batch.Y], 1).to(self.rows)
        self._keep(_hashes(rows), rows)

    def merge(self, other: Rows) -> None:
        """Take in another choice over other samples of the same layer."""
        self.count += other.count
        self._keep(other.keys.to(self.keys), other.rows.to(self.rows))

    def _keep(self, keys: Tensor, rows: Tensor) -> None:
        if len(self.keys) == self.most:  # most batches bring little that is smaller
            low = keys < self.keys[-1]
            keys, rows = keys[low], rows[low]
        keys, order = torch.cat([self.keys, keys]).sort(stable=True)
        fresh = torch.ones_like(keys, dtype=torch.bool)
        fresh[1:] = keys[1:] != keys[:-1]
        chosen = fresh.nonzero()[: self.most, 0]
        self.keys, self.rows = keys[chosen], torch.cat([self.rows, rows])[order[chosen]]

    @property
    def H(self) -> Tensor:
        """The features (P, d) of the rows that were kept."""
        return self.rows[:, : self.d]

    @property
    def Y(self) -> Tensor:
        """Their targets (P, n)."""
        return self.rows[:, self.d :]


def _hashes(rows: Tensor) -> Tensor:
    """A hash (N,) of each row's bits: int64 arithmetic that wraps around, so the same on every machine."""
    bits = _mixed((rows + 0.0).contiguous().view(torch.int64))  # + 0.0: -0 is 0
    places = _mixed(torch.arange(1, rows.shape[1] + 1, device=rows.device)) | 1
    return _mixed((bits * places).sum(1))


def _mixed(x: Tensor) -> Tensor:
    x = (x ^ _shifted(x, 30)) * FIRST
    x = (x ^ _shifted(x, 27)) * SECOND
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, by: int) -> Tensor:
    """x >> by without its sign."""
    return (x >> by) & ((1 << (64 - by)) - 1)

"""Count, mean and centred second moments of features and targets together, in one pass."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from probes.algebra.factored import Covariance

from .gram import Gram
from .statistic import Batch, Opening, Part, Pass


class Moments:
    """Streaming count, mean and scatter of the rows z = [h, y].

    Each batch is centred about its own mean before it is squared, and its shift from the mean so far enters as one
    more row (Chan, Golub & LeVeque 1983, eq. 2.1b). Nothing is ever formed about zero, so an offset of 1e4 costs no
    digits; everything is float64, whatever the dtype of what arrives. The law: the statistic of the whole equals the
    merge of any split.

    Attributes:
        count: N, rows seen.
        mean: (d + n,), mean of z.
        gram: (d + n, d + n), sum of (z - mean)(z - mean)', by its rows while they are few.
    """

    in_pass: ClassVar[Pass] = Pass.FIRST
    needs: ClassVar[Part] = Part.NONE

    def __init__(self, d: int, n: int, device: torch.device | str = "cpu") -> None:
        self.d, self.n = d, n
        self.count = 0
        self.mean = torch.zeros(d + n, dtype=torch.float64, device=device)
        self.gram = Gram(d + n, device)

    @classmethod
    def begin(cls, opening: Opening) -> Moments:
        """Moments of the opening's widths."""
        return cls(opening.d, opening.n, opening.device)

    @classmethod
    def of(cls, mean: Tensor, covariance: Tensor, count: int, n: int) -> Moments:
        """Moments that are known: mean (d + n,) and covariance (d + n, d + n) of ``count`` rows [h, y], y (n,)."""
        made = cls(len(mean) - n, n, mean.device)
        made.count, made.mean = count, mean
        made.gram = Gram.of(covariance * count)
        return made

    def update(self, given: Batch | Tensor, Y: Tensor | None = None) -> None:
        """Take in a batch, or features H (N, d) and targets Y (N, n); any N, one and none included."""
        batch = Batch.of(given, Y)
        H, Y, N = batch.H, batch.Y, batch.N
        if H.shape != (N, self.d) or Y.shape != (N, self.n):
            raise ValueError(
                f"These moments take H (N, {self.d}) and Y (N, {self.n}), not {tuple(H.shape)} and {tuple(Y.shape)}."
            )
        if N == 0:
            return
        rows = self.mean.new_empty(N + 1, self.d + self.n)
        rows[:N, : self.d] = H
        rows[:N, self.d :] = Y
        batch_mean = rows[:N].mean(0)
        rows[:N] -= batch_mean
        self._shift(rows[N], batch_mean, N)
        self.gram.add(rows)

    def merge(self, other: Moments) -> None:
        """Take in another accumulator over other rows of the same layer."""
        if (other.d, other.n) != (self.d, self.n):
            raise ValueError(f"Moments of widths {(other.d, other.n)} do not merge into those of {(self.d, self.n)}.")
        if other.count == 0:
            return
        row = torch.empty_like(self.mean)
        self._shift(row, other.mean.to(row.device), other.count)
        self.gram.merge(other.gram)
        self.gram.add(row[None])

    def _shift(self, row: Tensor, mean: Tensor, N: int) -> None:
        """Write into ``row`` the row whose square accounts for joining two means, and join them."""
        total = self.count + N
        delta = mean - self.mean
        torch.mul(delta, math.sqrt(self.count * N / total), out=row)
        self.mean += delta * (N / total)
        self.count = total

    def __add__(self, other: Moments) -> Moments:
        """Moments of both sets of rows; neither operand changes."""
        total = Moments(self.d, self.n, self.mean.device)
        total.merge(self)
        total.merge(other)
        return total

    @property
    def scatter(self) -> Tensor:
        """Sum of (z - mean)(z - mean)' (d + n, d + n)."""
        return self.gram.matrix

    @property
    def covariance(self) -> Tensor:
        """Covariance of z (d + n, d + n), divided by N."""
        return self.scatter / self.count

    @property
    def joint(self) -> Covariance:
        """The same, by its rows while they are few."""
        return self.gram.over(self.count)

"""Count, mean and centred second moments of features and targets together, in one pass."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from probes.algebra.factored import Covariance, block, part
from probes.algebra.joint import Joint
from probes.algebra.onehot import OneHot, Targets

from .classmeans import ClassMeans
from .gram import Gram
from .sketch import Sketch
from .statistic import Batch, Opening, Part, Pass


class Moments:
    """Streaming count, mean and scatter of the rows z = [h, y].

    Each batch is centred about its own mean before it is squared, and its shift from the mean so far enters as one
    more row (Chan, Golub & LeVeque 1983, eq. 2.1b). Nothing is ever formed about zero, so an offset of 1e4 costs no
    digits; everything is float64, whatever the dtype of what arrives. The law: the statistic of the whole equals the
    merge of any split.

    Where every batch so far came with the classes of its samples, targets are known by their counts and the class means
    (n, d), and only features are squared: n one-hot columns in the products would cost (d + n)^2.

    Attributes:
        count: N, rows seen.
        mean: (d + n,), mean of z.
        gram: (d + n, d + n), sum of (z - mean)(z - mean)', by its rows while they are few; (d, d) of h alone where the
            targets are classes.
        classes: counts and means of the classes; None where targets are numbers.
        sketch: s, how many random directions of the features are kept in place of their scatter (``Sketch``), with
            which classes are one-hot columns; None for all of it.
    """

    in_pass: ClassVar[Pass] = Pass.FIRST
    needs: ClassVar[Part] = Part.NONE

    def __init__(self, d: int, n: int, device: torch.device | str = "cpu", sketch: int | None = None) -> None:
        self.d, self.n = d, n
        self.count = 0
        self.mean = torch.zeros(d + n, dtype=torch.float64, device=device)
        self.sketch = sketch if sketch is not None and sketch < d else None
        self.gram = Gram(d + n, device) if self.sketch is None else Sketch(d, n, self.sketch, device)
        self.classes: ClassMeans | None = None

    @classmethod
    def begin(cls, opening: Opening) -> Moments:
        """Moments of the opening's widths."""
        return cls(opening.d, opening.n, opening.device, opening.sketch)

    @classmethod
    def of(cls, mean: Tensor, covariance: Tensor, count: int, n: int) -> Moments:
        """Moments that are known: mean (d + n,) and covariance (d + n, d + n) of ``count`` rows [h, y], y (n,)."""
        made = cls(len(mean) - n, n, mean.device)
        made.count, made.mean = count, mean
        made.gram = Gram.of(covariance * count)
        return made

    def update(self, given: Batch | Tensor, Y: Tensor | None = None, memory: Tensor | None = None) -> None:
        """Take in a batch, or features H (N, d) and targets Y (N, n); any N, one and none included.

        Args:
            memory: (N + 1, d + n), where H and Y lie side by side above a row more: they are centred there, and it is
                read until products that wait are added. None to leave H and Y as they are.
        """
        batch = Batch.of(given, Y)
        H, Y, N = batch.H, batch.Y, batch.N
        if H.shape != (N, self.d) or Y.shape != (N, self.n):
            raise ValueError(
                f"These moments take H (N, {self.d}) and Y (N, {self.n}), not {tuple(H.shape)} and {tuple(Y.shape)}."
            )
        if N == 0:
            return
        if self.count == 0 and batch.classes is not None and self.sketch is None:
            self._begin_classes()
        if batch.classes is None:
            self._write_out()
        width = self.d if self.classes is not None else self.d + self.n
        lent = memory is not None and memory.device == self.mean.device
        rows, batch_mean = self._centred(batch, width, memory if lent else None)
        if self.classes is not None and batch.classes is not None:
            batch_mean[self.d :] = self.classes.update(rows[:N], batch_mean[: self.d], batch.classes)
        rows[N] = self._shift(batch_mean, N)[:width]
        self.gram.add(rows, lent)

    def _centred(self, batch: Batch, width: int, memory: Tensor | None) -> tuple[Tensor, Tensor]:
        """The first ``width`` columns of [H, Y] less their mean, above a row that is free, and that mean (d + n,)."""
        N, batch_mean = batch.N, torch.empty_like(self.mean)
        if memory is not None:
            rows = memory[:, :width]
            torch.mean(rows[:N], 0, out=batch_mean[:width])
            rows[:N].sub_(batch_mean[:width])  # where -= would copy the difference onto itself
            return rows, batch_mean
        rows = self.mean.new_empty(N + 1, width)
        for here, given in ((slice(self.d), batch.H), (slice(self.d, width), batch.Y[:, : width - self.d])):
            batch_mean[here] = given.mean(0)  # into place less the mean at once: two passes over memory, not four
            torch.sub(given.to(rows.device), batch_mean[here], out=rows[:N, here])
        return rows, batch_mean

    def merge(self, other: Moments) -> None:
        """Take in another accumulator over other rows of the same layer."""
        if (other.d, other.n, other.sketch) != (self.d, self.n, self.sketch):
            raise ValueError(f"Moments of widths {(other.d, other.n)} do not merge into those of {(self.d, self.n)}.")
        if other.count == 0:
            return
        if self.count == 0 and other.classes is not None:
            self._begin_classes()
        if self.classes is not None and other.classes is not None:
            self.classes.merge(other.classes)
            gram = other.gram
        else:
            self._write_out()
            gram = other.gram if other.classes is None else Gram.of(other.scatter)
        row = self._shift(other.mean.to(self.mean), other.count)
        self.gram.merge(gram)
        self.gram.add(row[None, : self.gram.d])

    def _begin_classes(self) -> None:
        self.classes, self.gram = ClassMeans(self.d, self.n, self.mean.device), Gram(self.d, self.mean.device)

    def _write_out(self) -> None:
        """From here on targets are numbers like features."""
        if self.classes is not None:
            self.gram, self.classes = Gram.of(self.scatter), None

    def _shift(self, mean: Tensor, N: int) -> Tensor:
        """The row (d + n,) whose square accounts for joining two means; join them."""
        total = self.count + N
        delta = mean - self.mean
        self.mean += delta * (N / total)
        row = delta * math.sqrt(self.count * N / total)
        self.count = total
        return row

    def __add__(self, other: Moments) -> Moments:
        """Moments of both sets of rows; neither operand changes."""
        total = Moments(self.d, self.n, self.mean.device, self.sketch)
        total.merge(self)
        total.merge(other)
        return total

    @property
    def scatter(self) -> Tensor:
        """Sum of (z - mean)(z - mean)' (d + n, d + n)."""
        return self.gram.matrix if self.classes is None else self.joint.dense() * self.count

    @property
    def covariance(self) -> Tensor:
        """Covariance of z (d + n, d + n), divided by N."""
        return self.scatter / self.count

    @property
    def joint(self) -> Joint:
        """The same by its blocks, the features' by its rows while they are few."""
        if isinstance(self.gram, Sketch):
            return self.gram.joint(self.count)
        if self.classes is None:
            return Joint.of(self.gram.over(self.count), self.d)
        cross = (self.classes.means - self.mean[: self.d]) * (self.classes.counts / self.count)[:, None]
        return Joint(self.features, cross.mT, self.targets)

    @property
    def features(self) -> Covariance:
        """Covariance of the features alone (d, d), by its rows while they are few."""
        if isinstance(self.gram, Sketch):
            return self.joint.features
        return part(self.gram.over(self.count), slice(self.d))

    @property
    def targets(self) -> Targets:
        """Covariance of the targets alone (n, n), by the classes' shares where they are classes."""
        if self.classes is not None:
            return OneHot(self.classes.counts / self.count)
        if isinstance(self.gram, Sketch):
            return self.joint.targets
        here = slice(self.d, None)
        return block(self.gram.over(self.count), here, here)

    @property
    def mean_square(self) -> float:
        """E||h||^2 of the features, offset included."""
        return float(self.gram.diagonal()[: self.d].sum() / self.count + (self.mean[: self.d] ** 2).sum())

"""Class means and the scatter within classes, in one pass, which the classifier measures read."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from probes.algebra.factored import Covariance, dense

from .classmeans import ClassMeans
from .gram import Gram
from .statistic import Batch, Opening, Part, Pass


class Classes:
    """Streaming counts, means and pooled within-class scatter of features, one class a sample.

    Each batch is centred about its own class means before it is squared, and each class's shift from its mean so far
    enters as one more row (Chan, Golub & LeVeque 1983, eq. 2.1b, class by class), so a batch costs one product. The
    within-class scatter is never the difference of a total and a between-class one: at a relative size of 1e-10 it
    keeps its digits. The law: the statistic of the whole equals the merge of any split.

    Attributes:
        about: counts and means of the classes.
        gram: (d, d), sum over samples of (h - mu_k)(h - mu_k)', by its rows while they are few.
        squares: (K,), sum over the samples of each class of ||h - mu_k||^2.
    """

    in_pass: ClassVar[Pass] = Pass.FIRST
    needs: ClassVar[Part] = Part.CLASSES

    def __init__(self, d: int, n: int, device: torch.device | str = "cpu") -> None:
        self.d, self.n = d, n
        self.about = ClassMeans(d, n, device)
        self.gram = Gram(d, device)
        self.squares = torch.zeros(n, dtype=torch.float64, device=device)

    @classmethod
    def begin(cls, opening: Opening) -> Classes:
        """Classes of the opening's width, as many as there are targets."""
        return cls(opening.d, opening.n, opening.device)

    def update(self, given: Batch | Tensor, Y: Tensor | None = None) -> None:
        """Take in a batch with its classes, or features H (N, d) and their classes, one-hot rows Y (N, K) or whole
        numbers Y (N,)."""
        H, found = (given.H, given.classes) if isinstance(given, Batch) else (given, Y)
        N = H.shape[0]
        if H.shape != (N, self.d):
            raise ValueError(f"These classes take H (N, {self.d}), not {tuple(H.shape)}.")
        present, index, sizes = labels(found, N, self.n).unique(return_inverse=True, return_counts=True)
        rows, sizes = H.to(self.means), sizes.to(self.counts)
        means = rows.new_zeros(len(present), self.d).index_add_(0, index, rows) / sizes[:, None]
        several = sizes[index] > 1  # the one sample of its class is its mean, and leaves a row of zeros
        apart = rows[several] - means[index[several]]
        self.squares.index_add_(0, present[index[several]], (apart**2).sum(1))
        self.gram.add(torch.cat([apart, self._shift(present, means, sizes)]))

    def merge(self, other: Classes) -> None:
        """Take in another accumulator over other rows of the same layer."""
        if (other.d, other.n) != (self.d, self.n):
            raise ValueError(f"Classes of widths {(other.d, other.n)} do not merge into those of {(self.d, self.n)}.")
        present = other.counts.nonzero()[:, 0]
        means, sizes = other.means[present].to(self.means), other.counts[present].to(self.counts)
        self.gram.merge(other.gram)
        self.squares += other.squares.to(self.squares)
        self.gram.add(self._shift(present.to(self.means.device), means, sizes))

    def _shift(self, present: Tensor, means: Tensor, sizes: Tensor) -> Tensor:
        """Rows (P, d) whose squares account for joining the means (P, d) of the classes ``present``; join them."""
        rows = self.about.join(present, means, sizes)
        self.squares[present] += (rows**2).sum(1)
        return rows

    @property
    def counts(self) -> Tensor:
        """(K,), samples of each class."""
        return self.about.counts

    @property
    def means(self) -> Tensor:
        """(K, d), class means; 0 for a class that has not appeared."""
        return self.about.means

    def __add__(self, other: Classes) -> Classes:
        """Classes of both sets of rows; neither operand changes."""
        total = Classes(self.d, self.n, self.means.device)
        total.merge(self)
        total.merge(other)
        return total

    @property
    def count(self) -> int:
        """N, samples seen."""
        return int(self.counts.sum())

    @property
    def present(self) -> Tensor:
        """(K,), which classes have appeared."""
        return self.counts > 0

    @property
    def spread(self) -> Tensor:
        """Mean of ||h - mu_k||^2 (K,) over the samples of each class; 0 for one that has not appeared."""
        return self.squares / self.counts.clamp(min=1)

    @property
    def within(self) -> Tensor:
        """S_W (d, d): the average over all samples of (h - mu_k)(h - mu_k)', whatever the sizes of the classes."""
        return dense(self.joint)

    @property
    def joint(self) -> Covariance:
        """The same, by its rows while they are few."""
        return self.gram.over(self.count)

    @property
    def scatter(self) -> Tensor:
        """Sum over samples of (h - mu_k)(h - mu_k)' (d, d)."""
        return self.gram.matrix


def labels(Y: Tensor | None, N: int, K: int) -> Tensor:
    """The class (N,) of each sample, from one-hot rows (N, K) or from whole numbers (N,) from 0 to K - 1.

    Errors: ValueError for anything else.
    """
    if Y is not None and Y.shape == (N, K) and is_one_hot(Y):
        return Y.argmax(1)
    if (
        Y is not None
        and Y.shape == (N,)
        and not Y.is_floating_point()
        and (N == 0 or 0 <= int(Y.min()) <= int(Y.max()) < K)
    ):
        return Y.long()
    raise ValueError(f"Classes are one-hot rows ({N}, {K}), or whole numbers from 0 to {K - 1}, one for each sample.")


def is_one_hot(Y: Tensor) -> bool:
    """Whether each row of Y (N, K) holds a single 1 and else 0, with K of at least 2."""
    return Y.ndim == 2 and Y.shape[1] > 1 and bool(((Y != 0).sum(1) == 1).all() and (Y.sum(1) == 1).all())

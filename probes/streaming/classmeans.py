"""Counts and means of classes, in one pass."""

from __future__ import annotations

import torch
from torch import Tensor


class ClassMeans:
    """Streaming count and mean of the features of each class. The law: of the whole it equals the merge of any split.

    Attributes:
        counts: (K,), samples of each class.
        means: (K, d), class means; 0 for a class that has not appeared.
    """

    def __init__(self, d: int, K: int, device: torch.device | str = "cpu") -> None:
        self.counts = torch.zeros(K, dtype=torch.float64, device=device)
        self.means = torch.zeros(K, d, dtype=torch.float64, device=device)

    def update(self, apart: Tensor, mean: Tensor, labels: Tensor) -> Tensor:
        """Take in features less their mean (N, d), that mean (d,) and the class (N,) of each; return the share (K,) of
        each class among them."""
        present, index, sizes = labels.unique(return_inverse=True, return_counts=True)
        sizes = sizes.to(self.counts)
        sums = apart.new_zeros(len(present), apart.shape[1]).index_add_(0, index, apart)
        self.join(present, mean + sums / sizes[:, None], sizes)
        return torch.zeros_like(self.counts).index_copy_(0, present, sizes / len(labels))

    def merge(self, other: ClassMeans) -> None:
        """Take in those of other samples."""
        present = other.counts.nonzero()[:, 0].to(self.counts.device)
        self.join(present, other.means.to(self.means)[present], other.counts.to(self.counts)[present])

    def join(self, present: Tensor, means: Tensor, sizes: Tensor) -> Tensor:
        """Join the means (P, d) of ``sizes`` (P,) samples of the classes ``present`` (P,); return the rows (P, d) whose
        squares account for it in a scatter within classes."""
        before = self.counts[present]
        delta = means - self.means[present]
        self.means.index_add_(0, present, delta * (sizes / (before + sizes))[:, None])
        self.counts[present] += sizes
        return delta.mul_((before * sizes / (before + sizes)).sqrt()[:, None])

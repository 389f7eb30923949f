"""On how many samples the nearest class mean and the network disagree, which nc.4 reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Nearest:
    """Streaming count of the samples whose nearest class mean is not the class that the network predicts.

    It needs the class means, and so a second pass, in which features arrive less their mean over all samples.

    Attributes:
        count: samples seen.
        disagreed: samples on which the two disagree.
        means: (P, d), means of the classes that appeared, less the mean over all samples.
        present: (P,), which classes these are.
    """

    wants = ("classes", "predicted")

    def __init__(self, d: int, n: int, device: torch.device | str = "cpu") -> None:
        self.d, self.n = d, n
        self.count = 0
        self.disagreed = 0
        self.means = torch.zeros(0, d, dtype=torch.float64, device=device)
        self.present = torch.zeros(0, dtype=torch.long, device=device)

    def begin(self, first: Mapping[str, Any]) -> None:
        """Take the class means from the finished statistics of the first pass."""
        classes = first["classes"]
        self.present = classes.present.nonzero()[:, 0]
        self.means = classes.means[self.present] - first["moments"].mean[: self.d]

    def update(self, H: Tensor, Y: Tensor, predicted: Tensor) -> None:
        """Take in centred features H (N, d) and the network's classes (N,); targets Y are not looked at."""
        # ||h - m||^2 less ||h||^2, which is the same for every class
        distances = (self.means**2).sum(1) - 2 * H.to(self.means) @ self.means.mT
        nearest = self.present[distances.argmin(1)]
        self.count += H.shape[0]
        self.disagreed += int((nearest != predicted.to(nearest)).sum())

    def merge(self, other: Nearest) -> None:
        """Take in another count over other rows of the same layer and about the same means."""
        self.count += other.count
        self.disagreed += other.disagreed
        self.means, self.present = other.means.to(self.means), other.present.to(self.present)

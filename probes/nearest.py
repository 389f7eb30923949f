"""On how many samples the nearest class mean and the network disagree, which nc.4 reads."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from .classes import Classes
from .moments import Moments
from .statistic import Batch, Opening, Part, Pass


class Nearest:
    """Streaming count of the samples whose nearest class mean is not the class that the network predicts.

    It needs the class means, and so a second pass, in which features arrive less their mean over all samples.

    Attributes:
        means: (P, d), means of the classes that appeared, less the mean over all samples.
        present: (P,), which classes these are.
        count: samples seen.
        disagreed: samples on which the two disagree.
    """

    in_pass: ClassVar[Pass] = Pass.SECOND
    needs: ClassVar[Part] = Part.CLASSES | Part.PREDICTED

    def __init__(self, means: Tensor, present: Tensor) -> None:
        self.means, self.present = means, present
        self.count = 0
        self.disagreed = 0

    @classmethod
    def begin(cls, opening: Opening) -> Nearest:
        """About the class means that the first pass found."""
        classes, moments = opening.finished("classes", Classes), opening.finished("moments", Moments)
        present = classes.present.nonzero()[:, 0]
        return cls(classes.means[present] - moments.mean[: opening.d], present)

    def update(self, batch: Batch) -> None:
        """Take in centred features H (N, d) with the network's classes (N,); targets are not looked at."""
        if batch.predicted is None:
            raise ValueError("The nearest class mean is held against the classes that the network predicts: give them.")
        # ||h - m||^2 less ||h||^2, which is the same for every class
        distances = (self.means**2).sum(1) - 2 * batch.H.to(self.means) @ self.means.mT
        nearest = self.present[distances.argmin(1)]
        self.count += batch.N
        self.disagreed += int((nearest != batch.predicted.to(nearest)).sum())

    def merge(self, other: Nearest) -> None:
        """Take in another count over other rows of the same layer. Errors: ValueError if it is about other means."""
        if not torch.equal(self.means, other.means.to(self.means)):
            raise ValueError("Counts about different class means do not merge.")
        self.count += other.count
        self.disagreed += other.disagreed

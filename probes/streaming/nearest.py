"""On how many samples the nearest class mean disagrees with the network, which nc.4 reads, and with the sample's own
class, which nc.ncc_error reads."""

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
        nearest = self.present[closest(batch.H, self.means)]
        self.count += batch.N
        self.disagreed += int((nearest != batch.predicted.to(nearest)).sum())

    def merge(self, other: Nearest) -> None:
        """Take in another count over other rows of the same layer. Errors: ValueError if it is about other means."""
        if not torch.equal(self.means, other.means.to(self.means)):
            raise ValueError("Counts about different class means do not merge.")
        self.count += other.count
        self.disagreed += other.disagreed


class Mislabelled:
    """Streaming count of the samples whose nearest class mean is not that of their own class.

    It needs the class means, and so a second pass, in which features arrive less their mean over all samples; on
    held-out samples it is a first one, and a class that has no mean there is never the nearest.

    Attributes:
        means: (P, d), means of the classes that appeared, less the mean over all samples.
        present: (P,), which classes these are.
        count: samples seen.
        wrong: samples whose nearest class mean is another class's.
    """

    in_pass: ClassVar[Pass] = Pass.SECOND
    needs: ClassVar[Part] = Part.CLASSES

    def __init__(self, means: Tensor, present: Tensor) -> None:
        self.means, self.present = means, present
        self.count = 0
        self.wrong = 0

    @classmethod
    def begin(cls, opening: Opening) -> Mislabelled:
        """About the class means that the first pass found."""
        classes, moments = opening.finished("classes", Classes), opening.finished("moments", Moments)
        present = classes.present.nonzero()[:, 0]
        return cls(classes.means[present] - moments.mean[: opening.d], present)

    def update(self, batch: Batch) -> None:
        """Take in centred features H (N, d) with their classes (N,); targets are not looked at."""
        if batch.classes is None:
            raise ValueError("The nearest class mean is held against the samples' own classes: give them.")
        nearest = self.present[closest(batch.H, self.means)]
        self.count += batch.N
        self.wrong += int((nearest != batch.classes.to(nearest)).sum())

    def merge(self, other: Mislabelled) -> None:
        """Take in another count over other rows of the same layer. Errors: ValueError if it is about other means."""
        if not torch.equal(self.means, other.means.to(self.means)):
            raise ValueError("Counts about different class means do not merge.")
        self.count += other.count
        self.wrong += other.wrong


def closest(H: Tensor, means: Tensor) -> Tensor:
    """Which of the means (P, d) each row of H (N, d) is nearest to, (N,)."""
    # ||h - m||^2 less ||h||^2, which is the same for every class
    return ((means**2).sum(1) - 2 * H.to(means) @ means.mT).argmin(1)

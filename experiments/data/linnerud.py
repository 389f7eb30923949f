"""Linnerud's exercise data, which scikit-learn ships: the smallest real example of several targets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sklearn.datasets import load_linnerud

from experiments.data.splitting import Split, split


@dataclass(frozen=True)
class Linnerud:
    """Chin-ups, sit-ups and jumps x (20, 3) of 20 men, and their weight, waist and pulse y (20, 3).

    Attributes:
        targets: "none", "centre", "standardise" or "positive".
        share: of the men that are trained on.
    """

    targets: str = "standardise"
    share: float = 0.8

    def load(self, seed: int) -> Split:
        """The seed draws the split."""
        x, y = (torch.from_numpy(part).float() for part in load_linnerud(return_X_y=True))
        return split(x, y, targets=self.targets, share=self.share, seed=seed)

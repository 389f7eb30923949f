"""A user's own images as the data of a study: faces, digits, camera frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deepnrc.data import load_data, progress_bar, target_resolution
from experiments.data.splitting import Split, split


@dataclass(frozen=True)
class OwnImages:
    """Images as the ``deepnrc`` command names them: utkface:FOLDER, mnist:FOLDER, cifar10:FOLDER, a folder of camera
    frames, or one of images with a table of targets.

    They are prepared, and so scaled, by their reader, and all kept in memory.

    Attributes:
        spec: as for ``deepnrc probe --data``.
        columns: the targets, where they can be chosen; for a folder of images, its csv file.
        size: side to which images are brought; None for the reader's own.
        targets: "none", "centre", "standardise" or "positive"; classes stay as they are.
        share: of the images that are trained on.
    """

    spec: str
    columns: tuple[str, ...] | None = None
    size: int | None = None
    targets: str = "standardise"
    share: float = 0.8

    def load(self, seed: int) -> Split:
        """Read and split them; the seed draws the split."""
        batches = load_data(self.spec, targets=self.columns, image_size=self.size)
        pairs = list(progress_bar(batches, desc="reading images", unit="batch", delay=2))
        x, y = (torch.cat([pair[i] for pair in pairs]) for i in (0, 1))
        if y.ndim == 1 and not y.is_floating_point():
            return split(x, y, inputs="none", targets="none", share=self.share, seed=seed)
        scaling = {"inputs": "none", "targets": self.targets}
        written = target_resolution(batches)
        return split(x, _columns(y), share=self.share, seed=seed, target_resolution=written, **scaling)


def _columns(y: Tensor) -> Tensor:
    return y if y.ndim == 2 else y[:, None]

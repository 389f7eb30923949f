"""The shipped recordings, and a user's own files, as the data of a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from deepnrc.data import load_data, target_resolution
from deepnrc.errors import DataError
from experiments.data import shipped
from experiments.data.splitting import Split, split


@dataclass(frozen=True)
class Recorded:
    """A shipped recording of an expert, split and scaled.

    Attributes:
        name: such as "swimmer_1k".
        samples: take the first so many pairs; None for all. More than there are is a ValueError.
        targets: "none", "centre", "standardise" or "positive".
        share: of the pairs that are trained on.
    """

    name: str
    samples: int | None = None
    targets: str = "standardise"
    share: float = 0.8

    def load(self, seed: int) -> Split:
        """Read and split it; the seed draws the split."""
        x, y = shipped.load(self.name)
        if self.samples is not None and not 1 <= self.samples <= len(x):
            raise ValueError(f"'{self.name}' has {len(x)} pairs; {self.samples} cannot be taken.")
        return split(x[: self.samples], y[: self.samples], targets=self.targets, share=self.share, seed=seed)


@dataclass(frozen=True)
class OwnFile:
    """Rows as the ``deepnrc`` command names them: a table with target columns, an .npz file, a Minari data set.

    Attributes:
        spec: what ``--data`` takes.
        columns: what ``--targets`` takes; None for data that has targets of its own.
        targets: "none", "centre", "standardise" or "positive".
        share: of the samples that are trained on.
    """

    spec: str
    columns: tuple[str, ...] | None = None
    targets: str = "standardise"
    share: float = 0.8

    def load(self, seed: int) -> Split:
        """Read and split it; the seed draws the split.

        Errors: as for ``load_data``; DataError if its samples are no rows of numbers.
        """
        batches = load_data(self.spec, targets=self.columns)
        x, y = (torch.cat(parts) for parts in _columns(list(batches)))
        if x.ndim != 2:
            raise DataError(f"'{self.spec}' holds inputs of shape {tuple(x.shape)}; rows of numbers (N, d) are needed.")
        if not y.is_floating_point() and y.ndim == 1:
            raise DataError(
                f"The targets of '{self.spec}' are classes, which have no order to regress on. Give targets that are "
                "numbers (floats), or probe a classifier: deepnrc probe."
            )
        return split(
            x,
            y if y.ndim == 2 else y[:, None].float(),
            targets=self.targets,
            share=self.share,
            seed=seed,
            target_resolution=target_resolution(batches),
        )


def _columns(batches: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    return [x for x, _ in batches], [y for _, y in batches]

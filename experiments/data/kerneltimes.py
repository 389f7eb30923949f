"""Run times of matrix products under many settings: four runs of each, so four targets that nearly are one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from deepnrc.data import numbers, read_frame, written_resolution
from deepnrc.errors import DataError
from deepnrc.wording import listing
from experiments.data.products import run_times
from experiments.data.splitting import Split, split

UNIT = "(ms)"


@dataclass(frozen=True)
class KernelTimes:
    """Settings of a matrix product x (N, 14) and the milliseconds y (N, 4) that its four runs took.

    Attributes:
        file: UCI's sgemm_product.csv, whose four columns that end in "(ms)" are the targets; None to measure products
            on this machine, once (see ``run_times``).
        samples: how many; of a file they are drawn from a fixed seed, and None takes all.
        log: take the logarithm of the times, which spread over three decades; the published settings do not.
        targets: "none", "centre", "positive" or "standardise", as published.
        share: of the samples that are trained on.
    Of measured times the targets' correlation has eigenvalues of about 3.99 (3.999 on a quiet machine, 3.987 on a busy
    one) and three of 2e-4 to 5e-3, of their logarithms 3.96 to 3.997: a stable rank of 1.00 and a numerical rank of 4.
    """

    file: str | None = None
    samples: int | None = 4000
    log: bool = False
    targets: str = "standardise"
    share: float = 0.8

    def load(self, seed: int) -> Split:
        """Read or measure them, and split; the seed draws the split only.

        Errors: DataError if the file does not hold such times; ValueError for more samples than there are.
        """
        x, y, written = self._all()
        return split(x.float(), y.float(), targets=self.targets, share=self.share, seed=seed, target_resolution=written)

    def spectrum(self) -> list[float]:
        """Eigenvalues of the correlation of the four targets, the largest first; their sum is 4."""
        y = self._all()[1]
        return torch.linalg.eigvalsh(torch.corrcoef(y.T)).flip(0).tolist()

    def _all(self) -> tuple[Tensor, Tensor, Tensor | None]:
        if self.samples is not None and self.samples < 2:
            raise ValueError(f"There must be at least 2 samples; {self.samples} were asked for.")
        if self.file is None:
            x, y = run_times(4000 if self.samples is None else self.samples)
            written = None
        else:
            x, y, written = _read(Path(self.file))
            if self.samples is not None and self.samples > len(x):
                raise ValueError(f"'{self.file}' has {len(x)} rows; {self.samples} cannot be taken.")
            some = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[: self.samples]
            x, y = x[some], y[some]
        return (x, y.log(), None) if self.log else (x, y, written)


def _read(path: Path) -> tuple[Tensor, Tensor, Tensor]:
    frame = read_frame(path)
    timed = [name for name in frame.columns if name.strip().endswith(UNIT)]
    if len(timed) != 4 or frame.shape[1] <= 4:
        raise DataError(
            f"'{path}' has {len(timed)} columns that end in {UNIT!r}; UCI's sgemm_product.csv has four, and 14 others. "
            f"Its columns are {listing(list(frame.columns))}."
        )
    y = numbers(frame[timed], path)
    if not (y > 0).all():
        raise DataError(f"'{path}' holds run times of 0 or less. Drop those rows.")
    x = torch.from_numpy(numbers(frame.drop(columns=timed), path))
    return x, torch.from_numpy(y), written_resolution(frame[timed], path)

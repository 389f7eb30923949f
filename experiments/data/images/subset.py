"""A part of other data, for a study that need not read it all."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.data.splitting import Data, Split


@dataclass(frozen=True)
class Subset:
    """So many samples of other data, trained on and held out in its own proportion; all, if there are no more.

    The data is scaled before, so that no value depends on how many are kept.

    Attributes:
        data: what they are taken from; its split is at random, so that its first samples are a random choice.
        samples: how many, both parts together.
    Errors: ValueError for fewer than 2 samples.
    """

    data: Data
    samples: int

    def __post_init__(self) -> None:
        if self.samples < 2:
            raise ValueError(f"At least 2 samples are needed, one to train on and one held out; not {self.samples}.")

    def load(self, seed: int) -> Split:
        """Load all of the data and keep the first samples of each part."""
        whole = self.data.load(seed)
        total = len(whole.x) + len(whole.x_test)
        if self.samples >= total:
            return whole
        train = min(max(1, round(self.samples * len(whole.x) / total)), self.samples - 1)
        test = self.samples - train
        parts = (whole.x[:train], whole.y[:train], whole.x_test[:test], whole.y_test[:test])
        x, y, x_test, y_test = (part.clone() for part in parts)  # not views that keep the whole alive
        return Split(x, y, x_test, y_test, whole.target_resolution)

"""Running mean and variance of every coordinate, in float64, with a merge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass
class Moments:
    """Count, mean (d,) and summed squared deviations (d,) of the rows seen so far.

    ``merge`` of any split equals one pass over the whole (Chan, Golub and LeVeque, 1983).
    """

    count: int
    mean: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def empty(cls, width: int) -> "Moments":
        """Moments of no rows of ``width`` coordinates."""
        return cls(0, np.zeros(width), np.zeros(width))

    def update(self, rows: Array) -> None:
        """Take in rows (N, d)."""
        rows = rows.astype(np.float64)
        mean = rows.mean(axis=0)
        self.merge(Moments(len(rows), mean, ((rows - mean) ** 2).sum(axis=0)))

    def merge(self, other: "Moments") -> None:
        """Take in all rows that ``other`` has seen."""
        total = self.count + other.count
        if total == 0:
            return
        gap = other.mean - self.mean
        self.mean = self.mean + gap * (other.count / total)
        self.deviations = self.deviations + other.deviations + gap**2 * (self.count * other.count / total)
        self.count = total

    @property
    def variance(self) -> NDArray[np.float64]:
        """Population variance (d,); ones before the first row, so that a fresh normaliser changes nothing."""
        return self.deviations / self.count if self.count else np.ones_like(self.deviations)


class RewardScale:
    """Divides rewards by the standard deviation of the discounted return, learned as they come."""

    def __init__(self, gamma: float) -> None:
        self.gamma = gamma
        self.moments = Moments.empty(1)
        self.carried = 0.0

    def __call__(self, rewards: Array, ended: NDArray[np.bool_]) -> Array:
        """Take in consecutive rewards (T,), and return them scaled; ``ended`` marks the last step of an episode."""
        returns = np.empty((len(rewards), 1))
        for t, reward in enumerate(rewards):
            self.carried = self.gamma * self.carried + float(reward)
            returns[t] = self.carried
            if ended[t]:
                self.carried = 0.0
        self.moments.update(returns)
        spread = float(np.sqrt(self.moments.variance[0]))
        return rewards / spread if spread > 0 else rewards

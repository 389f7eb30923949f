"""A trained policy as plain arrays: evaluated in float32 by numpy alone, saved as one small npz file."""

from dataclasses import dataclass, fields
from pathlib import Path
from zipfile import is_zipfile

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

CLIP = np.float32(10.0)

ADVICE = "Pass a file named *.policy.npz, as `python -m experiments.experts` writes it."


@dataclass(frozen=True)
class Policy:
    """Two tanh layers behind an observation normaliser; d observations in, n actions out."""

    w1: Float32
    b1: Float32
    w2: Float32
    b2: Float32
    w3: Float32
    b3: Float32
    observation_mean: Float32
    observation_variance: Float32
    low: Float32
    high: Float32

    def normalise(self, observations: NDArray[np.floating]) -> Float32:
        """Observations (..., d) centred, scaled and clipped to +-10; one that never moved is only centred."""
        d = len(self.observation_mean)
        if observations.shape[-1] != d:
            raise ValueError(
                f"This policy reads {d} numbers per observation, but these observations are of shape "
                f"{observations.shape}. Each environment needs a policy of its own."
            )
        spread = np.sqrt(np.where(self.observation_variance > 0, self.observation_variance, np.float32(1)))
        scaled = (observations.astype(np.float32) - self.observation_mean) / spread
        return np.clip(scaled, -CLIP, CLIP)

    def mean(self, normalised: Float32) -> Float32:
        """Centre (..., n) of the action's distribution for normalised observations (..., d), not clipped."""
        hidden = np.tanh(normalised @ self.w1.T + self.b1)
        hidden = np.tanh(hidden @ self.w2.T + self.b2)
        mean: Float32 = hidden @ self.w3.T + self.b3
        return mean

    def __call__(self, observations: NDArray[np.floating]) -> Float32:
        """The deterministic action (..., n) that is executed: the mean, clipped to the action's bounds."""
        return self.clip(self.mean(self.normalise(observations)))

    def clip(self, actions: NDArray[np.floating]) -> Float32:
        """Actions (..., n) moved into the bounds."""
        return np.clip(actions.astype(np.float32), self.low, self.high)

    def save(self, path: Path) -> None:
        """Write the arrays to ``path`` (npz, no pickles)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez_compressed(file, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "Policy":
        """Read a file that ``save`` wrote; any other file is refused with a ValueError."""
        wanted = [field.name for field in fields(cls)]
        with path.open("rb") as stream:
            if not is_zipfile(stream):
                raise ValueError(f"{path.name} is not a policy file: it is no npz file at all. {ADVICE}")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as file:
                missing = [name for name in wanted if name not in file.files]
                if missing:
                    raise ValueError(f"{path.name} is not a policy file: it lacks {', '.join(missing)}. {ADVICE}")
                return cls(**{name: file[name] for name in wanted})

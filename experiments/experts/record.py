"""Recordings: what an expert saw and did, as regression data with its origin inside the file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.data import Policy
from experiments.experts.simulator import Episode, episode, simulator, versions


@dataclass(frozen=True)
class Recording:
    """N pairs from whole consecutive episodes, the last of them possibly cut."""

    x: NDArray[np.float32]
    """(N, d), observations as the simulator gives them."""
    y: NDArray[np.float32]
    """(N, n), the deterministic actions executed on them."""
    environment: str
    seed: int
    """Episode i was started from seed + i."""
    returns: NDArray[np.float64]
    """Undiscounted return of each episode, played to its end."""

    def save(self, path: Path) -> None:
        """Write pairs and origin to ``path`` (npz, no pickles)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        installed = versions()
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                x=self.x,
                y=self.y,
                environment=np.array(self.environment),
                seed=np.array(self.seed),
                returns=self.returns,
                mean_return=np.array(self.returns.mean()),
                packages=np.array(list(installed)),
                versions=np.array(list(installed.values())),
            )


def record(policy: Policy, environment: str, pairs: int, seed: int = 0) -> Recording:
    """Play seeded episodes until there are ``pairs`` pairs; the same arguments give the same recording."""
    if pairs < 1:
        raise ValueError(f"A recording needs at least one pair, but {pairs} were asked for.")
    episodes: list[Episode] = []
    with simulator(environment) as env:
        while sum(len(played.actions) for played in episodes) < pairs:
            episodes.append(episode(env, policy, seed + len(episodes)))
    x = np.concatenate([played.observations for played in episodes])[:pairs]
    y = np.concatenate([played.actions for played in episodes])[:pairs]
    return Recording(x, y, environment, seed, np.array([played.total for played in episodes]))

"""The door to the simulator: opened only when used, with an error that says what to install."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from experiments.data import Policy

Environment: TypeAlias = Any  # gymnasium.Env: named loosely so that this file imports without gymnasium

PACKAGES = ("gymnasium", "mujoco", "numpy")


@contextmanager
def simulator(environment: str) -> Iterator[Environment]:
    """Open a gymnasium environment, and close it in the end.

    Raises an ImportError that says what to install where gymnasium or mujoco is absent.
    """
    try:
        import gymnasium
        import mujoco  # noqa: F401  (gymnasium would look for it only on make)
    except ImportError as error:
        raise ImportError(
            f"Experts run in a simulator, and its package {error.name} cannot be imported. "
            "Install it with: pip install 'gymnasium[mujoco]'."
        ) from error
    env = gymnasium.make(environment)
    try:
        yield env
    finally:
        env.close()


def versions() -> dict[str, str]:
    """Versions of the packages that decide what an episode looks like."""
    return {name: version(name) for name in PACKAGES}


class Episode(NamedTuple):
    """Observations (T, d), the actions (T, n) executed on them, and the undiscounted return."""

    observations: NDArray[np.float32]
    actions: NDArray[np.float32]
    total: float


def episode(env: Environment, policy: Policy, seed: int) -> Episode:
    """Play one episode deterministically, to its end."""
    observations, actions, total = [], [], 0.0
    observation, _ = env.reset(seed=seed)
    ended = False
    while not ended:
        # Rounded before it is acted upon, so that the recorded pair is exactly what the policy saw and did.
        seen = observation.astype(np.float32)
        action = policy(seen)
        observation, reward, terminated, truncated, _ = env.step(action)
        observations.append(seen)
        actions.append(action)
        total += float(reward)
        ended = terminated or truncated
    return Episode(np.stack(observations), np.stack(actions), total)


def returns(env: Environment, policy: Policy, episodes: int, seed: int) -> NDArray[np.float64]:
    """Undiscounted returns (episodes,) of the deterministic policy; episode i starts from seed + i."""
    return np.array([episode(env, policy, seed + i).total for i in range(episodes)])

"""Experience: consecutive steps of one exploring policy, gathered in numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.data import Policy
from experiments.experts.simulator import Environment


@dataclass(frozen=True)
class Rollout:
    """T consecutive steps; episodes follow one another and may be cut at either end."""

    observations: NDArray[np.float64]
    """(T, d), raw."""
    actions: NDArray[np.float32]
    """(T, n), as sampled; what was executed is clipped to the bounds."""
    rewards: NDArray[np.float64]
    next_observations: NDArray[np.float64]
    """(T, d), what each step led to, before any reset."""
    terminated: NDArray[np.bool_]
    ended: NDArray[np.bool_]
    """Terminated or truncated."""


class Explorer:
    """Walks through one environment, from roll-out to roll-out without starting over."""

    def __init__(self, env: Environment, seed: int) -> None:
        self.env = env
        self.noise = np.random.default_rng(seed)
        self.observation, _ = env.reset(seed=seed)

    def gather(self, policy: Policy, std: NDArray[np.float32], steps: int) -> Rollout:
        """Take ``steps`` steps with Gaussian exploration of standard deviation ``std`` (n,)."""
        d, n = len(self.observation), len(std)
        observations, next_observations = np.empty((steps, d)), np.empty((steps, d))
        rewards = np.empty(steps)
        terminated, ended = np.empty(steps, dtype=np.bool_), np.empty(steps, dtype=np.bool_)
        noise = self.noise.standard_normal((steps, n), dtype=np.float32) * std
        actions = np.empty((steps, n), dtype=np.float32)
        for t in range(steps):
            observations[t] = self.observation
            actions[t] = policy.mean(policy.normalise(self.observation)) + noise[t]
            step = self.env.step(policy.clip(actions[t]))
            self.observation, rewards[t], terminated[t], truncated, _ = step
            next_observations[t] = self.observation
            ended[t] = terminated[t] or truncated
            if ended[t]:
                self.observation, _ = self.env.reset()
        return Rollout(observations, actions, rewards, next_observations, terminated, ended)

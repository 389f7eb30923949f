"""A policy that has learned nothing."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from experiments.data import Policy
from experiments.experts.actor_critic import ActorCritic
from experiments.experts.moments import Moments


@pytest.fixture
def novice() -> Callable[..., Policy]:
    """Makes one for d observations and n actions."""

    def made(d: int, n: int, seed: int = 0) -> Policy:
        policy = ActorCritic(d, n, -0.5, seed).policy(Moments.empty(d), -np.ones(n), np.ones(n))
        return replace(policy, b3=np.full(n, 0.9, dtype=np.float32))

    return made

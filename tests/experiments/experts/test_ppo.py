"""Training improves a novice, keeps its best policy, and gives the threads back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments.data.policy import Policy
from experiments.experts import ppo
from experiments.experts.gate import admit
from experiments.experts.ppo import train
from experiments.experts.recipe import REACHER
from experiments.experts.simulator import simulator


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one simulator step, but steps is 0"):
        train(REACHER, steps=0)


@pytest.mark.mujoco
def test_a_short_training_writes_a_policy_that_loads(tmp_path: Path) -> None:
    pytest.importorskip("gymnasium")
    recipe = replace(REACHER, watch_episodes=1)
    trained = train(recipe, seed=1, steps=2001)
    trained.save(tmp_path / "reacher.policy.npz")
    loaded = Policy.load(tmp_path / "reacher.policy.npz")
    with simulator(recipe.environment) as env:
        observation, _ = env.reset(seed=0)
        np.testing.assert_array_equal(loaded(observation), trained(observation))
    assert (loaded.observation_variance != 1).all()
    same = train(recipe, seed=1, steps=4000)
    np.testing.assert_array_equal(same.w3, trained.w3)


@pytest.mark.mujoco
def test_training_keeps_the_best_evaluation(monkeypatch: pytest.MonkeyPatch, novice: Callable[..., Policy]) -> None:
    pytest.importorskip("gymnasium")
    candidates, reached = [novice(10, 2, seed) for seed in range(4)], iter([-8.0, -5.0, -6.0, -7.0])
    monkeypatch.setattr(ppo, "policies", lambda *_: candidates)
    monkeypatch.setattr(ppo, "returns", lambda *_: np.array([next(reached)]))
    assert train(REACHER, steps=4 * REACHER.horizon) is candidates[1]


@pytest.mark.mujoco
def test_training_improves_a_novice(novice: Callable[..., Policy]) -> None:
    pytest.importorskip("gymnasium")
    recipe = replace(REACHER, watch_episodes=20, gate_episodes=20, threshold=-9.0)
    assert admit(recipe, train(recipe, steps=16_000)).mean() > -9.0


def test_training_gives_the_threads_back() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with ppo.one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)

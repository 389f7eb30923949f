"""Training ends in a policy file, the gate refuses, and the shipped recordings come out of the simulator again."""

import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from experiments.data.policy import Policy
from experiments.data.shipped import FOLDER, load
from experiments.experts import ppo
from experiments.experts.__main__ import expert
from experiments.experts.actor_critic import ActorCritic
from experiments.experts.gate import NotAnExpertError, admit
from experiments.experts.moments import Moments
from experiments.experts.ppo import train
from experiments.experts.recipe import REACHER, RECIPES, SWIMMER
from experiments.experts.record import record
from experiments.experts.simulator import simulator

D, N = 4, 2


def novice(d: int, n: int, seed: int = 0) -> Policy:
    """A policy that has learned nothing."""
    policy = ActorCritic(d, n, -0.5, seed).policy(Moments.empty(d), -np.ones(n), np.ones(n))
    return replace(policy, b3=np.full(n, 0.9, dtype=np.float32))


def test_a_policy_survives_its_file(tmp_path: Path) -> None:
    policy = novice(D, N)
    policy.save(tmp_path / "deeper" / "a.policy.npz")
    loaded = Policy.load(tmp_path / "deeper" / "a.policy.npz")
    for field in fields(Policy):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(policy, field.name))


def test_another_file_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"swimmer_1k.npz is not a policy file: it lacks w1, b1"):
        Policy.load(FOLDER / "swimmer_1k.npz")
    (tmp_path / "notes.txt").write_text("not a policy")
    with pytest.raises(ValueError, match=r"notes\.txt is not a policy file: it is no npz file at all"):
        Policy.load(tmp_path / "notes.txt")


def test_a_policy_refuses_another_tasks_observations() -> None:
    with pytest.raises(ValueError, match=r"reads 4 numbers per observation, but .* shape \(7, 5\)"):
        novice(D, N)(np.zeros((7, D + 1)))


@pytest.mark.parametrize("absent", ["gymnasium", "mujoco"])
def test_without_the_simulator_the_error_names_the_extra(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if absent == "mujoco":
        pytest.importorskip("gymnasium")
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(ImportError, match=rf"its package {absent} .*pip install 'gymnasium\[mujoco\]'"):
        admit(REACHER, novice(10, 2))


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one simulator step, but steps is 0"):
        train(REACHER, steps=0)


def test_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one pair, but 0 were asked for"):
        record(novice(10, 2), "Reacher-v5", 0)


@pytest.mark.mujoco
def test_the_gate_refuses_a_novice() -> None:
    pytest.importorskip("gymnasium")
    recipe = replace(REACHER, gate_episodes=3)
    with pytest.raises(NotAnExpertError, match=r"Reacher-v5 is not an expert: .* over 3 fresh episodes is -\d.* -4.5 "):
        admit(recipe, novice(10, 2))


@pytest.mark.mujoco
@pytest.mark.parametrize("task", RECIPES)
def test_the_gate_admits_the_shipped_expert(task: str) -> None:
    pytest.importorskip("gymnasium")
    recipe = replace(RECIPES[task], gate_episodes=20 if task == "reacher" else 1)
    assert len(admit(recipe, Policy.load(FOLDER / f"{task}.policy.npz"))) == recipe.gate_episodes


@pytest.mark.mujoco
@pytest.mark.parametrize("name", ["reacher_1k", "swimmer_1k", "hopper_10k"])
def test_the_simulator_gives_the_shipped_pairs_again(name: str) -> None:
    pytest.importorskip("gymnasium")
    task = name.split("_")[0]
    policy = Policy.load(FOLDER / f"{task}.policy.npz")
    x, y = load(name)
    again = record(policy, RECIPES[task].environment, 300)
    np.testing.assert_allclose(again.x, x[:300].numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(again.y, y[:300].numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["reacher_10k", "swimmer_10k", "hopper_10k"])
def test_the_shipped_policy_decides_as_recorded(name: str) -> None:
    policy = Policy.load(FOLDER / f"{name.split('_')[0]}.policy.npz")
    x, y = load(name)
    np.testing.assert_allclose(policy(x.numpy()), y.numpy(), atol=2e-5)


@pytest.mark.mujoco
def test_recordings_are_reproducible_and_cut_to_size() -> None:
    pytest.importorskip("gymnasium")
    first, second = (record(novice(10, 2), "Reacher-v5", 70, seed=5) for _ in range(2))
    assert first.x.shape == (70, 10)
    assert len(first.returns) == 2
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.y, second.y)


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
def test_training_keeps_the_best_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gymnasium")
    candidates, reached = [novice(10, 2, seed) for seed in range(4)], iter([-8.0, -5.0, -6.0, -7.0])
    monkeypatch.setattr(ppo, "policies", lambda *_: candidates)
    monkeypatch.setattr(ppo, "returns", lambda *_: np.array([next(reached)]))
    assert train(REACHER, steps=4 * REACHER.horizon) is candidates[1]


@pytest.mark.mujoco
def test_training_improves_a_novice() -> None:
    pytest.importorskip("gymnasium")
    recipe = replace(REACHER, watch_episodes=20, gate_episodes=20, threshold=-9.0)
    assert admit(recipe, train(recipe, steps=16_000)).mean() > -9.0


@pytest.mark.mujoco
def test_a_failed_seed_leads_to_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gymnasium")
    recipe = replace(SWIMMER, steps=1, horizon=256, watch_episodes=1, gate_episodes=1, tries=2)
    with pytest.raises(NotAnExpertError, match="330 is asked for"):
        expert(recipe, seed=4)
    assert "Going on to seed 5." in capsys.readouterr().out

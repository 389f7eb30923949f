"""The parts of PPO obey their laws: advantages, running moments, reward scale, density, and policy against actor."""

import math

import numpy as np
import pytest
import torch

from experiments.experts import ppo
from experiments.experts.actor_critic import ActorCritic
from experiments.experts.advantage import advantages
from experiments.experts.moments import Moments, RewardScale

D, N = 4, 2


def brute_force_advantages(r, v, w, terminated, ended, gamma, trace):  # type: ignore[no-untyped-def]
    """The sum of equation 16 written out, step by step, with nothing carried."""
    result = []
    for t in range(len(r)):
        total = 0.0
        for k in range(t, len(r)):
            future = 0.0 if terminated[k] else w[k]
            total += (gamma * trace) ** (k - t) * (r[k] + gamma * future - v[k])
            if ended[k]:
                break
        result.append(total)
    return np.array(result)


def test_advantages_equal_the_written_out_sum() -> None:
    draw = np.random.default_rng(0)
    r, v, w = draw.normal(size=(3, 60))
    terminated = draw.random(60) < 0.1
    ended = terminated | (draw.random(60) < 0.1)
    assert (ended & ~terminated).any()
    assert terminated.any()
    got = advantages(r, v, w, terminated, ended, 0.97, 0.9)
    np.testing.assert_allclose(got, brute_force_advantages(r, v, w, terminated, ended, 0.97, 0.9), rtol=1e-12)


@pytest.mark.parametrize("cut", [0, 1, 37, 99])
def test_moments_of_the_whole_are_the_merge_of_any_split(cut: int) -> None:
    rows = np.random.default_rng(1).normal(loc=1e4, size=(100, 3))
    left, right = Moments.empty(3), Moments.empty(3)
    for moments, part in ((left, rows[:cut]), (right, rows[cut:])):
        for row in part:
            moments.update(row[None])
    left.merge(right)
    assert left.count == 100
    np.testing.assert_allclose(left.mean, rows.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(left.variance, rows.var(axis=0), rtol=1e-9)


def test_moments_of_nothing_leave_observations_alone() -> None:
    nothing = Moments.empty(3)
    nothing.merge(Moments.empty(3))
    np.testing.assert_array_equal(nothing.mean, 0)
    np.testing.assert_array_equal(nothing.variance, 1)


def test_rewards_are_scaled_by_the_spread_of_the_discounted_return() -> None:
    rewards, ended = np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, False])
    spread = np.std([1.0, 2.5, 3.0, 5.5])
    scale = RewardScale(0.5)
    np.testing.assert_allclose(scale(rewards, ended), rewards / spread)
    both = np.std([1.0, 2.5, 3.0, 5.5, 3.75])
    np.testing.assert_allclose(scale(np.ones(1), np.array([False])), 1 / both)


def test_the_numpy_policy_is_the_torch_actor() -> None:
    model = ActorCritic(D, N, -0.5, seed=3)
    torch.nn.init.orthogonal_(model.actor[-1].weight, gain=3.0, generator=torch.Generator().manual_seed(0))
    policy = model.policy(Moments.empty(D), -np.ones(N), np.ones(N))
    x = np.random.default_rng(0).normal(size=(50, D)).astype(np.float32)
    with torch.no_grad():
        expected = model.actor(torch.from_numpy(x)).clamp(-1, 1).numpy()
    assert policy(x).dtype == np.float32
    assert (np.abs(expected) == 1).any()
    np.testing.assert_allclose(policy(x), expected, atol=1e-6)


def test_the_density_is_torchs_up_to_a_constant() -> None:
    model = ActorCritic(D, N, -0.5, seed=0)
    x, a = torch.randn(9, D + N, generator=torch.Generator().manual_seed(0)).split([D, N], dim=1)
    with torch.no_grad():
        normal = torch.distributions.Normal(model.actor(x), model.log_std.exp())
        gap = model.log_density(x, a) - normal.log_prob(a).sum(dim=1)
    torch.testing.assert_close(gap, torch.full((9,), N / 2 * math.log(2 * math.pi)), rtol=1e-5, atol=1e-5)


def test_training_gives_the_threads_back() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with ppo.one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)

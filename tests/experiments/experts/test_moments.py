"""Moments of a whole are the merge of any split, and rewards are scaled by them."""

import numpy as np
import pytest

from experiments.experts.moments import Moments, RewardScale


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

"""Recordings are reproducible, and the shipped ones come out of the simulator again."""

from collections.abc import Callable

import numpy as np
import pytest

from experiments.data.policy import Policy
from experiments.data.shipped import FOLDER, load
from experiments.experts.recipe import RECIPES
from experiments.experts.record import record


def test_no_pairs_are_refused(novice: Callable[..., Policy]) -> None:
    with pytest.raises(ValueError, match="at least one pair, but 0 were asked for"):
        record(novice(10, 2), "Reacher-v5", 0)


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


@pytest.mark.mujoco
def test_recordings_are_reproducible_and_cut_to_size(novice: Callable[..., Policy]) -> None:
    pytest.importorskip("gymnasium")
    first, second = (record(novice(10, 2), "Reacher-v5", 70, seed=5) for _ in range(2))
    assert first.x.shape == (70, 10)
    assert len(first.returns) == 2
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.y, second.y)

"""Policies survive their files, refuse others, and decide as they were recorded."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from experiments.data.policy import Policy
from experiments.data.shipped import FOLDER, load

D, N = 4, 2


def drawn() -> Policy:
    """A policy of random weights."""
    draw = np.random.default_rng(0)
    shapes = [(8, D), (8,), (8, 8), (8,), (N, 8), (N,), (D,), (D,), (N,), (N,)]
    return Policy(*(np.abs(draw.normal(size=shape)).astype(np.float32) for shape in shapes))


def test_a_policy_survives_its_file(tmp_path: Path) -> None:
    policy = drawn()
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
        drawn()(np.zeros((7, D + 1)))


@pytest.mark.parametrize("name", ["reacher_10k", "swimmer_10k", "hopper_10k"])
def test_the_shipped_policy_decides_as_recorded(name: str) -> None:
    policy = Policy.load(FOLDER / f"{name.split('_')[0]}.policy.npz")
    x, y = load(name)
    np.testing.assert_allclose(policy(x.numpy()), y.numpy(), atol=2e-5)

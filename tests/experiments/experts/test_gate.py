"""The gate refuses a novice and admits the shipped experts."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from experiments.data.policy import Policy
from experiments.data.shipped import FOLDER
from experiments.experts.gate import NotAnExpertError, admit
from experiments.experts.recipe import REACHER, RECIPES


@pytest.mark.mujoco
def test_the_gate_refuses_a_novice(novice: Callable[..., Policy]) -> None:
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

"""A seed that makes no expert leads to the next."""

from dataclasses import replace

import pytest

from experiments.experts.__main__ import expert
from experiments.experts.gate import NotAnExpertError
from experiments.experts.recipe import SWIMMER


@pytest.mark.mujoco
def test_a_failed_seed_leads_to_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gymnasium")
    recipe = replace(SWIMMER, steps=1, horizon=256, watch_episodes=1, gate_episodes=1, tries=2)
    with pytest.raises(NotAnExpertError, match="330 is asked for"):
        expert(recipe, seed=4)
    assert "Going on to seed 5." in capsys.readouterr().out

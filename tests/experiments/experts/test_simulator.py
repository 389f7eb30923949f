"""Without the simulator the error names what to install."""

import sys
from collections.abc import Callable

import pytest

from experiments.data.policy import Policy
from experiments.experts.gate import admit
from experiments.experts.recipe import REACHER


@pytest.mark.parametrize("absent", ["gymnasium", "mujoco"])
def test_without_the_simulator_the_error_names_the_extra(
    absent: str, monkeypatch: pytest.MonkeyPatch, novice: Callable[..., Policy]
) -> None:
    if absent == "mujoco":
        pytest.importorskip("gymnasium")
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(ImportError, match=rf"its package {absent} .*pip install 'gymnasium\[mujoco\]'"):
        admit(REACHER, novice(10, 2))

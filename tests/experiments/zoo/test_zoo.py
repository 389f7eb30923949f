import pytest
import torch

from experiments.zoo import Zoo
from experiments.zoo.hooks import measured
from experiments.zoo.zoo import CHOICES, Found, members, page, read

OURS = {m.name: m for m in members() if not m.library}


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", OURS)
def test_probes_read_what_plain_hooks_keep(name, choice):
    found = read(OURS[name], choice)
    counts = {"ConditionalUnet1d": (15, 4), "LSTM": (3, 0), "GRU": (3, 0), "ModuleList of B": (10, 4)}
    assert found.layers == counts.get(name, (20, 3))[CHOICES.index(choice)]
    assert found.difference < 1e-10
    assert found.unread == (name == "ConditionalUnet1d" and choice == "weights")  # noise of four waves: below its floor


def test_features_on_another_axis_are_told_apart():
    X, Y = torch.randn(30, 6, dtype=torch.float64), torch.randn(30, 2, dtype=torch.float64)
    assert measured(X, Y)["deep.cka"] != pytest.approx(measured(X.flip(0), Y)["deep.cka"], rel=1e-6)
    line = page([(OURS["LSTM"], [Found(3, 2e-16), Found(0, 0.0)])]).splitlines()[-1]
    assert str(Found(3, 2e-16, unread=1)) == "3 | 2e-16 (1 not compared)"
    assert line == "| written here | LSTM | 3 | 2e-16 | none |  |"


def test_a_glob_that_matches_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="matches no network"):
        Zoo(only="tim/*", out=tmp_path / "page.md").run()

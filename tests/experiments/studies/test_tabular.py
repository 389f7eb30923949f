"""The study of a user's own data: what reaches the cells, and both forms end to end."""

import math

import numpy as np
import pandas as pd
import pytest

from deepnrc.errors import UsageError
from experiments.data.linnerud import Linnerud
from experiments.studies.tabular import Tabular

TINY = {"epochs": 2, "width": 8, "depth": 2, "seeds": 1}


def test_without_a_file_it_is_the_example_and_says_what_that_is_worth():
    study = Tabular().inquiry().study
    data = study.settings[0].data.load(0)
    assert study.name == "tabular-linnerud"
    assert (data.x.shape, data.y.shape, data.x_test.shape) == ((16, 3), (16, 3), (4, 3))
    assert "20 men" in study.about
    assert "no claim can be judged by it" in study.about


def test_the_example_s_layers_are_degenerate_as_the_page_says(swept):
    inquiry = Tabular(**TINY | {"width": 64}).inquiry()
    results = swept(inquiry.study)
    predicted = results.last("deep.linear_mse").query("variant == 'default'")
    assert set(predicted[predicted["depth"] > 0]["status"]) == {"degenerate"}
    assert set(predicted[predicted["depth"] == 0]["status"]) == {"ok"}
    verdicts = inquiry.verdicts(results)
    assert {verdict.standing for verdict in verdicts} == {"cannot be judged"}
    assert {verdict.told_left_out for verdict in verdicts} == {"seed 0: 16 samples are fewer than the layers are wide"}


def test_the_seed_draws_the_example_s_split():
    first, again, other = (Linnerud(targets="none").load(seed).y.tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert all(30 < row[2] < 80 for row in first)  # pulse


@pytest.mark.parametrize("headless", [False, True])
@pytest.mark.usefixtures("anything_counts_as_learned")
def test_one_s_own_table_is_one_command(swept, tmp_path, headless):
    g = np.random.default_rng(0)
    frame = pd.DataFrame(g.normal(size=(60, 6)), columns=list("abcdef"))
    frame.to_csv(tmp_path / "my own.csv", index=False, header=not headless)
    targets = ("-2,-1",) if headless else ("e", "f")
    inquiry = Tabular(data=str(tmp_path / "my own.csv"), targets=targets, **TINY).inquiry()
    study = inquiry.study
    assert study.name == "tabular-my-own"
    found = inquiry.verdicts(swept(study))
    assert len(found) == 6
    assert not any(math.isnan(v.measured) for v in found)
    np.testing.assert_allclose(study.settings[0].data.load(0).y.std(0, correction=0), 1, rtol=1e-5)


def test_flags_reach_the_cells():
    study = (
        Tabular(
            data="minari:mujoco/swimmer/expert-v0",
            scaling="centre",
            depth=3,
            width=6,
            lr=0.2,
            rank=1,
            weight_decay=(0.5, 0.1),
        )
        .inquiry()
        .study
    )
    last = study.settings[-1]
    assert study.name == "tabular-expert-v0"
    assert (last.data.spec, last.data.columns, last.data.targets) == ("minari:mujoco/swimmer/expert-v0", None, "centre")
    assert (last.network.hidden, last.recipe.lr, last.recipe.weight_decay) == ((6, 6, 6), 0.2, 0.5)
    assert last.probe == {"rank": 1}
    assert Tabular().inquiry().study.settings[0].probe == {}
    assert Tabular(full=True).inquiry().study.settings[0].network.hidden == (512,) * 5


def test_targets_without_data_are_refused():
    with pytest.raises(UsageError, match=r"--targets are columns of a table: name it with --data FILE"):
        Tabular(targets=("a",)).inquiry()


def test_a_single_weight_decay_makes_no_claims():
    assert Tabular(weight_decay=(1e-3,)).inquiry().claims == ()

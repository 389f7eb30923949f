import math
from dataclasses import replace

import pandas as pd
import pytest

from deepnrc.errors import UsageError
from experiments.byhand.comparison import (
    BOUND,
    EXCEPTED,
    ByHand,
    by_measure,
    compared,
    share_compared,
    verdicts,
)

TINY = ByHand(samples=120, size=32, steps=3, channels=(4, 6, 8, 10), progress=False)


@pytest.fixture(scope="module")
def probed():
    """The report's table of a trained network, with the network and its batches."""
    return TINY.probed()


@pytest.fixture(scope="module")
def rows(probed):
    return compared(*probed)


def test_every_measure_of_every_layer_of_a_trained_resnet18_agrees(rows):
    assert rows["layer"].nunique() == 19
    assert rows["relative"].max() < BOUND
    worst = by_measure(rows)
    assert {"deep.noise", "deep.linear_mse", "nrc.1_centred", "nrc.3", "model.mse"} <= set(worst["measure"])
    assert worst["values"].sum() == rows["relative"].notna().sum() > 290
    assert share_compared(rows) == 1


@pytest.mark.parametrize("layer", ["conv1", "layer3.0.conv2", "fc"])
def test_a_wrong_number_is_seen(probed, layer):
    table, model, batches = probed
    wrong = (table["measure"] == "deep.cka") & (table["variant"] == "default") & (table["layer"] == layer)
    assert wrong.sum() == 1
    spoilt = table.assign(value=table["value"].where(~wrong, table["value"] * (1 + 1e-5)))
    found = compared(spoilt, model, batches)
    above = found.loc[found["relative"] > BOUND, ["layer", "measure", "variant"]]
    assert above.to_numpy().tolist() == [[layer, "deep.cka", "default"]]
    assert verdicts(found)[0].answer == "does not hold"


def test_a_value_that_is_not_compared_is_seen(probed, rows):
    table, model, batches = probed
    cka = (table["measure"] == "deep.cka") & (table["layer"] == "fc")
    unknown = table.assign(status=table["status"].where(~cka, "not defined"))
    unheard = pd.concat([table, table[cka].assign(measure="deep.unheard")])
    for spoilt in (unknown, table[~cka], unheard):
        found = compared(spoilt, model, batches)
        assert share_compared(found) < 0.999
        assert [verdict.answer for verdict in verdicts(found)] == ["holds", "does not hold"]
    assert [verdict.answer for verdict in verdicts(rows)] == ["holds", "holds"]


def test_only_what_is_left_outside_of_all_of_a_layer_s_width_is_excepted(rows):
    full = rows[(rows["dim"] <= rows["rank"]) & rows["relative"].isna()]
    assert set(full["layer"]) == {"conv1"}
    assert set(full["measure"]) == set(EXCEPTED)
    assert share_compared(rows.assign(rank=2)) < 0.999
    assert math.isnan(share_compared(rows[:0]))


def test_measures_that_need_more_directions_than_a_layer_has_are_not_due():
    table, model, batches = replace(TINY, outputs=5, channels=(6, 8, 10, 12), samples=200).probed()
    found = compared(table, model, batches)
    assert (found["dim"] < found["rank"]).any()
    assert share_compared(found) == 1


def test_the_largest_difference_is_printed_and_left_on_a_page(capsys, tmp_path):
    replace(TINY, out=tmp_path).run()
    said = capsys.readouterr().out
    page = (tmp_path / "by-hand" / "index.html").read_text()
    assert "<h2>Tables</h2>" in page
    assert page.count('<span class="holds">holds</span>') == 2
    assert "regression measure" in page
    assert "by-hand" in (tmp_path / "index.html").read_text()
    assert "Largest relative difference: " in said
    assert "nan" not in said
    assert "values of 18 layers" in said
    assert "[holds] Share of these values" in said


def test_sizes_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match="must be at least 1, and --steps at least 0"):
        ByHand(samples=0).run()

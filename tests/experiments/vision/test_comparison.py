from dataclasses import replace

import pytest

from deepnrc.errors import UsageError
from experiments.vision.comparison import ByHand, by_measure

TINY = ByHand(samples=120, size=32, steps=3, channels=(4, 6, 8, 10))


@pytest.fixture(scope="module")
def rows():
    return TINY.rows()


def test_every_measure_of_every_layer_of_a_trained_resnet18_agrees(rows):
    assert rows["layer"].nunique() == 19
    assert rows["relative"].max() < 1e-6
    worst = by_measure(rows)
    assert {"deep.noise", "deep.linear_mse", "nrc.1_centred", "nrc.3", "model.mse"} <= set(worst["measure"])
    assert worst["values"].sum() == rows["relative"].notna().sum()


def test_a_wrong_number_is_seen(rows):
    table = rows.copy()
    table.loc[table["measure"] == "deep.cka", "relative"] = 0.1
    assert by_measure(table).set_index("measure").loc["deep.cka", "relative"].max() == 0.1


def test_the_largest_difference_is_printed_and_left_on_a_page(capsys, tmp_path):
    replace(TINY, out=tmp_path).run()
    said = capsys.readouterr().out
    page = (tmp_path / "by-hand" / "index.html").read_text()
    assert "<h2>Tables</h2>" in page
    assert '<td class="holds">holds</td>' in page
    assert "by-hand" in (tmp_path / "index.html").read_text()
    assert "Largest relative difference: " in said
    assert "nan" not in said
    assert "values of 18 layers" in said


def test_sizes_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match="must be at least 1, and --steps at least 0"):
        ByHand(samples=0).run()

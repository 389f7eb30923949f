"""The picture of training and held-out samples shows the numbers, and says what is not defined."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from experiments.pages import heldoutfigure


@pytest.fixture
def networks():
    return pd.DataFrame(
        {
            "weight_decay": [0.0, 0.0, 0.1, 0.1], "seed": [0, 1, 0, 1], "collapsed": [False, True, True, True],
            "error": [0.1, 0.3, 0.2, 0.2], "held-out error": 0.5, "noise": 0.1, "held-out noise": 0.2,
            "dimension": 3.0, "targets' dimension": 2.0,
        }
    )  # fmt: skip


@pytest.mark.parametrize("row", heldoutfigure.ROWS, ids=lambda row: row.columns[0])
def test_lines_are_means_over_seeds_and_filled_where_every_seed_is_collapsed(networks, row):
    _, ax = plt.subplots()
    heldoutfigure.draw(ax, networks, row)
    for line, column in zip(ax.lines, row.columns, strict=True):
        np.testing.assert_allclose(line.get_ydata(), networks.groupby("weight_decay")[column].mean())
    marks = [c for c in ax.collections if hasattr(c, "get_offsets") and len(c.get_offsets()) == 2]
    assert [tuple(face) == (1, 1, 1, 1) for face in marks[0].get_facecolors()] == [True, False]
    plt.close("all")


def test_a_measure_that_no_network_has_is_named(networks):
    _, ax = plt.subplots()
    heldoutfigure.draw(ax, networks.assign(**{"targets' dimension": np.nan}), heldoutfigure.ROWS[2])
    assert [text.get_text() for text in ax.texts] == ["targets' dimension:\nnot defined"]
    plt.close("all")


def test_a_column_a_data_set_and_every_mark_in_the_legend(networks, tmp_path):
    heldoutfigure.draw_held_out({"a": networks, "$b_": networks}, tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text()
    for words in ("$b_", *heldoutfigure.LEGEND.values(), "collapsed in every seed", "not in every seed"):
        assert f">{words}<" in text

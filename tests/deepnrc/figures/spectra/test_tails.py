import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from deepnrc.figures.spectra.tails import BEHIND, NOISE, ROUNDING, SIGNAL, SIGNALS, WIDE, along_depth, along_index

BLUE = (0.1, 0.2, 0.9)


@pytest.fixture
def ax():
    return Figure(figsize=(5, 3)).subplots()


def rows(heights, depth=0, least=0.0):
    facts = {"depth": depth, "layer": f"fc{depth}", "index": range(1, len(heights) + 1)}
    return pd.DataFrame({**facts, "height": heights, "least": least})


def falling(count, layers=1):
    return pd.concat([rows(0.5 ** np.arange(count), depth) for depth in range(layers)])


NONE = falling(0)


def drawn(ax):
    return [line for line in ax.lines if line.get_linestyle() == "-"]


def test_by_index_a_line_is_a_layer_in_its_colour_and_the_targets_stand_beside(ax):
    entries = along_index(ax, falling(4, layers=2), falling(2), {0: BLUE, 1: SIGNAL}, 2, 4)
    assert [line.get_color() for line in drawn(ax)] == [BLUE, SIGNAL]
    assert drawn(ax)[0].get_ydata().tolist() == [1, 0.5, 0.25, 0.125]
    assert [words for _, words in entries] == ["targets"]
    assert ax.texts[0].get_text() == "k = 2"


@pytest.mark.parametrize(("least", "shown"), [(0.3, [1, 0.5, 0.3]), (0.0, [1, 0.5, 0.25, 0.125])])
def test_by_index_a_line_ends_at_the_first_value_that_is_rounding(ax, least, shown):
    entries = along_index(ax, falling(4).assign(least=least), NONE, {0: BLUE}, None, 4)
    assert drawn(ax)[0].get_ydata().tolist() == shown
    assert [words for _, words in entries] == ([ROUNDING] if least else [])
    assert not ax.texts


def test_a_value_of_nothing_has_no_place_on_the_axis(ax):
    along_index(ax, rows([1.0, 0.0]), NONE, {0: BLUE}, None, 2)
    assert np.isnan(drawn(ax)[0].get_ydata()[1])


@pytest.mark.parametrize(("most", "scale"), [(WIDE - 1, "linear"), (WIDE, "log"), (1000, "log")])
def test_the_index_is_logarithmic_where_there_are_many(ax, most, scale):
    along_index(ax, falling(most), NONE, {0: BLUE}, 3, most)
    assert ax.get_xscale() == scale
    low, high = ax.get_xlim()
    assert low < 1
    assert high > most
    cut = next(line.get_xdata()[0] for line in ax.lines if line.get_transform() != ax.transData)
    assert 3 < cut < 4


@pytest.mark.parametrize("k", [1, 3])
def test_by_depth_the_first_k_stand_apart_from_the_next(ax, k):
    entries = along_depth(ax, falling(20, layers=3), k)
    colours = [line.get_color() for line in drawn(ax)]
    assert colours == [SIGNAL] * k + [NOISE] * BEHIND
    told = [words for _, words in entries]
    assert told == ["value 1" if k == 1 else f"values 1 to {k}", f"values {k + 1} to {k + BEHIND}"]
    assert drawn(ax)[0].get_xdata().tolist() == [0, 1, 2]


def test_by_depth_many_signals_are_thinned_and_without_k_all_look_alike(ax):
    along_depth(ax, falling(40, layers=2), 30)
    assert [line.get_color() for line in drawn(ax)].count(SIGNAL) <= SIGNALS
    other = Figure().subplots()
    entries = along_depth(other, falling(20, layers=2), None)
    assert {line.get_color() for line in drawn(other)} == {SIGNAL}
    assert [words for _, words in entries] == [f"values 1 to {BEHIND}"]


def test_by_depth_what_is_rounding_is_an_open_marker_at_its_floor_and_the_line_goes_on(ax):
    one = pd.concat([rows([1.0, h], depth, 0.01) for depth, h in enumerate((0.5, 0.001, 0.2))])
    entries = along_depth(ax, one, 1)
    assert drawn(ax)[1].get_ydata().tolist() == [0.5, 0.01, 0.2]
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in hollow] == [([1], [0.01])]
    assert entries[-1][1] == ROUNDING

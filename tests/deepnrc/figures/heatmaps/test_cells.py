"""Cells: every doubt is marked."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex

from deepnrc import figures
from deepnrc.figures.heatmaps import cells


def test_values_without_meaning_are_grey_and_said(report, changed, drawn, words):
    given = changed(report(steps=(0, 1)), "deep.cka", 1, value=np.nan, status="not defined")
    ax = drawn(figures.heatmap, given, "deep.cka")
    assert [to_hex(patch.get_facecolor()) for patch in ax.patches] == [cells.GREY]
    assert (ax.patches[0].get_y(), ax.patches[0].get_width()) == (1, 2)
    assert "not defined or degenerate" in words(ax)


def test_a_degenerate_layer_is_grey_though_it_has_a_number(report, changed, drawn):
    given = changed(report(), "deep.noise_fraction", 2, value=0.0, status="degenerate")
    ax = drawn(figures.heatmap, given, "deep.noise_fraction")
    assert ax.patches[0].get_y() == 2


def test_values_below_the_floor_have_the_floors_colour_and_a_mark(report, changed, drawn, words, colours):
    given = changed(report(), "deep.noise_fraction", 2, value=1e-17, floor=1e-15, status="below floor")
    ax = drawn(figures.heatmap, given, "deep.noise_fraction")
    assert "<1e-15" in words(ax)
    assert colours(ax)[2, 0] == pytest.approx(mpl.colormaps["viridis"](0.0))
    assert any("numerical floor" in text for text in words(ax))


def test_values_below_the_floor_are_hatched_where_nothing_is_printed(report, changed, drawn):
    many = report(steps=range(60))
    ax = drawn(figures.heatmap, changed(many, "deep.noise_fraction", 2, value=0.0), "deep.noise_fraction")
    assert [patch.get_hatch() for patch in ax.patches] == [cells.BELOW_HATCH]


def test_narrow_layers_are_grey_in_measures_of_k_directions_alone(report, drawn, words):
    given = report()
    table = given.table.assign(dim=given.table["dim"].where(given.table["depth"] != 0, 3))
    given = type(given)(table)
    ax = drawn(figures.heatmap, given, "deep.noise_fraction")
    assert [(patch.get_y(), patch.get_hatch()) for patch in ax.patches] == [(0, cells.NARROW_HATCH)]
    assert "too narrow to tell: d < 2k" in words(ax)
    assert "not defined or degenerate" not in words(ax)
    assert not drawn(figures.heatmap, given, "deep.cka").patches
    across = drawn(figures.heatmap, given, ["deep.noise_fraction", "deep.cka", "deep.feature_weight_alignment"])
    assert [patch.get_x() for patch in across.patches] == [0, 2]


def test_low_noise_begins_above_the_first_layer_that_has_it(report, drawn, words):
    ax = drawn(figures.heatmap, report(steps=(0, 1, 3)))
    ((x, y),) = [line.get_data() for line in ax.lines]
    ends = {(a, b): c for a, b, c in zip(x[:-1], x[1:], y[:-1], strict=True) if b == a + 1}
    assert ends == {(0, 1): 2, (1, 2): 1, (2, 3): 0 if 0.6 / 4 <= 0.2 else 1}
    assert any("τ = 0.2" in text for text in words(ax))


def test_onset_of_one_run_does_not_run_on_into_the_next(report, drawn):
    far = report(run="c", measures={"deep.noise_fraction": (0.9, 0.8)})
    ax = drawn(
        figures.heatmap, report(run="a") + report(run="b", steps=(3,)) + far, "deep.noise_fraction", across="run"
    )
    x, y = ax.lines[0].get_data()
    assert list(x[~np.isnan(x)]) == [0, 1, 1, 2]
    assert list(y[~np.isnan(y)]) == [2, 2, 0, 0]
    assert np.isnan(x[2])

"""Where values stand that rounding made: at the floor, or, if that is far below all others, at the lower edge."""

import numpy as np
import pytest

from deepnrc import figures

NOISE = "deep.noise_fraction"


def rounded(given, changed, value, floor):
    return changed(given, NOISE, 2, value=value, floor=floor, status="below floor")


def opened(ax):
    return next(line for line in ax.lines if line.get_linestyle() == "None").get_ydata()


@pytest.mark.parametrize("value", [0.0, 1e-20])
def test_rounding_far_below_what_was_measured_does_not_set_the_axis(value, report, changed, drawn, words):
    ax = drawn(figures.lines, rounded(report(), changed, value, 1e-15), NOISE)
    assert list(opened(ax)) == [pytest.approx(0.2 / 10)]  # measured are .6 and .3, and tau is .2
    assert ax.get_ylim()[0] > 1e-3
    assert "at floor" in words(ax)


def test_a_floor_that_is_near_is_drawn_and_named(report, changed, drawn, words):
    ax = drawn(figures.lines, rounded(report(), changed, 1e-5, 1e-4), NOISE)
    assert list(opened(ax)) == [1e-4]
    assert ax.get_ylim()[0] < 1e-4
    assert "at floor" not in words(ax)
    assert "floor" in words(ax)


def test_where_all_is_rounding_the_floor_is_drawn(report, changed, drawn, words):
    given = report()
    for depth in range(3):
        given = changed(given, NOISE, depth, value=1e-17, floor=1e-15, status="below floor")
    ax = drawn(figures.lines, given, NOISE)
    assert list(opened(ax)) == [1e-15] * 3
    assert "at floor" not in words(ax)


def test_the_band_of_seeds_ends_at_the_edge_too(report, changed, drawn):
    runs = report(run="a") + rounded(report(run="b"), changed, 1e-20, 1e-15)
    ax = drawn(figures.lines, runs, NOISE, groups={"a": "both", "b": "both"})
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert np.nanmin(band) > 1e-3


def test_the_edge_lies_below_every_level_that_stands_beside(report, changed, drawn):
    ax = drawn(figures.lines, rounded(report(), changed, 1e-20, 1e-15), NOISE, tau=0.002)
    assert list(opened(ax)) == [pytest.approx(0.002 / 10)]


def test_a_band_below_nothing_is_no_rounding(report, drawn, words):
    runs = report(run="a") + report(run="b")
    table = runs.table.copy()
    table.loc[(table["measure"] == NOISE) & (table["run"] == "b"), "value"] /= 100
    table["floor"] = 1e-15
    ax = drawn(figures.lines, type(runs)(table), NOISE, groups={"a": "both", "b": "both"}, band="sd")
    assert "at floor" not in words(ax)


def test_a_curve_of_zeros_without_a_floor_does_not_hide_a_floor_that_is_near(report, changed, drawn, words):
    given = rounded(report(run="a"), changed, 0.01, 0.02) + report(run="b")
    table = given.table.copy()
    table.loc[(table["measure"] == NOISE) & (table["run"] == "b"), "value"] = 0.0
    ax = drawn(figures.lines, type(given)(table), NOISE)
    assert "at floor" not in words(ax)

"""What curves are held against: chance, the floor, references; and only where the axis has a place for it."""

import dataclasses

import pytest

from deepnrc import figures


@pytest.mark.parametrize("level", [0.0, float("nan")])
def test_a_level_without_a_place_on_the_axis_leaves_the_panels_theirs(report, drawn, words, level, tmp_path):
    given = report()
    rows = given.table["measure"] == "deep.noise_fraction"
    table = given.table.assign(chance=given.table["chance"].where(~rows, level))
    given = dataclasses.replace(given, table=table)
    ax = drawn(figures.lines, given, "deep.noise_fraction")
    assert ax.get_yscale() == "log"
    assert "chance" not in words(ax)
    figures.overview(given, path=tmp_path / "overview.png")  # a warning that the layout collapsed would be an error


def test_a_level_on_the_axis_is_named(report, drawn, words):
    given = report()
    table = given.table.assign(chance=given.table["chance"].where(given.table["measure"] != "deep.noise_fraction", 0.3))
    assert "chance" in words(drawn(figures.lines, dataclasses.replace(given, table=table), "deep.noise_fraction"))

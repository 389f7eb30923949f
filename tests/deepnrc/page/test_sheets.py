"""The page's tables: each value with its mark, and where collapse lies."""

import re

import numpy as np
import pytest

from deepnrc.page import document as html
from deepnrc.page import sheets
from deepnrc.report import Report
from deepnrc.table import COLUMNS
from deepnrc.table.descriptions import described


def test_the_table_holds_each_value_with_its_mark(report, text):
    given = report(steps=(0,), layers=("a", "b", "c", "d"))
    table = given.table.copy()
    cka = table["measure"] == "deep.cka"
    for layer, status, value in (
        ("a", "degenerate", np.nan),
        ("b", "not defined", np.nan),
        ("c", "below floor", 1e-16),
    ):
        table.loc[cka & (table["layer"] == layer), ["status", "value", "note", "floor"]] = [status, value, "why", 1e-15]
    (sheet,) = sheets.sheets(Report(table.astype(COLUMNS)))
    names = [column.name for column in sheet.columns]
    assert names == ["deep.noise_fraction", "deep.feature_weight_alignment", "deep.cka"]
    cells = [row.cells[names.index("deep.cka")] for row in sheet.rows]
    assert [(cell.mark, cell.text, cell.sort) for cell in cells] == [
        ("*", "–", ""),
        ("", "–", ""),
        ("<", "1.00e-16", "1e-16"),
        ("", "0.333", repr(1 / 3)),
    ]
    assert cells[2].note == "below floor: why (floor 1e-15)"
    assert sheet.rows[0].cells[1].chance == "0.37"
    assert [column.name for column, _ in sheet.single] == ["nrc.1", "model.mse", "deep.target_stable_rank"]
    assert len(sheet.notes) == 3


@pytest.mark.parametrize(
    ("measure", "value", "text", "key"),
    [
        ("deep.cka", 0.00012345, "0.000123", "0.00012345"),
        ("deep.cka", 0.0, "0", "0.0"),
        ("deep.cka", 0.12345, "0.123", "0.12345"),
        ("deep.spectral_gap", np.inf, "∞", "Infinity"),
    ],
)
def test_small_and_infinite_values_are_printed_and_can_be_sorted(row, measure, value, text, key):
    given = Report.of([row(measure, 0.5, 0, "a", "net", 0), row(measure, value, 1, "b", "net", 0)])
    assert f'<td class="number" data-sort="{key}">{text}</td>' in html.page(given)


def test_headings_say_where_collapse_lies():
    assert sheets.column(described("deep.noise_fraction")).goal == "collapsed: 0"
    assert sheets.column(described("deep.feature_stable_rank", "covariance")).goal == "collapsed: the target's"
    assert sheets.column(described("deep.cka")).goal == "higher is more collapsed"
    assert sheets.column(described("mine.own")) == sheets.Heading("mine.own", "mine.own", "no direction")


def test_layer_names_do_not_wrap_and_are_whole_in_a_tooltip(page, text):
    (rule,) = re.findall(r"\n\.sortable th:first-child {(.*)}", text)
    assert "white-space: nowrap" in rule
    assert "anywhere" not in rule
    named = [head["title"] for head in page.all("th") if head["scope"] == "row" and "data-sort" in head]
    assert named == ["a", "b", "c"] * 2

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
    assert names == ["deep.noise_fraction", "deep.feature_weight_alignment", "deep.cka", "rank.effective"]
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
    assert re.search(rf'<td class="number( more)?" data-sort="{re.escape(key)}">{text}</td>', html.page(given))


def test_headings_say_where_collapse_lies():
    assert sheets.column(described("deep.noise_fraction")).goal == "collapsed: 0"
    assert sheets.column(described("deep.feature_stable_rank", "covariance")).goal == "collapsed: the target's"
    assert sheets.column(described("deep.cka")).goal == "higher is more collapsed"
    assert sheets.column(described("mine.own")) == sheets.Heading("mine.own", "mine.own", "no direction", main=False)


def test_layer_names_do_not_wrap_and_are_whole_in_a_tooltip(page, text):
    (rule,) = re.findall(r"\n\.sortable th:first-child {(.*)}", text)
    assert "white-space: nowrap" in rule
    assert "anywhere" not in rule
    named = [head["title"] for head in page.all("th") if head["scope"] == "row" and "data-sort" in head]
    assert named == ["a", "b", "c"] * 2


def judged(row):
    """A collapsed layer between one with noise and one that is too narrow, of a network that learned."""
    fine = {"deep.feature_weight_alignment": 0.99, "deep.direction_r2_gap": 0.0}
    layers = [("first", 0.9, 10), ("second", 0.01, 10), ("third", 0.0, 3)]
    rows = [
        row(measure, value, i, name, "net", 0, dim=d, chance_high=0.5)
        for i, (name, noise, d) in enumerate(layers)
        for measure, value in ({"deep.noise_fraction": noise} | fine).items()
    ]
    return Report.of([*rows, row("model.direction_r2_smallest", 0.9, -1, "(network)", "net", 0)])


def test_each_layer_has_its_verdict_and_the_reason(row, parsed):
    given = judged(row)
    (sheet,) = sheets.sheets(given)
    assert [layer.verdict for layer in sheet.rows] == ["not collapsed", "collapsed", "too narrow to tell"]
    assert sheet.rows[2].reason == "d = 3 < 2 k = 4"
    assert [layer.verdict for layer in sheets.sheets(given, tau=0.005)[0].rows][1] == "not collapsed"
    shown = [cell for cell in parsed(html.page(given)).all("td") if cell.get("data-sort") == "collapsed"]
    assert [cell["title"] for cell in shown] == ["all conditions hold"]


def test_low_noise_alone_is_told_as_such(report):
    (sheet,) = sheets.sheets(report())
    assert {layer.verdict for layer in sheet.rows} == {"low noise, rest unknown"}


def test_without_noise_there_is_no_verdict(row):
    given = Report.of([row("deep.cka", 0.5, 0, "a", "net", 0)])
    assert not sheets.sheets(given)[0].judged
    assert ">verdict<" not in html.page(given)

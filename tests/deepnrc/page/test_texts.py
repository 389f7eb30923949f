"""The page's sentences: what the runs come to, what is doubtful, what each measure means."""

import pytest

import deepnrc
from deepnrc.page import document as html
from deepnrc.page import sheets, texts
from deepnrc.report import Report
from deepnrc.table import COLUMNS


def test_the_summary_comes_first_and_says_what_is_collapsed(parsed, text):
    page = "".join(parsed(text).words)
    assert page.index("In 'first' at step 4 collapse cannot be told: ") < page.index(
        "Layers down, the first at the top"
    )
    assert page.index("low noise from the input on (3 of 3 layers") < page.index("The main measures by depth")
    assert "target stable rank 1.50" in page
    assert "signal rank k = 2, step 4, last of 3" in page


def test_warnings_and_what_was_left_out_are_said(report, parsed):
    given = report(steps=(0,))
    table = given.table.assign(status=given.table["status"].where(given.table["layer"] != "b", "degenerate"))
    table.loc[table["layer"] == "b", "note"] = "the layer is dead"
    record = {**given.provenance[0], "left_out": [["shortcut", "a downsampling shortcut"]]}
    words = "".join(parsed(html.page(Report(table.astype(COLUMNS), (record,)))).words)
    assert "Read with care" in words
    assert "b: the layer is dead (4 measures)" in words
    assert "left out: shortcut a downsampling shortcut" in words.replace(" (a", " a").replace(")", "")


def test_every_measure_is_explained(page):
    words = "".join(page.words)
    for probe in deepnrc.CATALOG:
        if probe.name in {"deep.noise_fraction", "deep.cka", "nrc.1"} and probe.variant == "default":
            assert probe.meaning in words
            assert probe.formula in words
            assert probe.source in words


def test_a_probe_of_ones_own_is_explained_from_the_record(row, parsed, tmp_path):
    entry = {"name": "mine.own", "title": "My own", "meaning": "Says much.", "formula": "a / b", "source": "Me & co"}
    record = {"run": "net", "step": 0, "probes": [{**entry, "collapsed": 1.0, "bounds": ["0", "inf"], "log": True}]}
    Report.of([row("mine.own", 1e-3, i, "ab"[i], "net", 0) for i in (0, 1)], [record]).save(tmp_path)
    text = html.page(deepnrc.load(tmp_path))
    words = "".join(parsed(text).words)
    assert "A probe of your own" not in words
    for said in ("My own", "Says much.", "a / b", "Me & co", "collapsed: 1", "1.00e-03"):
        assert said in words
    assert "<dt>probes" not in text


@pytest.mark.parametrize("recorded", [True, False])
def test_samples_are_those_of_the_data_where_positions_are_kept(report, recorded):
    given = report(steps=(0,))
    table = given.table.assign(n_samples=[6400] * 3 + [1600] * 3 + [100] * (len(given.table) - 6))
    records = tuple({**record, **({"samples": 90} if recorded else {})} for record in given.provenance)
    (found,) = texts.verdicts(Report(table, records, given.spectra))
    assert f"3 layers, {90 if recorded else 100} samples, 3 targets" in found.size


def test_one_table_compares_the_runs(report):
    both = report("a") + report("b", steps=(0, 9), layers=("x", "y"))
    found = {row.what: row.values for row in texts.compared(both, sheets.sheets(both))}
    assert found["step"] == ["4", "9"]
    assert found["layers that are collapsed"] == ["no layer can be judged", "no layer can be judged"]
    assert found["Noise fraction, last layer"] == ["3.33e-02", "2.50e-02"]
    assert found["Network MSE"] == ["1.00e-01", "1.00e-01"]
    assert texts.compared(report("a"), sheets.sheets(report("a"))) == []

"""The page's map: what it holds, and what a browser makes of it when somebody chooses and clicks."""

import base64
import csv
import io
import json
import urllib.parse

import numpy as np
import pandas as pd
import pytest

from deepnrc.page import page as page_of
from deepnrc.page.explorer import explorer
from deepnrc.report import Report
from deepnrc.table import COLUMNS

PRESSED = """(() => { const kept = window.kept = [];
    HTMLAnchorElement.prototype.click = function () { kept.push([this.download, this.href]); }; })()"""
CUT = """[...document.querySelectorAll("figure.map svg text")].filter((t) => {
    const [a, b] = [t.getBoundingClientRect(), t.closest("svg").getBoundingClientRect()];
    return a.left < b.left - 1 || a.right > b.right + 1 || a.bottom > b.bottom + 1;
}).map((t) => t.textContent)"""
OVER = """[...document.querySelectorAll("body *")].filter((e) => !e.closest(".scroll") && !e.closest("[hidden]") &&
    e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + "." + e.className)"""


def test_it_holds_every_value_with_its_standing(report, row):
    given = report("a", steps=(0, 5))
    odd = [
        row("deep.cka", np.nan, 0, "a", "b", 3, status="not defined"),
        row("deep.noise_fraction", 1e-17, 1, "b", "b", 3, floor=1e-15),
        row("deep.noise_fraction", 0.5, 2, "c", "b", 3, dim=3),
        row("nrc.1", np.inf, 2, "c", "b", 3),
    ]
    held = json.loads(explorer(given + Report.of(odd)))
    assert [run["run"] for run in held["runs"]] == ["a", "b"]
    assert held["runs"][0]["steps"] == [0, 5]
    assert held["main"][0] == "deep.noise_fraction"
    cells = {measure["name"]: measure["cells"] for measure in held["measures"]}
    assert cells["deep.noise_fraction"][0]["v"][0] == [0.5, 0.25, 0.1667]
    assert cells["deep.noise_fraction"][0]["s"] == ["ooo", "ooo"]
    assert cells["deep.noise_fraction"][1] == {"v": [[None, 1e-17, 0.5]], "s": ["-fw"]}
    assert cells["deep.cka"][1] == {"v": [[None, None, None]], "s": ["n--"]}
    assert cells["nrc.1"][1]["v"] == [[None, None, "Infinity"]]
    assert set(held["runs"][0]["verdicts"][0]) <= {"low noise, rest unknown", "not collapsed", "not measured"}
    assert explorer(Report.of([row("model.mse", 1.0, -1, "(network)", "a", 0)])) == ""


def test_eight_layers_thirty_steps_and_two_runs_are_less_than_a_megabyte(report):
    layers, names = tuple(f"layer{i}" for i in range(8)), [f"own.{i}" for i in range(50)]
    one = report("a", steps=range(30), layers=layers)
    noise = one.table[one.table["measure"] == "deep.noise_fraction"]
    more = [noise.assign(measure=name, value=noise["value"] / (3 + i)) for i, name in enumerate(names)]
    whole = Report(pd.concat([one.table, *more]).astype(COLUMNS), one.provenance, one.spectra)
    assert len(page_of(whole + whole.renamed("b"))) < 1_000_000


@pytest.fixture(scope="module")
def file(text, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(text, encoding="utf-8")
    return path


def titles(browser):
    return browser.ask("[...document.querySelectorAll('figure.map title')].map((t) => t.textContent)")


def test_what_is_chosen_is_drawn_and_tells_its_values(browser, file):
    browser.open(file)
    said = titles(browser)
    assert len(said) == 2 * 3 * 3  # runs, layers, steps
    assert "b, first, step 1: Noise fraction 0.125 (low noise, rest unknown)" in said
    browser.choose("run", "second")
    browser.choose("step", "step 4")
    assert titles(browser) == [
        f"{name}, second, step 4: Noise fraction {value} (low noise, rest unknown)"
        for name, value in (("a", 0.1), ("b", 0.05), ("c", 0.0333))
    ]
    browser.choose("measure", "all main measures side by side")
    assert len(titles(browser)) == 9
    browser.choose("run", "all runs")
    browser.choose("measure", "Signal-target alignment (CKA)")
    assert "c, second, step 4: Signal-target alignment (CKA) 0.333 (low noise, rest unknown)" in titles(browser)
    assert "CKA" in browser.ask("document.querySelector('.map .about').textContent")


def test_long_names_of_runs_are_whole_under_their_columns(browser, report, tmp_path):
    names = ["the first run of a long name", "another run of a long name"]
    (tmp_path / "page.html").write_text(
        page_of(report(names[0], steps=(0,)) + report(names[1], steps=(0,))), encoding="utf-8"
    )
    browser.open(tmp_path / "page.html")
    browser.choose("measure", "Noise fraction")
    for name in names:
        assert name in browser.ask("[...document.querySelectorAll('figure.map svg text')].map((t) => t.textContent)")
    assert browser.ask(CUT) == []


def test_clicks_tell_save_fold_and_sort(browser, file):
    browser.open(file)
    browser.click("figure.map g.cell rect")
    assert browser.ask("document.querySelector('.map output').textContent").startswith(
        "a, first, step 0: Noise fraction"
    )
    browser.ask(PRESSED)
    for place in (1, 2, 3):
        browser.click(f"figure.map .save button:nth-child({place})")
    browser.ask("new Promise((done) => { const see = () => kept.length === 3 ? done() : setTimeout(see, 10); see(); })")
    kept = dict(browser.ask("kept"))
    drawing = urllib.parse.unquote(kept["heatmap.svg"].partition(",")[2])
    assert drawing.startswith("<svg")
    assert drawing.count("<rect") == 19
    assert base64.b64decode(kept["heatmap.png"].partition(",")[2]).startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(urllib.parse.unquote(kept["heatmap.csv"].partition(",")[2]))))
    assert len(rows) == 18
    assert rows[0] == {"run": "first", "step": "0", "layer": "a", "measure": "deep.noise_fraction", "value": "0.5",
                       "status": "ok"}  # fmt: skip
    hidden = "getComputedStyle(document.querySelector('#compared .more')).display === 'none'"
    assert browser.ask(hidden)
    browser.click("button.fold[aria-controls=compared]")
    assert not browser.ask(hidden)
    assert browser.ask("document.querySelector('button.fold').textContent") == "main measures only"
    browser.click("table.sortable th:first-child button")
    assert browser.ask("document.querySelector('table.sortable tbody th').textContent") == "c"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone_nothing_is_off_screen_and_colours_follow(browser, file, scheme):
    browser.open(file, 390, scheme)
    assert browser.ask("document.documentElement.scrollWidth") <= 390
    assert browser.ask(OVER) == []
    ink = browser.ask("getComputedStyle(document.body).color")
    assert browser.ask("getComputedStyle(document.querySelector('.map svg text')).fill") == ink
    assert browser.ask("getComputedStyle(document.querySelector('.drawn svg text')).fill") == ink
    assert browser.ask("getComputedStyle(document.querySelector('.drawn .scroll')).filter") == "none"

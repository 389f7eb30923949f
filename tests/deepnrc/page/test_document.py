"""The page: one file that needs nothing else, trusts no name, and holds the whole table."""

import base64
import gzip
import hashlib
import io
import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import torch

import deepnrc
from deepnrc import UsageError
from deepnrc.descriptions import described
from deepnrc.measuring import readings
from deepnrc.page import document as html
from deepnrc.page import sheets, texts
from deepnrc.report import Report
from deepnrc.table import COLUMNS, NETWORK

VOID = {"meta", "link", "br", "img", "input", "hr"}
EVIL = '<script>alert("x")</script>&"\''


class Page(HTMLParser):
    """All elements with their attributes; wrong nesting is an error."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def row(measure, value, depth, layer, run, step, **given):
    fixed = {"kind": "Linear", "variant": "default", "status": "ok", "note": "", "n_samples": 100, "dim": 10}
    ours = {"measure": measure, "value": value, "depth": depth, "layer": layer, "run": run, "step": step}
    return {**fixed, "target_dim": 3, "rank": 2, "pool": "none", "chance": np.nan, "floor": np.nan, **ours, **given}


def report(run="net", steps=(0, 1, 4), layers=("a", "b", "c")):
    rows, found = [], []
    for step in steps:
        for i, name in enumerate(layers):
            place = {"run": run, "step": step, "depth": i, "layer": name}
            values = 10.0 ** -torch.arange(80, dtype=torch.float64) / (1 + step)
            found.append(readings.Reading("features", values, 1e-15, 2, place))
            rows += [
                row("deep.noise_fraction", 0.5 / (1 + i) / (1 + step), i, name, run, step, floor=1e-15),
                row("deep.feature_weight_alignment", 0.3 + 0.2 * i, i, name, run, step, chance=0.37),
                row("deep.cka", 1 / 3, i, name, run, step),
            ]
        rows.append(row("nrc.1", 0.01, len(layers) - 1, layers[-1], run, step))
        rows.append(row("model.mse", 0.1, -1, NETWORK, run, step))
        rows.append(row("deep.target_stable_rank", 1.5, -1, NETWORK, run, step))
    records = [{"run": run, "step": s, "model": {"class": "Net"}, "left_out": [], "device": "cpu"} for s in steps]
    return Report.of(rows, records, readings.frame(found))


@pytest.fixture(scope="module")
def text():
    return html.page(report("first") + report("second"))


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_it_is_one_file_that_fetches_nothing(page, text):
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "action", "data", "srcset"):
            assert re.match(r"#|data:|$", attributes.get(name) or ""), attributes
    assert not re.search(r"@import|url\((?!#)", text)
    assert "default-src 'none'" in text
    assert not page.all("link")
    assert not page.all("metadata")


def test_ids_are_unique_and_what_is_pointed_to_is_there(page, text):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed = re.findall(r'href="#([^"]+)"', text) + re.findall(r"url\(#([^)]+)\)", text)
    assert pointed
    assert set(pointed) <= set(ids)


def test_only_the_pages_own_script_runs(page, text):
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == len(page.all("script")) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_names_are_not_trusted():
    evil = report(EVIL, layers=(EVIL, "b", "c" + EVIL))
    table = evil.table.assign(note=EVIL, status="degenerate", kind=EVIL)
    record = {"run": EVIL, "step": 4, EVIL: EVIL, "left_out": [[EVIL, EVIL]]}
    page = Page(text := html.page(Report(table.astype(COLUMNS), (record,), evil.spectra), title=EVIL))
    assert len(page.all("script")) == 1
    assert "<script>alert" not in text
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert EVIL in "".join(page.words)


def test_the_summary_comes_first_and_says_what_is_collapsed(text):
    page = "".join(Page(text).words)
    assert page.index("collapsed from the input on (3 of 3 layers") < page.index("The first layer is at the top")
    assert "target stable rank 1.50" in page
    assert "signal rank k = 2, step 4, last of 3" in page


def test_tau_is_that_of_sentences_and_pictures(tmp_path):
    text = report(steps=(0, 1)).html(tmp_path / "page.html", tau=0.1).read_text(encoding="utf-8")
    assert "collapsed from c on (1 of 3 layers, since step 1): noise &lt;= 0.1" in text
    assert "noise fraction ≤ 0.1<" in text
    assert "τ = 0.1" in text
    assert not re.search("(≤|&lt;=|=) 0.2\\b", text)
    with pytest.raises(UsageError, match="tau is a noise fraction"):
        html.page(report(), tau=1)


def test_warnings_and_what_was_left_out_are_said():
    given = report(steps=(0,))
    table = given.table.assign(status=given.table["status"].where(given.table["layer"] != "b", "degenerate"))
    table.loc[table["layer"] == "b", "note"] = "the layer is dead"
    record = {**given.provenance[0], "left_out": [["shortcut", "a downsampling shortcut"]]}
    words = "".join(Page(html.page(Report(table.astype(COLUMNS), (record,)))).words)
    assert "Read with care" in words
    assert "b: the layer is dead (3 measures)" in words
    assert "left out: shortcut a downsampling shortcut" in words.replace(" (a", " a").replace(")", "")


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_it_can_be_read_without_seeing_it(page):
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("caption")) == len(page.all("table"))
    drawings = page.all("svg")
    assert drawings
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in drawings)
    assert all("scope" in head for head in page.all("th"))
    sorted_by = [head["aria-sort"] for head in page.all("th") if "aria-sort" in head]
    assert len(page.all("button")) == len(sorted_by)
    assert sorted_by.count("ascending") == 2


def test_text_in_pictures_is_text(text):
    drawing = text[text.index("<svg") : text.index("</svg>")]
    assert ">collapsed layers</text>" in drawing
    assert "DejaVu" not in text


def test_the_table_holds_each_value_with_its_mark(text):
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
def test_small_and_infinite_values_are_printed_and_can_be_sorted(measure, value, text, key):
    given = Report.of([row(measure, 0.5, 0, "a", "net", 0), row(measure, value, 1, "b", "net", 0)])
    assert f'<td class="number" data-sort="{key}">{text}</td>' in html.page(given)


def test_headings_say_where_collapse_lies():
    assert sheets.column(described("deep.noise_fraction")).goal == "collapsed: 0"
    assert sheets.column(described("deep.feature_stable_rank", "covariance")).goal == "collapsed: the target's"
    assert sheets.column(described("deep.cka")).goal == "higher is more collapsed"
    assert sheets.column(described("mine.own")) == sheets.Column("mine.own", "mine.own", "no direction")


@pytest.mark.parametrize("steps", [(0, 1), range(700)])
def test_the_data_are_the_whole_table(steps):
    given = report(EVIL, steps=steps)
    link = html.download(given)
    data = base64.b64decode(link.href.partition("base64,")[2])
    assert link.name.endswith(".gz") == (len(steps) > 2)
    plain = gzip.decompress(data) if link.name.endswith(".gz") else data
    back = pd.read_csv(io.BytesIO(plain), keep_default_na=False, na_values={"value": "", "chance": "", "floor": ""})
    pd.testing.assert_frame_equal(back.astype(COLUMNS), given.table)
    assert link.size == f"{len(data) / 1000:.0f} kB"


def test_layer_names_do_not_wrap_and_are_whole_in_a_tooltip(page, text):
    (rule,) = re.findall(r"\n\.sortable th:first-child {(.*)}", text)
    assert "white-space: nowrap" in rule
    assert "anywhere" not in rule
    named = [head["title"] for head in page.all("th") if head["scope"] == "row" and "data-sort" in head]
    assert named == ["a", "b", "c"] * 2


def test_spectra_of_the_last_step_are_folded_and_left_out_where_there_are_none(page, text):
    assert "#spectra" in {link.get("href") for link in page.all("a")}
    (folded,) = re.findall(r'<section id="spectra">.*?</section>', text, re.DOTALL)
    assert folded.index("<details>") < folded.index("<svg") < folded.index("</details>")
    assert folded.count("<svg") == 2
    assert "step 4" in folded
    bare = html.page(Report(report().table))
    assert "Spectra" not in bare
    assert 'id="spectra"' not in bare


def test_the_link_is_on_the_page(page):
    (link,) = [a for a in page.all("a") if "download" in a]
    assert link["download"] == "deepnrc.csv"
    assert link["href"].startswith("data:text/csv")


def test_every_measure_is_explained(page):
    words = "".join(page.words)
    for probe in deepnrc.CATALOG:
        if probe.name in {"deep.noise_fraction", "deep.cka", "nrc.1"} and probe.variant == "default":
            assert probe.meaning in words
            assert probe.formula in words
            assert probe.source in words


def test_a_probe_of_ones_own_and_a_report_without_layers_have_a_page():
    own = "".join(Page(html.page(Report.of([row("mine.own", 1.0, 0, "a", "net", 0)]))).words)
    assert "A probe of your own" in own
    bare = Page(html.page(Report.of([row("model.mse", 1.0, -1, NETWORK, "net", 0)])))
    assert not bare.all("svg")


def test_a_probe_of_ones_own_is_explained_from_the_record(tmp_path):
    entry = {"name": "mine.own", "title": "My own", "meaning": "Says much.", "formula": "a / b", "source": "Me & co"}
    record = {"run": "net", "step": 0, "probes": [{**entry, "collapsed": 1.0, "bounds": ["0", "inf"], "log": True}]}
    Report.of([row("mine.own", 1e-3, i, "ab"[i], "net", 0) for i in (0, 1)], [record]).save(tmp_path)
    text = html.page(deepnrc.load(tmp_path))
    words = "".join(Page(text).words)
    assert "A probe of your own" not in words
    for said in ("My own", "Says much.", "a / b", "Me & co", "collapsed: 1", "1.00e-03"):
        assert said in words
    assert "<dt>probes" not in text


def test_deep_and_long_reports_stay_small():
    many = report(steps=range(40), layers=tuple(f"blocks.{i}.fc" for i in range(60)))
    assert len(html.page(many)) < 1_500_000


def test_write_makes_the_file_and_its_folders(tmp_path):
    path = html.write(report(steps=(0,)), tmp_path / "new" / "page.html", title="My runs")
    assert path == tmp_path / "new" / "page.html"
    assert "<h1>My runs</h1>" in path.read_text(encoding="utf-8")


def test_write_refuses(tmp_path):
    with pytest.raises(UsageError, match=r"is a folder\. Name the file to write, such as 'report.html'"):
        html.write(report(), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written to .*Name a file that you may write to"):
        html.write(report(steps=(0,)), tmp_path / "file" / "page.html")
    with pytest.raises(UsageError, match="The report is empty"):
        html.write(Report(report().table.iloc[:0]), tmp_path / "page.html")


@pytest.mark.parametrize("recorded", [True, False])
def test_samples_are_those_of_the_data_where_positions_are_kept(recorded):
    given = report(steps=(0,))
    table = given.table.assign(n_samples=[6400] * 3 + [1600] * 3 + [100] * (len(given.table) - 6))
    records = tuple({**record, **({"samples": 90} if recorded else {})} for record in given.provenance)
    (found,) = texts.verdicts(Report(table, records, given.spectra))
    assert f"3 layers, {90 if recorded else 100} samples, 3 targets" in found.size

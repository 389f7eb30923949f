"""The page: one file that needs nothing else, trusts no name, and holds the whole table."""

import base64
import gzip
import hashlib
import io
import itertools
import re

import pandas as pd
import pytest

from deepnrc import UsageError
from deepnrc.page import document as html
from deepnrc.report import Report
from deepnrc.table import COLUMNS, NETWORK

EVIL = '<script>alert("x")</script>&"\''

EMPTY = {name: "" for name, kind in COLUMNS.items() if kind == "float64"}


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


def test_names_are_not_trusted(report, parsed):
    evil = report(EVIL, layers=(EVIL, "b", "c" + EVIL))
    table = evil.table.assign(note=EVIL, status="degenerate", kind=EVIL)
    record = {"run": EVIL, "step": 4, EVIL: EVIL, "left_out": [[EVIL, EVIL]]}
    page = parsed(text := html.page(Report(table.astype(COLUMNS), (record,), evil.spectra), title=EVIL))
    assert len(page.all("script")) == 1
    assert "<script>alert" not in text
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert EVIL in "".join(page.words)


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
    folding = [button["aria-controls"] for button in page.all("button") if button.get("class") == "fold"]
    assert folding == ["compared", "layers1", "layers2"]
    assert len(page.all("button")) == len(sorted_by) + len(folding)
    assert sorted_by.count("ascending") == 2


@pytest.mark.parametrize("steps", [(0, 1), range(700)])
def test_the_data_are_the_whole_table(report, steps):
    given = report(EVIL, steps=steps)
    link = html.download(given)
    data = base64.b64decode(link.href.partition("base64,")[2])
    assert link.name.endswith(".gz") == (len(steps) > 2)
    plain = gzip.decompress(data) if link.name.endswith(".gz") else data
    back = pd.read_csv(io.BytesIO(plain), keep_default_na=False, na_values=EMPTY)
    pd.testing.assert_frame_equal(back.astype(COLUMNS), given.table)
    assert link.size == f"{len(data) / 1000:.0f} kB"


def test_the_link_is_on_the_page(page):
    (link,) = [a for a in page.all("a") if "download" in a]
    assert link["download"] == "deepnrc.csv"
    assert link["href"].startswith("data:text/csv")


def test_deep_and_long_reports_stay_small(report):
    many = report(steps=range(40), layers=tuple(f"blocks.{i}.fc" for i in range(60)))
    assert len(html.page(many)) < 1_500_000


def test_write_makes_the_file_and_its_folders(report, tmp_path):
    path = html.write(report(steps=(0,)), tmp_path / "new" / "page.html", title="My runs")
    assert path == tmp_path / "new" / "page.html"
    assert "<h1>My runs</h1>" in path.read_text(encoding="utf-8")


def test_write_refuses(report, tmp_path):
    with pytest.raises(UsageError, match=r"is a folder\. Name the file to write, such as 'report.html'"):
        html.write(report(), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written to .*Name a file that you may write to"):
        html.write(report(steps=(0,)), tmp_path / "file" / "page.html")
    with pytest.raises(UsageError, match="The report is empty"):
        html.write(Report(report().table.iloc[:0]), tmp_path / "page.html")


def test_tau_is_that_of_sentences_and_pictures(report, tmp_path):
    text = report(steps=(0, 1)).html(tmp_path / "page.html", tau=0.1).read_text(encoding="utf-8")
    assert "low noise from c on (1 of 3 layers, since step 1): noise &lt;= 0.1" in text
    assert "low noise: fraction ≤ 0.1<" in text
    assert not re.search("(≤|&lt;=|=) 0.2\\b", text)
    with pytest.raises(UsageError, match="tau is a noise fraction"):
        html.page(report(), tau=1)


def test_a_probe_of_ones_own_and_a_report_without_layers_have_a_page(row, parsed):
    own = "".join(parsed(html.page(Report.of([row("mine.own", 1.0, 0, "a", "net", 0)]))).words)
    assert "A probe of your own" in own
    bare = parsed(html.page(Report.of([row("model.mse", 1.0, -1, NETWORK, "net", 0)])))
    assert not bare.all("svg")

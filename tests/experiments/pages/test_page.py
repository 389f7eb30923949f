"""What a page leaves in a study's folder, and the lines and settings that all kinds of study share."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from markupsafe import Markup

from experiments.claims.claim import Verdict
from experiments.pages.gallery import Drawn
from experiments.pages.page import Page, closing, leave_settings, left_settings, saved, write_index

HOSTILE = "<b>a & b</b>"
ESCAPED = "&lt;b&gt;a &amp; b&lt;/b&gt;"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "mine"
    place.mkdir()
    return place


def page(**changed):
    fields = {
        "name": "mine", "about": "About it.", "verdicts": [Verdict("It is so", "us", 0.5, "<", 1.0)], "drawn": [],
        "cells": 3, "seconds": 61.4,
    }  # fmt: skip
    return Page(**{**fields, **changed})


def test_the_summary_holds_all_that_the_document_tells(folder):
    drawn = [Drawn("By depth", folder / "overview.png", Markup("<svg></svg>"))]
    table = {"caption": "Losses", "columns": ["x"], "rows": [["one"]]}
    page(drawn=drawn, tables=[table], warnings=["one diverged"], plan="hash").write(folder)
    assert json.loads((folder / "summary.json").read_text()) == {
        "name": "mine",
        "about": "About it.",
        "verdicts": [Verdict("It is so", "us", 0.5, "<", 1.0).row()],
        "warnings": ["one diverged"],
        "tables": [table],
        "pictures": [{"file": "overview.png", "caption": "By depth"}],
        "seconds": 61.4,
        "cells": 3,
        "plan": "hash",
    }


def test_warnings_tables_and_pictures_stand_on_the_page(folder):
    drawn = [Drawn("By depth", folder / "overview.png", Markup("<svg id='one'></svg>"))]
    table = {"caption": "Losses", "columns": ["x", "loss"], "rows": [["one", "0.12"]]}
    page(drawn=drawn, tables=[table], warnings=["one diverged"]).write(folder)
    text = (folder / "index.html").read_text()
    for words in (
        '<p class="warning">one diverged</p>', "<caption>Losses</caption>",
        '<th scope="col">x</th><th scope="col">loss</th>',
        '<td class="short">one</td><td class="short">0.12</td>', "<svg id='one'></svg>",
        'href="overview.png"', 'href="overview.pdf"',
        "3 runs, 61 seconds in all.",
    ):  # fmt: skip
        assert words in text, words


def test_settings_stand_under_the_headings_that_are_given(folder):
    row = {"label": "a", "seeds": 2, "train": "0.9", "test": "0.8", "decay": "5"}
    page(settings=[row], errors=("Training accuracy", "Held-out accuracy")).write(folder)
    text = (folder / "index.html").read_text()
    assert "<th>Training accuracy</th><th>Held-out accuracy</th>" in text
    assert '<td class="number">0.9</td><td class="number">0.8</td>' in text


def test_the_files_to_open_are_named_with_what_they_show(folder):
    files = page(files={"report.html": "every measure", "table.parquet": "every value"}).write(folder)
    assert files == {
        folder / "index.html": "the study's page",
        folder.parent / "index.html": "all studies",
        folder / "report.html": "every measure",
    }
    text = (folder / "index.html").read_text()
    assert '<a href="report.html">report.html</a> (every measure), ' in text
    assert '<a href="table.parquet">table.parquet</a> (every value).' in text


def test_the_index_tells_of_every_study_and_of_what_is_new(folder):
    page().write(folder)
    other = folder.parent / "other"
    other.mkdir()
    page(name="other", about="Another.").write(other)
    page(about="About it anew.").write(folder)
    index = (folder.parent / "index.html").read_text()
    assert index.count("<h2>") == 2
    assert index.index('href="mine/index.html"') < index.index('href="other/index.html"')
    assert "About it anew." in index
    assert "About it." not in index


@pytest.mark.parametrize(
    "left", ["", "no json", "[1]", "{}", '{"name": "a", "about": "b", "verdicts": [{"claim": "of an older version"}]}']
)
def test_what_another_version_left_is_no_study_of_the_index(folder, left):
    page().write(folder)
    other = folder.parent / "other"
    other.mkdir()
    (other / "summary.json").write_text(left)
    index = write_index(folder.parent).read_text()
    assert index.count("<h2>") == 1


@pytest.mark.parametrize("field", ["name", "about"])
def test_what_a_study_is_called_is_escaped(folder, field):
    page(**{field: HOSTILE}).write(folder)
    for text in ((folder / "index.html").read_text(), (folder.parent / "index.html").read_text()):
        assert HOSTILE not in text
        assert ESCAPED in text


def test_what_stands_in_tables_and_warnings_is_escaped(folder):
    table = {"caption": HOSTILE, "columns": [HOSTILE], "rows": [[HOSTILE]]}
    row = dict.fromkeys(("label", "seeds", "train", "test", "decay"), HOSTILE)
    drawn = [Drawn(HOSTILE, folder / "x.png", Markup("<svg></svg>"))]
    verdict = Verdict(HOSTILE, HOSTILE, 1.0, "<", 2.0)
    page(
        tables=[table], settings=[row], warnings=[HOSTILE], verdicts=[verdict], drawn=drawn, files={"x": HOSTILE},
        errors=(HOSTILE, HOSTILE),
    ).write(folder)  # fmt: skip
    text = (folder / "index.html").read_text()
    assert HOSTILE not in text
    assert text.count(ESCAPED) == 3 + 5 + 1 + 3 + 1 + 2 + 2


@dataclass(frozen=True)
class Flags:
    width: int = 8
    decays: tuple[float, ...] = (0.0, 0.1)
    file: Path = Path("here")
    jobs: int = 2
    out: Path = Path("/home/me")
    progress: bool = True


def test_what_changes_no_result_is_not_saved():
    assert saved(Flags()) == {"width": 8, "decays": [0.0, 0.1], "file": "here"}


def test_settings_are_left_as_they_are_compared(folder):
    leave_settings(Flags(), folder / "new")
    assert json.loads((folder / "new" / "settings.json").read_text()) == saved(Flags())
    (folder / "settings.json").write_text(json.dumps({**saved(Flags()), "out": "/elsewhere"}))
    assert left_settings(folder) == saved(Flags())
    for content in ("{", "[1]"):
        (folder / "settings.json").write_text(content)
        assert left_settings(folder) is None
    assert left_settings(folder / "nowhere") is None


def test_a_summary_goes_when_a_run_with_other_flags_begins(folder):
    leave_settings(Flags(), folder)
    page().write(folder)
    leave_settings(Flags(jobs=1), folder)
    assert (folder / "summary.json").is_file()
    leave_settings(Flags(width=9), folder)
    assert not (folder / "summary.json").exists()


def test_the_last_lines_name_every_file(capsys):
    closing("mine", 61.4, {Path("a/b.html"): "the page", Path("c"): "the rest"})
    assert capsys.readouterr().out == "\nmine: done in 61 s. Open:\n  a/b.html  the page\n  c  the rest\n"

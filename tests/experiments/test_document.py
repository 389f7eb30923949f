"""docs/results.md: made from what the studies left, in order, and whole."""

import json

import pytest
from PIL import Image

from deepnrc.errors import DataError, UsageError
from experiments import catalog
from experiments.document import Document, write


def left(folder, name, **changed):
    """A study's folder as `Page.write` leaves it."""
    place = folder / name
    place.mkdir(parents=True)
    Image.new("RGB", (8, 6), "red").save(place / "overview.png")
    summary = {
        "name": name, "about": f"About {name}.", "warnings": [], "seconds": 61.4, "cells": 4,
        "verdicts": [
            {"claim": "a | b", "source": "us", "measured": "0.1", "threshold": "< 1", "verdict": "holds"},
            {"claim": "c", "source": "us", "measured": "2", "threshold": "< 1", "verdict": "does not hold"},
        ],
        "pictures": [{"file": "overview.png", "caption": "By depth"}],
    }  # fmt: skip
    (place / "summary.json").write_text(json.dumps(summary | changed))


def test_every_study_is_told_with_verdicts_and_pictures(tmp_path):
    left(tmp_path / "runs", "alpha", warnings=["a run\ndiverged"])
    table = {"caption": "Losses", "columns": ["x", "loss"], "rows": [["one", 0.12345678]]}
    left(tmp_path / "runs", "beta", tables=[table])
    write(tmp_path / "runs", tmp_path / "docs" / "results.md")
    text = (tmp_path / "docs" / "results.md").read_text()
    assert "| [alpha](#alpha) | 4 | 61 s | 1 of 2 |" in text
    assert "| a \\| b | us | 0.1 | < 1 | holds |" in text
    assert "| c | us | 2 | < 1 | does not hold |" in text
    assert "> a run diverged\n" in text
    assert "Losses\n\n| x | loss |\n|---|---|\n| one | 0.1235 |" in text
    assert "![By depth](figures/alpha-overview.png)" in text
    with Image.open(tmp_path / "docs" / "figures" / "beta-overview.png") as picture:
        assert (picture.size, picture.convert("RGB").getpixel((3, 3))) == ((8, 6), (255, 0, 0))
    assert str(tmp_path) not in text


def test_studies_stand_in_the_order_of_their_commands(tmp_path):
    for name in ("a", "swimmer-top", "synthetic-rank", "swimmer-deep", "synthetic"):
        left(tmp_path, name)
    write(tmp_path, tmp_path / "r.md", ["synthetic", "synthetic-rank", "swimmer"])
    heads = [line[3:] for line in (tmp_path / "r.md").read_text().splitlines() if line.startswith("## ")]
    assert heads == ["synthetic", "synthetic-rank", "swimmer-deep", "swimmer-top", "a"]


def test_nothing_to_tell_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"There is no study in '.*' yet\. Run one"):
        write(tmp_path, tmp_path / "r.md")


def test_an_unknown_study_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"There is no study 'alpa' to run\. There are: 'synthetic'"):
        Document(only=("alpa",), out=tmp_path).run()


class Leaves:
    """A command that leaves a study, or fails."""

    def __init__(self, out, name):
        self.out, self.name = out, name

    def run(self):
        if self.name == "bad":
            raise RuntimeError("no\nway")
        left(self.out, self.name)


def test_a_study_that_fails_takes_no_other_with_it(tmp_path, monkeypatch, capsys):
    made = {name: Leaves(tmp_path / "runs", name) for name in ("bad", "good", "other")}
    monkeypatch.setattr(catalog, "invocations", lambda out: made)
    with pytest.raises(DataError, match=r"'bad' failed; the document tells of the others\."):
        Document(out=tmp_path / "runs", document=tmp_path / "r.md", only=("bad", "good")).run()
    assert "bad failed: RuntimeError: no way" in capsys.readouterr().out
    assert "## good" in (tmp_path / "r.md").read_text()
    assert "## other" not in (tmp_path / "r.md").read_text()


def test_the_document_can_be_written_without_running(tmp_path, monkeypatch):
    left(tmp_path / "runs", "good")
    monkeypatch.setattr(catalog, "invocations", lambda out: {"bad": Leaves(out, "bad")})
    Document(out=tmp_path / "runs", document=tmp_path / "r.md", run_studies=False).run()
    assert "## good" in (tmp_path / "r.md").read_text()


def test_every_command_but_the_demo_the_document_and_those_for_own_files_is_run(tmp_path):
    run = {type(command) for command in catalog.invocations(tmp_path).values()}
    left_out = {"demo", "utkface", "cifar10"}
    assert run == {kind for name, kind in catalog.STUDIES.items() if name not in left_out}

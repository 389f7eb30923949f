"""docs/results.md: made from what the studies left, in order, and whole."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PIL import Image

from deepnrc.errors import DataError, UsageError
from experiments.byhand.comparison import ByHand
from experiments.claims import Verdict
from experiments.pages.page import saved
from experiments.runner.cells import plan
from experiments.studies import catalog
from experiments.studies.document import Default, Document, defaults, unexplained, write
from experiments.studies.pretrained import PretrainedOnet

DEFAULT = {"width": 8}


def left(folder, name, settings=DEFAULT, **changed):
    """A study's folder as a run leaves it."""
    place = folder / name
    place.mkdir(parents=True)
    Image.new("RGB", (8, 6), "red").save(place / "overview.png")
    summary = {
        "name": name, "about": f"About {name}.", "warnings": [], "seconds": 61.4, "cells": 4,
        "verdicts": [
            Verdict("a | b", "us", 0.1, "<", 1, {0: 0.1, 1: 0.1}, needed=2, published=3.0).row(),
            Verdict("c", "us", 2.0, "<", 1).row(),
        ],
        "pictures": [{"file": "overview.png", "caption": "By depth"}],
    }  # fmt: skip
    (place / "summary.json").write_text(json.dumps(summary | changed))
    if settings is not None:
        (place / "settings.json").write_text(json.dumps(settings))


def told(*names):
    """Studies to tell of, by the commands that are called so."""
    return {name: Default(name, DEFAULT) for name in names}


def heads(document):
    return [line[3:] for line in document.read_text().splitlines() if line.startswith("## ")]


def test_every_study_is_told_with_verdicts_and_pictures(tmp_path):
    left(tmp_path / "runs", "alpha", warnings=["a run\ndiverged"])
    table = {"caption": "Losses", "columns": ["x", "loss"], "rows": [["one", 0.12345678]]}
    left(tmp_path / "runs", "beta", tables=[table])
    write(tmp_path / "runs", tmp_path / "docs" / "results.md", told("alpha", "beta"))
    text = (tmp_path / "docs" / "results.md").read_text()
    assert "| study | networks | time of all cells | claims | holds | in some seeds | does not hold |" in text
    assert "| [alpha](#alpha) | 4 | 61 s | 2 | 1 (2 of 2) | 0 | 1 | 0 |" in text
    assert "| a \\| b | us | 0.1 | < 1 | 3, does not hold | holds in 2 of 2 seeds |" in text
    assert "| c | us | 2 | < 1 |  | does not hold |" in text
    assert "> a run diverged\n" in text
    assert "Losses\n\n| x | loss |\n|---|---|\n| one | 0.1235 |" in text
    assert "![By depth](figures/alpha-overview.png)" in text
    with Image.open(tmp_path / "docs" / "figures" / "beta-overview.png") as picture:
        assert (picture.size, picture.convert("RGB").getpixel((3, 3))) == ((8, 6), (255, 0, 0))
    assert str(tmp_path) not in text


def test_why_claims_do_not_hold_is_told_once_and_what_nothing_explains_is_named(tmp_path):
    verdicts = [
        Verdict("a", "us", 2, "<", 1, why="slim").row(), Verdict("b", "us", 2, "<", 1, why="slim").row(),
        Verdict("c", "us", 2, "<", 1).row(), Verdict("d", "us", 0, "<", 1, why="wide").row(),
    ]  # fmt: skip
    left(tmp_path, "alpha", verdicts=verdicts)
    write(tmp_path, tmp_path / "r.md", told("alpha"))
    text = (tmp_path / "r.md").read_text()
    assert "\nWhy, where a claim does not hold, as far as is known:\n\n- a; b. *slim*\n" in text
    assert "wide" not in text
    assert unexplained(tmp_path, told("alpha", "beta")) == ["alpha: nothing says why: c (does not hold)."]


def test_studies_stand_in_the_order_of_their_commands(tmp_path):
    expected = defaults(catalog.invocations(tmp_path))
    names = ["synthetic", "synthetic-rank", "swimmer-deep", "swimmer-top", "tabular-linnerud", "by-hand"]
    for name in sorted(names):
        left(tmp_path, name, expected[name].settings, plan=expected[name].plan)
    assert write(tmp_path, tmp_path / "r.md", expected) == []
    assert heads(tmp_path / "r.md") == names


def test_folders_of_other_studies_are_skipped(tmp_path):
    for name in ("alpha", "alpha-mine", "cifar10"):
        left(tmp_path, name)
    write(tmp_path, tmp_path / "r.md", told("alpha", "beta"))
    assert heads(tmp_path / "r.md") == ["alpha"]


@pytest.mark.parametrize(
    ("settings", "how"),
    [({"width": 9}, r"was run with other flags \('width'\)"), ({}, r"was run with other flags \('width'\)"),
     ({"width": 8, "old": 1}, r"was run with other flags \('old'\)"), (None, r"left no settings.json")],
)  # fmt: skip
def test_a_study_of_other_flags_is_left_out_and_named(tmp_path, settings, how):
    left(tmp_path, "alpha-deep", settings)
    left(tmp_path, "beta", {**DEFAULT, "out": "/home/me", "progress": False})
    expected = {"alpha-deep": Default("alpha", DEFAULT), **told("beta")}
    (said,) = write(tmp_path, tmp_path / "r.md", expected)
    assert re.match(
        rf"alpha-deep {how}.* is left out: run it with its defaults \(make results ARGS='--only alpha'", said
    )
    assert heads(tmp_path / "r.md") == ["beta"]
    assert f"\n\n> {said}\n\n## beta" in (tmp_path / "r.md").read_text()
    assert not (tmp_path / "figures" / "alpha-deep-overview.png").exists()


def test_a_study_whose_defaults_meant_other_settings_is_left_out_and_named(tmp_path):
    left(tmp_path, "alpha", plan="then")
    left(tmp_path, "beta", plan="now")
    (said,) = write(tmp_path, tmp_path / "r.md", {name: Default(name, DEFAULT, "now") for name in ("alpha", "beta")})
    assert said.startswith("alpha was run when its defaults meant other settings, and is left out: run it with")
    assert heads(tmp_path / "r.md") == ["beta"]


def test_only_studies_of_other_flags_are_nothing_to_tell(tmp_path):
    left(tmp_path, "alpha", {"width": 9})
    with pytest.raises(DataError, match=r"no study on its defaults .* alpha was run with other flags \('width'\)"):
        write(tmp_path, tmp_path / "r.md", told("alpha"))
    assert not (tmp_path / "r.md").exists()


def test_every_command_is_known_by_its_folders_and_flags(tmp_path):
    commands = catalog.invocations(tmp_path)
    expected = defaults(commands)
    assert {"reacher-deep", "reacher-top", "synthetic-noise", "tabular-linnerud", "ufm", "mnist"} <= set(expected)
    top = expected["reacher-top"]
    assert (top.command, top.settings) == ("reacher", json.loads(json.dumps(saved(commands["reacher"]))))
    assert top.plan == plan(commands["reacher"].top().study) != expected["reacher-deep"].plan
    assert expected["synthetic-rank"].settings["sweep"] == "rank"
    assert expected["by-hand"] == Default("by-hand", saved(ByHand()))
    assert expected["pretrained-onet"] == Default("pretrained-onet", saved(PretrainedOnet()))
    assert saved(replace(commands["swimmer"], epochs=3, jobs=7)) != expected["swimmer-deep"].settings
    assert saved(replace(commands["swimmer"], jobs=7)) == expected["swimmer-deep"].settings


def test_pictures_that_the_document_does_not_show_go(tmp_path):
    left(tmp_path, "alpha")
    figures = tmp_path / "docs" / "figures"
    (figures / "deeper").mkdir(parents=True)
    for name in ("old.png", "alpha-old.png", "note.txt", "deeper/old.png"):
        (figures / name).write_text("")
    (figures.parent / "noise.png").write_text("")
    write(tmp_path, figures.parent / "r.md", told("alpha"))
    assert {p.name for p in figures.iterdir()} == {"alpha-overview.png", "note.txt", "deeper"}
    assert (figures / "deeper" / "old.png").exists()
    assert (figures.parent / "noise.png").exists()


def test_nothing_to_tell_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"There is no study on its defaults in '.*' yet\. Run one"):
        write(tmp_path, tmp_path / "r.md", told("alpha"))


def test_an_unknown_study_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"There is no study 'alpa' to run\. There are: 'synthetic'"):
        Document(only=("alpa",), out=tmp_path).run()


@dataclass(frozen=True)
class Leaves:
    """A command that leaves a study, or fails."""

    out: Path
    name: str
    width: int = 8

    def run(self):
        if self.name == "bad":
            raise RuntimeError("no\nway")
        left(self.out, self.name, saved(self))


def test_a_study_that_fails_takes_no_other_with_it(tmp_path, monkeypatch, capsys):
    made = {name: Leaves(tmp_path / "runs", name) for name in ("bad", "good", "other")}
    monkeypatch.setattr(catalog, "invocations", lambda out: made)
    with pytest.raises(DataError, match=r"'bad' failed; the document tells of the others\."):
        Document(out=tmp_path / "runs", document=tmp_path / "r.md", only=("bad", "good")).run()
    assert "bad failed: RuntimeError: no way" in capsys.readouterr().out
    assert "## good" in (tmp_path / "r.md").read_text()
    assert "## other" not in (tmp_path / "r.md").read_text()


def test_the_document_can_be_written_without_running(tmp_path, monkeypatch, capsys):
    good, wide = Leaves(tmp_path / "runs", "good"), Leaves(tmp_path / "runs", "wide", width=9)
    good.run()
    wide.run()
    known = {"good": good, "wide": replace(wide, width=8), "bad": Leaves(good.out, "bad")}
    monkeypatch.setattr(catalog, "invocations", lambda out: known)
    Document(out=tmp_path / "runs", document=tmp_path / "r.md", run_studies=False).run()
    assert heads(tmp_path / "r.md") == ["good"]
    assert "! wide was run with other flags ('width')" in capsys.readouterr().out


def test_every_command_but_the_demo_the_document_and_those_for_own_files_is_run(tmp_path):
    run = {type(command) for command in catalog.invocations(tmp_path).values()}
    left_out = {"demo", "utkface", "cifar10"}
    assert run == {kind for name, kind in catalog.STUDIES.items() if name not in left_out}

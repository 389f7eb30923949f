"""The study of collapse and generalisation: which networks it reads, and what it says of those that are not there."""

from dataclasses import dataclass, replace

import pandas as pd
import pytest

from deepnrc.errors import DataError, UsageError
from experiments.claims import Inquiry
from experiments.studies import generalisation
from experiments.studies.family import Family
from experiments.studies.generalisation import Generalisation, Source


@pytest.fixture
def sources(study, setting, monkeypatch):
    """One study with another form and two decays, and another that nobody ran."""

    def make(name):
        form = {"apart": {"form": "a"}, "epochs": 1}
        planned = study(setting("other"), setting("none", **form), setting("some", 1e-2, **form), name=name)

        @dataclass(frozen=True, kw_only=True)
        class Tiny(Family):
            def inquiry(self):
                return Inquiry(planned)

        return Source(name, Tiny, {"form": "a"}), planned

    (here, planned), (nowhere, _) = make("here"), make("nowhere")
    monkeypatch.setattr(generalisation, "SOURCES", (here, nowhere))
    return planned


@pytest.fixture
def told(sources, swept, tmp_path, capsys):
    """What the command printed, and the folder of studies."""
    swept(replace(sources, settings=sources.settings[1:]), tmp_path / "here")
    capsys.readouterr()
    Generalisation(out=tmp_path, jobs=1, progress=False).run()
    return capsys.readouterr().out, tmp_path


def test_stored_networks_are_read_and_missing_ones_named(told):
    said, folder = told
    assert "! nowhere: 2 of 2 cells are missing. Run it with its defaults first: python -m experiments nowhere" in said
    assert said.count("] here: ") == 6
    tidy = pd.read_parquet(folder / "generalisation" / "table.parquet")
    assert tidy[["data", "setting", "seed"]].to_numpy().tolist() == [
        ["here", "none", 0],
        ["here", "some", 0],
    ]
    assert tidy[["error", "held-out error", "noise", "held-out noise", "dimension"]].notna().all(axis=None)
    page = (folder / "generalisation" / "index.html").read_text()
    assert "cells are missing" in page
    assert page.count('<figure class="drawn"') == 1


def test_without_any_networks_it_says_what_to_run(sources, tmp_path):
    with pytest.raises(DataError, match=r"no networks to read.*python -m experiments here"):
        Generalisation(out=tmp_path).run()
    with pytest.raises(UsageError, match="--jobs"):
        Generalisation(out=tmp_path, jobs=0).run()


def test_its_sources_are_the_studies_that_it_names():
    for source in generalisation.SOURCES:
        study = source.family().inquiries()[0].study
        mine = [setting for setting in study.settings if setting.has(source.facts) and setting.recipe.epochs]
        assert len({setting.recipe.weight_decay for setting in mine}) == len(mine) > 1
        assert study.name.startswith(source.name)

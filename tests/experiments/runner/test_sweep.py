"""Sweeps: what is run, what is kept, and that neither being killed nor running side by side changes a digit."""

import os
import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from pandas.testing import assert_frame_equal

from experiments.pages import sweeppage as pages
from experiments.runner import cells
from experiments.runner.sweep import Workers, sweep

ROOT = Path(__file__).parents[3]


@pytest.fixture
def calls(monkeypatch):
    """Titles of the cells that were run, in order."""
    titles, run = [], cells.run

    def counted(cell, *rest):
        titles.append(cell.title)
        run(cell, *rest)

    monkeypatch.setattr(cells, "run", counted)
    return titles


def test_every_setting_is_run_with_every_seed(study, swept, calls):
    results = swept(study(seeds=(0, 3)))
    assert calls == ["none, seed 0", "none, seed 3", "some, seed 0", "some, seed 3"]
    assert [(r["label"], r["seed"]) for r in results.records] == [("none", 0), ("none", 3), ("some", 0), ("some", 3)]
    assert set(results.table["weight_decay"]) == {0.0, 1e-2}


def test_an_unchanged_study_computes_nothing(study, swept, calls):
    first = swept(study()).table
    calls.clear()
    assert_frame_equal(swept(study()).table, first, check_exact=True)
    assert calls == []


def test_a_changed_setting_is_the_only_one_computed(study, setting, swept, calls):
    swept(study(setting("none"), setting("some", 1e-2)))
    calls.clear()
    swept(study(setting("none"), setting("some", 2e-2)))
    assert calls == ["some, seed 0"]


def test_a_further_seed_is_the_only_one_computed(study, swept, calls):
    swept(study(seeds=(0,)))
    calls.clear()
    swept(study(seeds=(0, 1)))
    assert calls == ["none, seed 1", "some, seed 1"]


def test_a_new_label_appears_without_computing(study, setting, swept, calls):
    swept(study(setting("old")))
    calls.clear()
    results = swept(study(setting("new", apart={"kind_of": 9.0})))
    assert calls == []
    assert set(results.table["setting"]) == {"new"}
    assert results.reports[0].runs == ["new, seed 0"]
    assert set(results.table["kind_of"]) == {9.0}
    assert (results.records[0]["label"], results.records[0]["title"]) == ("new", "new, seed 0")
    assert results.of_seed(0).runs == ["new"]
    assert [row["label"] for row in pages._settings(results)] == ["new"]


def test_two_names_for_one_configuration_are_computed_once(study, setting, swept, calls):
    results = swept(study(setting("a"), setting("b")))
    assert calls == ["a, seed 0"]
    a, b = (results.table.query("setting == @name")["value"].to_numpy() for name in "ab")
    np.testing.assert_array_equal(a, b)


def test_a_seed_decides_every_digit(study, swept, tmp_path):
    first = swept(study(seeds=(0, 1)), tmp_path / "a").table
    again = swept(study(seeds=(0, 1)), tmp_path / "b").table
    assert_frame_equal(first, again, check_exact=True)
    noise = first.query("measure == 'deep.noise_fraction'").groupby("seed")["value"]
    assert not np.isclose(noise.get_group(0).to_numpy(), noise.get_group(1).to_numpy()).any()


def test_as_many_side_by_side_as_one_wants(study, tmp_path, monkeypatch):
    monkeypatch.setattr(Workers, "threads", lambda self, total: 1)
    first, second = (sweep(study(seeds=(0, 1)), tmp_path / str(n), Workers(n), progress=False) for n in (1, 2))
    assert_frame_equal(first.table, second.table, check_exact=True)


def test_a_diverging_cell_leaves_the_others_alone(study, setting, swept, tmp_path):
    calm = setting("calm"), setting("calmer", 1e-2)
    alone = swept(study(*calm), tmp_path / "alone").table
    results = swept(study(calm[0], setting("wild", lr=1e6, epochs=30), calm[1]), tmp_path / "with")
    beside = results.table.query("setting != 'wild'").reset_index(drop=True)
    assert_frame_equal(beside, alone, check_exact=True)
    assert [r["diverged"] is not None for r in results.records] == [False, True, False]
    (warning,) = (w for w in pages.warnings(results) if "diverged" in w)
    assert warning.startswith("wild, seed 0 diverged: ")
    assert "Lower the learning rate (1e+06)" in warning


def test_leftovers_of_a_killed_sweep_are_cleaned(study, swept, tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    scratch = tmp_path / "cells" / f".0123abcd.{platform.node()}.{gone.pid}"
    scratch.mkdir(parents=True)
    (scratch / "table.parquet").write_text("half")
    (tmp_path / "cells" / ".DS_Store").write_text("")
    swept(study())
    assert not scratch.exists()
    assert len([p for p in (tmp_path / "cells").iterdir() if p.is_dir()]) == 2


@pytest.mark.parametrize(
    ("jobs", "cells_", "cores", "threads"), [(2, 9, 8, 4), (1, 9, 8, 8), (4, 1, 8, 8), (16, 32, 8, 1)]
)
def test_threads_are_shared_out(jobs, cells_, cores, threads, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert Workers(jobs).threads(cells_) == threads


def test_threads_do_not_depend_on_what_is_left_to_do(study, tmp_path, monkeypatch):
    seen, run = [], cells.run
    monkeypatch.setattr(
        cells, "run", lambda cell, data, store, threads, *rest: (seen.append(threads), run(cell, data, store, 1))
    )
    monkeypatch.setattr(Workers, "threads", lambda self, total: total)
    for seeds in ((0, 1), (0, 1, 2)):
        sweep(study(seeds=seeds), tmp_path, Workers(1), progress=False)
    assert seen == [4] * 4 + [6] * 2


def test_the_threads_of_this_process_are_put_back(study, swept):
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        swept(study())
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    assert torch.get_num_threads() == before


def test_threads_can_be_fixed_whatever_runs_side_by_side():
    assert [Workers(jobs, each=1).threads(8) for jobs in (1, 2, 8)] == [1, 1, 1]


@pytest.mark.parametrize("process", ["own", 1, "elsewhere"])
def test_what_a_living_worker_writes_is_left_alone(process, study, tmp_path):
    machine = "elsewhere" if process == "elsewhere" else platform.node()
    number = {"own": os.getpid(), "elsewhere": 99999999}.get(process, process)
    scratch = tmp_path / "cells" / f".0123abcd.{machine}.{number}"
    scratch.mkdir(parents=True)
    sweep(study(), tmp_path, Workers(1, each=1), progress=False)
    assert scratch.is_dir()

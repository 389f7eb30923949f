"""Sweeps: what is run, what is kept, and that neither being killed nor running side by side changes a digit."""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal
from tqdm.auto import tqdm

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


STUDY = """
import contextlib, importlib, json, os, random, signal, sys
from pathlib import Path
import torch
from experiments.data import LowRank
from experiments.networks import Mlp
from experiments.runner import Recipe, Setting, Study, Workers, cells, sweep

torch.set_num_threads(1)
data, folder = LowRank(rank=2, target_dim=4, input_dim=6, samples=60), Path(sys.argv[1])

def study(name, epochs=1, seeds=1):
    probe = {"rank": 2, "probes": ["deep.noise_fraction", "nrc.1"]}
    decays = [Recipe(weight_decay=decay, epochs=epochs, batch=30) for decay in (0.0, 1e-2)]
    settings = [Setting(data, Mlp((6, 6)), recipe, name=str(i), probe=probe) for i, recipe in enumerate(decays)]
    return Study(name, "Tiny.", settings, tuple(range(seeds)))
"""

KILLED = (
    STUDY
    + """
counted, last, run = [0], [None], cells.run

def step(*_):
    counted[0] += 1
    if counted[0] == last[0]:
        os.kill(os.getpid(), signal.SIGKILL)

def touched(name, about):
    if inside and (name in ("os.rename", "os.mkdir", "os.remove", "shutil.rmtree") or name == "open"):
        step()

def watched(*given):
    inside.append(1)
    run(*given)
    inside.clear()
    ends.append(counted[0])

inside, ends, cells.run = [], [], watched
sys.addaudithook(touched)  # wherever a cell opens, moves or removes a file, and at each pass of its network
torch.nn.modules.module.register_module_forward_hook(lambda *_: step() if inside else None)

def child(at, made, where):
    number = os.fork()
    if number:
        return os.WTERMSIG(os.waitpid(number, 0)[1])
    last[0] = at
    sweep(made, where, Workers(1, each=1), progress=False).table.to_parquet(where / "table.parquet", index=False)
    (where / "told").write_text(json.dumps([ends, list(sys.modules)]))
    os._exit(0)

def done():
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("killed/cells/[!.]*/cell.json")}

child(0, study("one"), folder / "cold")
for name in json.loads((folder / "cold/told").read_text())[1]:
    with contextlib.suppress(ImportError):  # here once, and not in each child again
        importlib.import_module(name)
child(0, study("one"), folder / "one")
(first, second), kept = json.loads((folder / "one/told").read_text())[0], {}
inside_one = [1 + i * (first - 2) // 19 for i in range(20)]
random.Random(0).shuffle(inside_one)
for at in [*inside_one[:10], first + 3, *inside_one[10:], (first + second) // 2]:
    assert child(at, study("killed", seeds=3), folder / "killed") == signal.SIGKILL, at
    assert done().items() >= kept.items(), "a cell that was done was lost or computed again"
    kept = done()
assert 2 <= len(kept) <= 4, kept
assert child(0, study("killed", seeds=3), folder / "killed") == 0
assert done().items() >= kept.items()
assert child(0, study("whole", seeds=3), folder / "whole") == 0
"""
)


def started(code, folder):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.slow
def test_killed_inside_cells_time_and_again_and_still_the_same_tables(tmp_path):
    """22 times, from the first to the last of what a cell does, each on top of what the ones before left behind."""
    process = started(KILLED, tmp_path)
    _, err = process.communicate()
    assert process.returncode == 0, err
    killed, whole = (pd.read_parquet(tmp_path / name / "table.parquet") for name in ("killed", "whole"))
    assert_frame_equal(killed, whole, check_exact=True)
    assert not killed.duplicated(["setting", "seed", "step", "layer", "measure", "variant"]).any()
    names = [{p.name for p in (tmp_path / name / "cells").iterdir()} for name in ("killed", "whole")]
    assert names[0] == names[1]
    assert len(names[0]) == 6  # 2 settings x 3 seeds, and no scratch


LONG = (
    STUDY
    + """
class Marked(Mlp):
    def build(self, data, seed):
        Path(os.environ["STARTED"], str(os.getpid())).touch()
        return super().build(data, seed)

Mlp = Marked
sweep(study("long", epochs=10**6), folder, Workers(2, each=1), progress=False)
"""
)


@pytest.mark.slow
def test_a_sweep_that_is_told_to_end_takes_its_workers_along(tmp_path, monkeypatch):
    (tmp_path / "started").mkdir()
    monkeypatch.setenv("STARTED", str(tmp_path / "started"))
    process = started(LONG, tmp_path)
    waited(lambda: len(list((tmp_path / "started").iterdir())) == 2 or process.poll() is not None)
    process.terminate()
    _, err = process.communicate()
    assert process.returncode == 143, err
    assert len(list((tmp_path / "started").iterdir())) == 2
    waited(lambda: not alive(process.pid))
    assert not alive(process.pid)
    assert not list((tmp_path / "cells").iterdir())


@pytest.mark.parametrize("ended", [KeyboardInterrupt, SystemExit])
def test_whatever_ends_a_sweep_ends_what_runs_side_by_side(study, tmp_path, monkeypatch, ended):
    seen = []

    def parallel(jobs):
        try:
            yield from jobs
        finally:
            seen.append("its workers were ended")

    def bar(*_, **__):
        raise ended

    monkeypatch.setattr(joblib, "Parallel", lambda **_: parallel)
    monkeypatch.setattr(tqdm, "update", bar)
    with pytest.raises(ended) as caught:
        sweep(study(), tmp_path, Workers(2), progress=False)
    assert caught
    assert seen == ["its workers were ended"]


def waited(condition, seconds=120):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)


def alive(group):
    """Whether a process of the group is there still."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


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

"""Sweeps that are killed or told to end: no digit changes, and nobody works on."""

import os
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from tqdm.std import tqdm

from experiments.runner.sweep import Workers, sweep

ROOT = Path(__file__).parents[3]
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

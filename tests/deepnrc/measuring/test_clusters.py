"""joblib's backends by name: refused where they are not there, the same digits where they are."""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pytest
import torch
from pandas.testing import assert_frame_equal
from torch import nn

import deepnrc
from deepnrc.errors import UsageError
from deepnrc.measuring import clusters
from deepnrc.measuring.clusters import backend

ROOT = Path(__file__).parents[3]


def enter(name):
    with backend(name, 2):
        pass


def test_a_typo_is_refused():
    with pytest.raises(UsageError, match=r"no backend 'lokey'\. Choose from loky, dask, ray"):
        enter("lokey")


@pytest.mark.parametrize(
    ("name", "package"), [("dask", r"pip install 'dask\[distributed\]'"), ("ray", "pip install 'ray'")]
)
def test_a_missing_package_is_said_with_its_command(name, package, monkeypatch):
    def missing(module):
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(clusters.importlib, "import_module", missing)
    with pytest.raises(UsageError, match=package) as refusal:
        enter(name)
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("module", ["distributed", "ray"])
def test_what_is_not_installed_here_is_refused_in_earnest(module):
    try:
        importlib.import_module(module)
    except ModuleNotFoundError:
        with pytest.raises(UsageError, match="pip install"):
            enter({"distributed": "dask"}.get(module, module))
    else:
        pytest.skip(f"{module} is installed")


def test_processes_need_nothing():
    with backend("loky", 2):
        assert joblib.Parallel(n_jobs=1)([joblib.delayed(abs)(-3)]) == [3]


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The file and the address of a scheduler that runs as a process of its own, with a worker in another."""
    pytest.importorskip("distributed")
    file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    told = {
        "scheduler": ["--port", "0", "--no-dashboard", "--no-show", "--host", "127.0.0.1"],
        "worker": ["--no-nanny", "--no-dashboard", "--nthreads", "1", "--host", "127.0.0.1"],
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", str(file), *arguments],
            env=environment, cwd=file.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for kind, arguments in told.items()
    ]  # fmt: skip
    try:
        for _ in range(600):
            if file.exists() and file.read_text().strip():
                break
            time.sleep(0.1)
        yield file, json.loads(file.read_text())["address"]
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait(60)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("named", ["file", "address", "environment"])
def test_a_scheduler_that_runs_elsewhere_measures_the_same(scheduler, tmp_path, named):
    file, address = scheduler
    given = {"file": file, "address": address, "environment": None}[named]
    net, data = nn.Sequential(nn.Linear(3, 2)), (torch.randn(20, 3), torch.randn(20, 2))
    torch.save(net.state_dict(), tmp_path / "net-4.pt")
    options = {"probes": ["deep.cka"], "progress": False}
    with importlib.import_module("dask.config").set({"scheduler-address": None if given else address}):
        there = deepnrc.probe_checkpoints(net, tmp_path, data, backend="dask", scheduler=given, **options)
    here = deepnrc.probe_checkpoints(net, tmp_path, data, **options)
    assert_frame_equal(there.table, here.table, check_exact=True)
    with pytest.raises(ValueError, match=r"(?i)no .*client found"):
        importlib.import_module("distributed").get_client()


def test_a_scheduler_that_does_not_answer_is_said(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(clusters, "CONNECT", 0.2)
    with (
        pytest.raises(UsageError, match=r"No Dask scheduler answers at tcp://127.0.0.1:9\. Start one there"),
        backend("dask", 2, "tcp://127.0.0.1:9"),
    ):
        pass


@pytest.mark.parametrize("name", ["loky", "ray"])
def test_a_scheduler_is_dasks(name):
    with pytest.raises(UsageError, match="scheduler is Dask's: take backend='dask'"), backend(name, 2, "tcp://a:1"):
        pass

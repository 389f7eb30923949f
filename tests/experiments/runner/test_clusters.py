"""joblib's backends by name: refused where they are not there, the same digits where they are."""

import importlib

import joblib
import pytest
from pandas.testing import assert_frame_equal

from deepnrc.errors import UsageError
from experiments.runner import clusters
from experiments.runner.clusters import backend
from experiments.runner.sweep import Workers, sweep
from experiments.studies.synthetic import Synthetic


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


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_local_dask_cluster_gives_the_same_table(tmp_path):
    distributed = pytest.importorskip("distributed")
    flags = {"weight_decay": (0.0, 1e-3), "seeds": 2, "epochs": 3, "samples": 100, "depth": 2, "width": 8}
    study = Synthetic(**flags).inquiry().study
    here = sweep(study, tmp_path / "here", Workers(1), progress=False)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        there = sweep(study, tmp_path / "there", Workers(2, "dask"), progress=False)
    assert_frame_equal(here.table, there.table, check_exact=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_dask_without_a_cluster_starts_one_and_stops_it(tmp_path, study):
    distributed = pytest.importorskip("distributed")
    results = sweep(study(), tmp_path, Workers(2, "dask"), progress=False)
    assert len(results.records) == 2
    with pytest.raises(ValueError, match=r"(?i)no .*client found"):
        distributed.get_client()

"""Sweeps on a Dask cluster: the same digits."""

import pytest
from pandas.testing import assert_frame_equal

from experiments.runner.sweep import Workers, sweep
from experiments.studies.synthetic import Synthetic


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

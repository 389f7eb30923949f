"""Sweeps on a Dask cluster: one that is connected, or one of their own, and the same digits."""

import pytest
from pandas.testing import assert_frame_equal

from deepnrc.measuring import backend
from experiments.runner.sweep import Workers, sweep


@pytest.mark.filterwarnings("default")
def test_a_cluster_that_is_connected_is_used(tmp_path, study):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        assert len(sweep(study(), tmp_path, Workers(1, "dask"), progress=False).records) == 2
        with backend("dask", 1):
            assert distributed.get_client().cluster is cluster


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_dask_without_a_cluster_starts_one_and_stops_it_and_gives_the_same_table(tmp_path, study):
    distributed = pytest.importorskip("distributed")
    here = sweep(study(), tmp_path / "here", Workers(1, each=1), progress=False)
    there = sweep(study(), tmp_path / "there", Workers(2, "dask", each=1), progress=False)
    assert_frame_equal(here.table, there.table, check_exact=True)
    with pytest.raises(ValueError, match=r"(?i)no .*client found"):
        distributed.get_client()

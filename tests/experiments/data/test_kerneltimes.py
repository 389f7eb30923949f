"""Run times: the file's columns, and products that are right, measured once, and nearly one target."""

import gc
import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from deepnrc.errors import DataError, UsageError
from experiments.data import products
from experiments.data.kerneltimes import KernelTimes
from experiments.data.products import CHOICES, run_times


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "deepnrc"


@pytest.fixture
def kernels(tmp_path):
    """A file in the form of UCI's, of 60 rows; and its frame."""
    g = np.random.default_rng(0)
    times = np.exp(g.normal(size=(60, 1)) + 0.01 * g.normal(size=(60, 4)))
    inputs = {f"P{i}": g.integers(0, 9, 60) for i in range(14)}
    frame = pd.DataFrame(inputs | {f"Run{i + 1} (ms)": times[:, i] for i in range(4)})
    frame.to_csv(tmp_path / "sgemm_product.csv", index=False)
    return str(tmp_path / "sgemm_product.csv"), frame


def test_times_are_measured_once(cache, monkeypatch):
    x, y = run_times(20)
    assert (x.shape, y.shape) == ((20, len(CHOICES)), (20, 4))
    assert len(CHOICES) == 14
    assert (y > 0).all()
    assert (y[:, 0] != y[:, 1]).any()  # four runs, not one
    assert [path.name for path in cache.iterdir()] == ["products-20-best-of-3.npz"]
    monkeypatch.setattr(products, "product", None)
    assert all(map(torch.equal, run_times(20), (x, y)))


def test_a_killed_measurement_leaves_nothing(cache, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(products, "product", killed)
    with pytest.raises(KeyboardInterrupt):
        run_times(5)
    assert list(cache.iterdir()) == []


def test_no_garbage_is_collected_while_times_are_taken(cache, monkeypatch):
    seen = []
    monkeypatch.setattr(products, "product", lambda *_: seen.append(gc.isenabled()))
    run_times(3)
    assert seen == [False] * 36
    assert gc.isenabled()


def test_a_run_is_the_fastest_of_three_in_turns(cache, monkeypatch):
    took = iter([5, 9, 9, 2, 4, 8, 3, 7, 6, 1, 9, 9])
    now = itertools.accumulate(step for t in took for step in (0, t))
    monkeypatch.setattr(products, "product", lambda *_: None)
    monkeypatch.setattr(products, "CLOCK", lambda: next(now) * 10**6)
    assert run_times(1)[1].tolist() == [[4, 1, 3, 2]]


def test_larger_products_take_longer(cache):
    x, y = run_times(60)
    work = x[:, :3].prod(1)
    assert torch.corrcoef(torch.stack((work.log(), y.mean(1).log())))[0, 1] > 0.2


def test_measured_targets_are_nearly_one(cache):
    values = KernelTimes(samples=60).spectrum()
    assert sum(values) == pytest.approx(4)
    assert values[0] > 4 / 1.2
    assert values[3] > 0


def test_a_folder_that_cannot_be_written_to_is_explained(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"cannot be kept in '.*file/deepnrc' \(.*\)\. Let XDG_CACHE_HOME name"):
        run_times(5)


def test_a_file_s_columns_in_ms_are_the_targets(kernels):
    file, frame = kernels
    data = KernelTimes(file, samples=None, targets="none").load(0)
    assert (data.x.shape, data.y.shape, data.y_test.shape) == ((48, 14), (48, 4), (12, 4))
    got = sorted(torch.cat((data.y, data.y_test)).tolist())
    np.testing.assert_allclose(got, sorted(frame.iloc[:, 14:].to_numpy().tolist()), rtol=1e-6)


def test_the_logarithm_is_taken_when_asked_for(kernels):
    plain, logged = (KernelTimes(kernels[0], None, log, "none").load(3).y for log in (False, True))
    torch.testing.assert_close(plain.log(), logged)


def test_the_seed_draws_the_split_only(kernels):
    first, again, other = (KernelTimes(kernels[0], 20, targets="none").load(seed) for seed in (0, 0, 1))
    assert torch.equal(first.y, again.y)
    assert not torch.equal(first.y, other.y)
    held = [sorted(torch.cat((data.y, data.y_test)).tolist()) for data in (first, other)]
    assert held[0] == held[1]


def test_what_holds_no_run_times_is_refused(kernels, tmp_path):
    file, frame = kernels
    with pytest.raises(ValueError, match=r"has 60 rows; 61 cannot be taken"):
        KernelTimes(file, 61).load(0)
    with pytest.raises(ValueError, match=r"at least 2 samples; 1 were asked for"):
        KernelTimes(file, 1).load(0)
    frame.assign(**{"Run1 (ms)": 0.0}).to_csv(tmp_path / "zero.csv", index=False)
    with pytest.raises(DataError, match=r"holds run times of 0 or less\. Drop those rows"):
        KernelTimes(str(tmp_path / "zero.csv")).load(0)
    frame.iloc[:, :16].to_csv(tmp_path / "two.csv", index=False)
    with pytest.raises(DataError, match=r"has 2 columns that end in '\(ms\)'; UCI's sgemm_product\.csv has four"):
        KernelTimes(str(tmp_path / "two.csv")).load(0)


def test_damaged_times_are_refused(cache):
    run_times(3)
    next(cache.iterdir()).write_bytes(b"")
    with pytest.raises(DataError, match=r"products-3.*\.npz' cannot be read .* Remove the file"):
        run_times(3)

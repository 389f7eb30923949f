"""Recordings and a user's own files as a study's data."""

import numpy as np
import pandas as pd
import pytest
import torch

from deepnrc.errors import DataError, UsageError
from experiments.data.recorded import OwnFile, Recorded
from experiments.data.shipped import load


def test_a_recording_is_split_and_standardised():
    data = Recorded("swimmer_1k").load(0)
    assert (data.x.shape, data.y.shape, data.x_test.shape) == ((800, 8), (800, 2), (200, 8))
    torch.testing.assert_close(data.y.std(0, correction=0), torch.ones(2))
    assert data.x.mean(0).abs().max() < 1e-5


def test_targets_may_keep_their_own_scale():
    raw = load("reacher_1k")[1]
    data = Recorded("reacher_1k", targets="none").load(0)
    assert sorted(torch.cat((data.y, data.y_test)).tolist()) == sorted(raw.tolist())


def test_the_first_pairs_are_taken():
    data = Recorded("reacher_1k", samples=50, targets="none", share=0.5).load(0)
    assert sorted(torch.cat((data.y, data.y_test)).tolist()) == sorted(load("reacher_1k")[1][:50].tolist())
    assert len(data.x) == 25


@pytest.mark.parametrize("samples", [0, -5, 1001])
def test_pairs_that_are_not_there_are_refused(samples):
    with pytest.raises(ValueError, match=rf"'reacher_1k' has 1000 pairs; {samples} cannot be taken"):
        Recorded("reacher_1k", samples=samples).load(0)


def test_the_seed_draws_the_split():
    first, again, other = (Recorded("reacher_1k").load(seed).x for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_typo_is_told_the_names():
    with pytest.raises(ValueError, match="Did you mean swimmer_1k"):
        Recorded("swimer_1k").load(0)


@pytest.fixture
def numbers():
    g = np.random.default_rng(0)
    return g.normal(size=(600, 3)), g.normal(size=(600, 2))


def test_an_npz_file(numbers, tmp_path):
    np.savez(tmp_path / "own.npz", x=numbers[0], y=numbers[1])
    data = OwnFile(str(tmp_path / "own.npz"), targets="none").load(0)
    np.testing.assert_allclose(
        sorted(torch.cat((data.y, data.y_test)).tolist()), sorted(numbers[1].tolist()), rtol=1e-6
    )
    assert data.x.dtype == data.y.dtype == torch.float32


@pytest.mark.parametrize(("suffix", "write"), [("csv", "to_csv"), ("parquet", "to_parquet")])
def test_a_table_with_its_target_columns(numbers, tmp_path, suffix, write):
    x, y = numbers
    table = pd.DataFrame({"u": y[:, 0], "a": x[:, 0], "b": x[:, 1], "v": y[:, 1]})
    getattr(table, write)(tmp_path / f"own.{suffix}", index=False)
    data = OwnFile(str(tmp_path / f"own.{suffix}"), columns=("u", "v"), targets="none").load(0)
    assert (data.x.shape, data.y.shape) == ((480, 2), (480, 2))
    np.testing.assert_allclose(sorted(torch.cat((data.y, data.y_test)).tolist()), sorted(y.tolist()), rtol=1e-6)


def test_a_single_target_becomes_a_column(numbers, tmp_path):
    for y in (numbers[1][:, 0], np.arange(600.0) % 7):
        np.savez(tmp_path / "own.npz", x=numbers[0], y=y)
        data = OwnFile(str(tmp_path / "own.npz"), targets="none").load(0)
        assert (data.y.shape, data.y.dtype) == ((480, 1), torch.float32)
        found = sorted(torch.cat((data.y, data.y_test)).flatten().tolist())
        np.testing.assert_allclose(found, sorted(y), rtol=1e-6)


def test_a_missing_file_or_column_is_refused(numbers, tmp_path):
    with pytest.raises(DataError, match="no file"):
        OwnFile(str(tmp_path / "none.npz")).load(0)
    pd.DataFrame(numbers[0], columns=list("abc")).to_csv(tmp_path / "own.csv", index=False)
    with pytest.raises((DataError, UsageError), match="zz"):
        OwnFile(str(tmp_path / "own.csv"), columns=("zz",)).load(0)


def test_pictures_are_no_rows(tmp_path):
    np.savez(tmp_path / "own.npz", x=np.zeros((6, 3, 4, 4)), y=np.zeros((6, 1)))
    with pytest.raises(DataError, match=r"inputs of shape \(6, 3, 4, 4\); rows of numbers \(N, d\) are needed"):
        OwnFile(str(tmp_path / "own.npz")).load(0)


def test_classes_are_not_regressed_on(tmp_path):
    np.savez(tmp_path / "c.npz", x=np.ones((9, 2)), y=np.arange(9) % 3)
    with pytest.raises(DataError, match="are classes"):
        OwnFile(str(tmp_path / "c.npz")).load(0)
    (tmp_path / "c.csv").write_text("a,b,c\n" + "".join(f"{i * i % 7},{i % 3},{'xyz'[i % 3]}\n" for i in range(9)))
    classes = pytest.warns(UserWarning, match="holds words, which are read as 3 classes")
    with classes, pytest.raises(DataError, match="are classes, which have no order to regress on"):
        OwnFile(str(tmp_path / "c.csv"), ("c",)).load(0)

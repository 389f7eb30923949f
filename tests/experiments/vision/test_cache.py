import numpy as np
import pytest

from deepnrc.errors import DataError
from experiments.vision.cache import cached, folder


def test_arrays_are_made_once(tmp_path):
    made = []

    def make():
        made.append(1)
        return {"x": np.arange(3)}

    for _ in range(2):
        assert cached("some", make, tmp_path)["x"].tolist() == [0, 1, 2]
    assert made == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["some.npz"]


def test_a_making_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="stop"):
        cached("some", lambda: (_ for _ in ()).throw(RuntimeError("stop")), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "some.npz").write_bytes(b"PK\x03\x04 not all of it")
    with pytest.raises(DataError, match=r"some\.npz' cannot be read .* Remove the file"):
        cached("some", dict, tmp_path)


def test_the_folder_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == tmp_path / "deepnrc"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert folder() == tmp_path / "home/.cache/deepnrc"


def test_a_writing_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fails(*paths):
        raise OSError("full")

    monkeypatch.setattr("experiments.vision.cache.os.replace", fails)
    with pytest.raises(OSError, match="full"):
        cached("some", lambda: {"x": np.arange(3)}, tmp_path)
    assert list(tmp_path.iterdir()) == []

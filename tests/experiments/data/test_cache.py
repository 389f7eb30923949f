import numpy as np
import pytest

from deepnrc.errors import DataError, UsageError
from experiments.data.cache import cached, folder


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


@pytest.mark.parametrize("content", [b"PK\x03\x04 not all of it", b"", b"text"])
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path, content):
    (tmp_path / "some.npz").write_bytes(content)
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

    monkeypatch.setattr("experiments.data.cache.os.replace", fails)
    with pytest.raises(UsageError, match=r"cannot be kept in '.*' \(full\)\. Give a folder with room"):
        cached("some", lambda: {"x": np.arange(3)}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_found_before_anything_is_made(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    made = []
    with pytest.raises(UsageError, match=r"cannot be kept in '.*file/deepnrc' \(.*\)\. Let XDG_CACHE_HOME name"):
        cached("some", lambda: made.append(1) or {})
    assert made == []


def test_what_fails_in_the_making_is_told_as_it_is(tmp_path):
    def make():
        raise FileNotFoundError("no simulator")

    with pytest.raises(FileNotFoundError, match="no simulator"):
        cached("some", make, tmp_path)
    assert list(tmp_path.iterdir()) == []

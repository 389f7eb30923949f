import os
import sys
from pathlib import Path

import pytest

from deepnrc.table.places import alone, beside, coming, leftovers, put


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_come_to_their_places_and_nothing_else_stays(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"old and longer")
    put(tmp_path, {"a": b"1", "b": b"2"})
    assert names(tmp_path) == ["a", "b"]
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"1", b"2"]


@pytest.mark.parametrize("failing", [1, 2])
def test_where_one_cannot_be_written_nothing_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    put(tmp_path, {"a": b"old"})
    write, calls = Path.write_bytes, iter(range(1, 9))

    def full(path: Path, content: bytes) -> int:
        written = write(path, content[:1])
        if next(calls) == failing:
            raise OSError(28, "No space left on device")
        return written

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        put(tmp_path, {"a": b"new", "b": b"new"})
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_what_is_cut_short_between_two_places_is_found_beside_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"a": b"old", "b": b"old"})
    replace = Path.replace

    def cut(path: Path, target: Path) -> Path:
        if target.name == "b":
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        put(tmp_path, {"a": b"new", "b": b"new"})
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"new", b"old"]
    (token,) = beside(tmp_path, "b")
    assert beside(tmp_path, "a") == []
    assert leftovers(tmp_path) == [coming(tmp_path, "b", token)]
    assert leftovers(tmp_path)[0].read_bytes() == b"new"


def test_two_writers_wait_under_names_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = []
    monkeypatch.setattr(Path, "replace", lambda path, target: waiting.append(path.name))
    put(tmp_path, {"a": b"1"})
    put(tmp_path, {"a": b"2"})
    assert len(set(waiting)) == 2
    assert sorted(beside(tmp_path, "a")) == sorted(name[3:-4] for name in waiting)


def test_the_second_writer_of_a_folder_waits_for_the_first(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with alone(tmp_path), pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it went with the block
    os.close(descriptor)


def test_a_lock_goes_when_its_writer_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), alone(tmp_path):
        raise ZeroDivisionError
    with alone(tmp_path):
        put(tmp_path, {"a": b"1"})


def test_without_locks_a_folder_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with alone(tmp_path):
        put(tmp_path, {"a": b"1"})
    with alone(tmp_path / "absent"):
        pass
    assert names(tmp_path) == ["a"]

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from deepnrc.errors import UsageError
from deepnrc.table.files.places import alone, beside, coming, leftovers, put, write_whole


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


@pytest.mark.parametrize("action", ["write_bytes", "replace", "mkdir"])
@pytest.mark.parametrize("failing", [1, 2])
def test_of_files_that_cannot_be_written_the_old_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, failing: int
) -> None:
    places = [tmp_path / "a", tmp_path / "b"]
    write_whole(dict.fromkeys(places, b"old"), "The page")
    real, calls = getattr(Path, action), iter(range(1, 9))

    def full(path: Path, *given: bytes, **options: bool) -> object:
        if next(calls) == failing:
            if action == "write_bytes":
                real(path, given[0][:1])
            raise OSError(28, "No space left on device")
        return real(path, *given, **options)

    monkeypatch.setattr(Path, action, full)
    words = (
        r"The page cannot be written to '.*[ab]' \(No space left on device\)\. Name a file .*, with room on its disk\."
    )
    with pytest.raises(UsageError, match=words):
        write_whole(dict.fromkeys(places, b"new"), "The page")
    assert names(tmp_path) == ["a", "b"]
    there = [path.read_bytes() for path in places]
    assert there == ([b"new", b"old"] if (action, failing) == ("replace", 2) else [b"old", b"old"])


@pytest.mark.parametrize("name", ["a", "page." + "x" * 250, "\x1b[2J"])
def test_any_name_will_do_and_an_interrupt_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "new" / name
    write_whole({path: b"old"}, "The page")
    write, real = [], Path.write_bytes

    def interrupted(path: Path, content: bytes) -> int:
        write.append(path)
        real(path, content[:1])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole({path: b"new"}, "The page")
    assert write[0].parent == path.parent
    assert names(tmp_path / "new") == [name]
    assert path.read_bytes() == b"old"


def test_a_link_and_permissions_stay_and_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "page").write_bytes(b"old")
    (tmp_path / "far" / "page").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "page")
    (tmp_path / "dangling").symlink_to(tmp_path / "far" / "new")
    write_whole({tmp_path / "link": b"1", tmp_path / "dangling": b"2", Path(os.devnull): b"3"}, "The page")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far" / "page").read_bytes() == b"1"
    assert (tmp_path / "far" / "page").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "far" / "new").read_bytes() == b"2"
    assert Path(os.devnull).is_char_device()


def test_a_file_that_may_not_be_written_to_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page").write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"page' \(Permission denied\)\. Name a file that you may write to"):
        write_whole({tmp_path / "page": b"new"}, "The page")
    assert (tmp_path / "page").read_bytes() == b"old"


def test_what_a_killed_writer_left_is_cleared_and_a_living_ones_stays(tmp_path):
    gone = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True).stdout.strip()
    left = tmp_path / f".{platform.node()}.{gone}-0a0a0a0a.part"
    others = [f".{platform.node()}.{os.getpid()}-0a0a0a0a.part", f".elsewhere.{gone}-0a0a0a0a.part", ".mine.part"]
    for name in (left.name, *others):
        (tmp_path / name).write_bytes(b"half")
    write_whole({tmp_path / "page": b"new"}, "The page")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "page"])

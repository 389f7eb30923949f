"""Saves that fail, that are cut short, and that meet others."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import deepnrc
from deepnrc import Report, UsageError
from deepnrc.table.files import storage

Make = Callable[..., Report]
NAMES = ["manifest.json", "spectra.parquet", "table.parquet"]


def _denied(*_: Any, **__: Any) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("action", ["mkdir", "write_bytes", "replace"])
def test_a_folder_that_cannot_be_written_to_is_refused(
    report: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(Path, action, _denied)
    with pytest.raises(
        UsageError, match=r"cannot be written to '.*new' \(Permission denied\)\. Name a folder that you"
    ):
        report().save(tmp_path / "new")


def test_a_folder_without_permission_is_refused_before_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.os, "access", lambda *_: False)
    with pytest.raises(UsageError, match=r"cannot be written to\. Name a folder that you may write to\."):
        storage.writable(tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("action", ["write_bytes", "replace"])
@pytest.mark.parametrize("good", range(3))
@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["disk", "ctrl-c"]
)
def test_a_save_that_fails_leaves_a_whole_report(
    report: Make, saved: Path, monkeypatch: pytest.MonkeyPatch, action: str, good: int, failure: BaseException
) -> None:
    """Cut short before, between or after any of its steps; what is there is the old report or the new one."""
    real, calls = getattr(Path, action), []

    def failing(self: Path, *args: Any) -> Any:
        calls.append(self)
        if len(calls) > good:
            if action == "write_bytes":
                real(self, args[0][:10])
            raise failure
        return real(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Path, action, failing)
        with pytest.raises((UsageError, KeyboardInterrupt)):
            report(values=(1.0, 2.0)).save(saved, replace=True)
    new = action == "replace" and good > 0
    assert deepnrc.load(saved).table["value"].iloc[0] == (1.0 if new else 0.25)
    assert deepnrc.load(saved).spectra["value"].iloc[0] == (1.0 if new else 0.25)
    report(values=(3.0,)).save(saved, replace=True)
    assert deepnrc.load(saved).table["value"].tolist() == [3.0]
    assert deepnrc.load(saved).spectra["value"].tolist() == [3.0, 1e-300]
    assert sorted(path.name for path in saved.iterdir()) == NAMES


@pytest.mark.parametrize("first", range(3))
@pytest.mark.parametrize("then", range(7))
def test_two_saves_that_fail_one_after_the_other_leave_a_whole_report(
    report: Make, saved: Path, monkeypatch: pytest.MonkeyPatch, first: int, then: int
) -> None:
    """The second of them must not write over what the first left on its way."""
    replace, write = Path.replace, Path.write_bytes
    left: list[int] = []

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(self: Path, *args: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return real(self, *args)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted(replace))
        patch.setattr(Path, "write_bytes", counted(write))
        for number, steps in ((1.0, 3 + first), (2.0, then)):
            left[:] = [steps]
            with pytest.raises(KeyboardInterrupt):
                report(values=(number, number)).save(saved, replace=True)
    loaded = deepnrc.load(saved)
    assert loaded.table["value"].iloc[0] == loaded.spectra["value"].iloc[0]
    assert loaded.table["value"].iloc[0] in (0.25, 1.0, 2.0)


def test_two_writers_and_a_reader_meet_whole_reports(report: Make, tmp_path: Path) -> None:
    """In processes of their own: whatever is loaded is one of the reports, table and spectra."""
    report(values=(0.0,)).save(tmp_path)
    code = (
        "import sys; from conftest import made\n"
        "for i in range(1, 25): made(values=(float(sys.argv[1]) + i,)).save(sys.argv[2], replace=True)"
    )
    here = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, str(Path(here).parents[3])])}
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(base), str(tmp_path)], env=environment) for base in (100, 200)
    ]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        loaded = deepnrc.load(tmp_path)
        assert loaded.table["value"].iloc[0] == loaded.spectra["value"].iloc[0]
        seen.add(loaded.table["value"].iloc[0])
    assert [writer.returncode for writer in writers] == [0, 0]
    assert deepnrc.load(tmp_path).table["value"].iloc[0] in (124.0, 224.0)
    assert len(seen) > 2
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES


def test_a_reader_waits_for_a_writer_that_is_between_two_places(
    report: Make, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the reader reads the manifest, and the writer then puts all of its files in their places."""
    read, once = storage.manifest_at, iter([True])

    def overtaken(folder: Path, path: Path) -> dict[str, Any]:
        found = read(folder, path)
        if next(once, False):
            report(values=(1.0, 2.0)).save(saved, replace=True)
        return found

    monkeypatch.setattr(storage, "manifest_at", overtaken)
    assert deepnrc.load(saved).table["value"].tolist() == [1.0, 2.0]


def test_what_fails_leaves_no_file_of_its_own(report: Make, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _denied)
        with pytest.raises(UsageError):
            report(values=(1.0,)).save(saved, replace=True)
    report(values=(2.0,)).save(saved, replace=True)
    assert sorted(path.name for path in saved.iterdir()) == NAMES

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import deepnrc
from deepnrc import DataError, Report, UsageError
from deepnrc.measuring.finishing import readings
from deepnrc.table import COLUMNS, no_spectra, storage

NAMES = ["manifest.json", "spectra.parquet", "table.parquet"]


def report(run: str = "a", step: int = 0, values: tuple[float, ...] = (0.25, np.nan, np.inf, -0.0)) -> Report:
    """A row for each value; every missing thing that a table may hold is in it."""
    rows = [
        {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
        | dict.fromkeys(["depth", "n_samples", "dim", "target_dim"], i)
        | {"run": run, "step": step, "layer": str(i), "measure": "m", "variant": "default", "status": "ok"}
        | {
            "value": value,
            "rank": None if i % 2 else 3,
            "chance": None,
            "chance_high": None,
            "corrected": None,
            "low": None,
            "high": None,
            "floor": 1e-300,
            "note": "β, \"'",
        }
        for i, value in enumerate(values)
    ]
    record = {"run": run, "step": step, "arguments": {"rank": None, "layers": ["a", "b"]}}
    place = {"run": run, "step": step, "depth": 0, "layer": "0"}
    eigenvalues = torch.tensor([*np.abs(values), 1e-300], dtype=torch.float64)
    return Report.of(
        rows, [record], readings.frame([readings.SpectralReading("features", eigenvalues, np.nan, None, place)])
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return report().save(tmp_path / "saved")


def test_what_was_saved_is_what_is_loaded_bit_for_bit(saved: Path) -> None:
    original, loaded = report(), deepnrc.load(saved)
    pd.testing.assert_frame_equal(loaded.table, original.table, check_exact=True)
    assert np.signbit(loaded.table["value"].iloc[3])
    assert loaded.provenance == original.provenance
    pd.testing.assert_frame_equal(loaded.spectra, original.spectra, check_exact=True)


def test_a_measured_report_survives_saving(tmp_path: Path) -> None:
    measured = deepnrc.probe(nn.Sequential(nn.Linear(3, 2)), (torch.randn(9, 3), torch.randn(9, 2)), progress=False)
    loaded = deepnrc.load(measured.save(tmp_path / "new" / "folder"))
    pd.testing.assert_frame_equal(loaded.table, measured.table, check_exact=True)
    assert loaded.provenance == measured.provenance
    assert len(measured.spectra) > 0
    pd.testing.assert_frame_equal(loaded.spectra, measured.spectra, check_exact=True)
    assert str(loaded) == str(measured)


def test_the_folder_holds_three_files_and_no_pickle(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == NAMES
    for path in saved.iterdir():
        assert b"sklearn" not in path.read_bytes()
        with pytest.raises((pickle.UnpicklingError, ValueError, EOFError, KeyError, IndexError)):
            pickle.loads(path.read_bytes())
    manifest = json.loads((saved / "manifest.json").read_text())
    assert manifest["format"] == 1
    assert manifest["table"]["rows"] == 4
    assert manifest["spectra"]["rows"] == 5
    for name in ("table", "spectra"):
        content = (saved / f"{name}.parquet").read_bytes()
        assert manifest[name]["sha256"] == storage.hashlib.sha256(content).hexdigest()


def test_saving_again_replaces(saved: Path) -> None:
    report(values=(1.0, 2.0)).save(saved)
    assert deepnrc.load(saved).table["value"].tolist() == [1.0, 2.0]


def test_provenance_that_json_cannot_hold_is_saved_as_plain_values(tmp_path: Path) -> None:
    one = Report(report().table, ({"run": "a", "step": 0, "rate": np.float32(0.5), "dtype": torch.float16},))
    record = deepnrc.load(one.save(tmp_path / "x")).provenance[0]
    assert record["rate"] == 0.5
    assert record["dtype"] == "torch.float16"


def test_several_folders_become_one_report(tmp_path: Path) -> None:
    folders = [report(run).save(tmp_path / f"folder_{run}") for run in "ba"]
    both = deepnrc.load(*folders)
    assert both.runs == ["b", "a"]
    assert len(both.table) == 8


def test_runs_of_one_label_are_told_apart_by_their_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("decay", "none", "old/decay"):
        report().save(tmp_path / name)
    assert deepnrc.load(tmp_path / "decay", tmp_path / "none").runs == ["decay", "none"]
    both = deepnrc.load(tmp_path / "decay", tmp_path / "old" / "decay")
    assert both.runs == [f"{tmp_path.name}/decay", "old/decay"]
    assert [record["run"] for record in both.provenance] == both.runs
    monkeypatch.chdir(tmp_path / "decay")
    assert deepnrc.load(".", "../none").runs == ["decay", "none"]


def test_one_folder_twice_and_none_are_refused(saved: Path) -> None:
    with pytest.raises(UsageError, match=r"The report '.*saved' is named twice\. Name each once\."):
        deepnrc.load(saved, saved.parent / "saved")
    with pytest.raises(UsageError, match=r"load\(\) needs at least one folder that Report\.save wrote\."):
        deepnrc.load()


def test_clashing_reports_of_several_runs_are_refused(tmp_path: Path) -> None:
    (report("a") + report("b")).save(tmp_path / "both")
    report("a").save(tmp_path / "one")
    assert deepnrc.load(tmp_path / "both", tmp_path / "one").runs == ["a", "b", "one"]
    (report("a", 0) + report("c")).save(tmp_path / "more")
    with pytest.raises(UsageError, match="Run 'a', step 0, is in more than one report"):
        deepnrc.load(tmp_path / "both", tmp_path / "more")


def test_a_report_from_before_spectra_were_kept_has_an_empty_table_of_them(saved: Path) -> None:
    manifest = json.loads((saved / "manifest.json").read_text())
    del manifest["spectra"]
    (saved / "manifest.json").write_text(json.dumps(manifest))
    (saved / "spectra.parquet").unlink()
    loaded = deepnrc.load(saved)
    pd.testing.assert_frame_equal(loaded.table, report().table, check_exact=True)
    assert loaded.spectra.empty
    pd.testing.assert_frame_equal(loaded.spectra, no_spectra())
    both = loaded + report("b")
    pd.testing.assert_frame_equal(both.spectra, report("b").spectra)
    pd.testing.assert_frame_equal(deepnrc.load(both.save(saved)).spectra, both.spectra)


def _damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm",
    [
        _damage,
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"hello"),
        lambda path: report(values=(9.0,)).table.to_parquet(path),
    ],
    ids=["one bit", "cut short", "empty", "other", "another table"],
)
@pytest.mark.parametrize("name", ["table", "spectra"])
def test_a_table_that_its_manifest_does_not_describe_is_refused(
    saved: Path, harm: Callable[[Path], Any], name: str
) -> None:
    harm(saved / f"{name}.parquet")
    with pytest.raises(
        DataError,
        match=rf"{name}\.parquet in '.*saved' is not the one .* cut short, damaged or changed\. Measure and save",
    ):
        deepnrc.load(saved)


def _described(folder: Path, data: bytes, name: str = "table") -> None:
    """Put `data` in a table's place with a manifest that agrees with it."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[name]["sha256"] = storage.hashlib.sha256(data).hexdigest()
    (folder / f"{name}.parquet").write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_file_that_is_no_report_s_table_is_refused(saved: Path) -> None:
    for data in (
        b"hello",
        report().table.drop(columns="floor").to_parquet(),
        report().table.assign(step="x").to_parquet(),
        report().table.assign(step=None).to_parquet(),
        report().table.assign(step=[[1]] * 4).to_parquet(),
    ):
        _described(saved, data)
        with pytest.raises(DataError, match=r"table\.parquet in '.*saved' is no report's table \(.*\)\. Measure and"):
            deepnrc.load(saved)


def test_a_file_that_holds_no_spectra_is_refused(saved: Path) -> None:
    for data in (b"hello", report().spectra.drop(columns="rest").to_parquet(), report().table.to_parquet()):
        _described(saved, data, "spectra")
        with pytest.raises(DataError, match=r"spectra\.parquet in '.*saved' is no report's table \(.*\)\. Measure and"):
            deepnrc.load(saved)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"is damaged \(Expecting value"),
        (b'{"format": 1', r"is damaged \(Expecting"),
        (b"\xff\xfe\x00", r"is damaged \('utf-8' codec"),
        (b"[]", "is not a report's: it holds a list where a JSON object should be"),
        (b"7", "is not a report's: it holds a int where"),
        (b"null", "is not a report's: it holds a NoneType where"),
        (b"{}", "is not a report's: its entry 'format' is missing or no whole number"),
        (b'{"format": "1"}', "its entry 'format' is missing or no whole number"),
        (b'{"format": 1}', "its entry 'table' is missing or has no checksum"),
        (b'{"format": 1, "table": []}', "its entry 'table' is missing or has no checksum"),
        (b'{"format": 1, "table": {"sha256": 3}}', "its entry 'table' is missing or has no checksum"),
        (b'{"format": 1, "table": {"sha256": ""}, "spectra": []}', "its entry 'spectra' is missing or has no checksum"),
        (b'{"format": 1, "table": {"sha256": ""}}', "its entry 'measurements' is missing or is no list of records"),
        (b'{"format": 1, "table": {"sha256": ""}, "measurements": [3]}', "its entry 'measurements' is missing or is"),
        (b'{"format": 1, "table": {"sha256": ""}, "measurements": [{}]}', "no list of records with a run and a step"),
    ],
)
def test_a_damaged_manifest_is_refused(saved: Path, content: bytes, words: str) -> None:
    (saved / "manifest.json").write_bytes(content)
    with pytest.raises(DataError, match=rf"manifest\.json in '.*saved' {words}|{words}") as caught:
        deepnrc.load(saved)
    assert "manifest.json in '" in str(caught.value)
    assert "Measure and save the report again." in str(caught.value)


def test_a_newer_format_asks_for_an_upgrade(saved: Path) -> None:
    (saved / "manifest.json").write_text('{"format": 3, "tables": []}')
    with pytest.raises(DataError, match=r"saved by a newer DeepNRC \(format 3; this one reads 2\)\. Upgrade"):
        deepnrc.load(saved)


def test_a_folder_that_is_no_report_is_refused(saved: Path, tmp_path: Path) -> None:
    for name in ("spectra", "table"):
        (saved / f"{name}.parquet").unlink()
        with pytest.raises(
            DataError, match=rf"'.*saved' has no readable {name}\.parquet \(No such file or directory\)"
        ):
            deepnrc.load(saved)
    words = r"is not a saved report: it has no readable manifest\.json \({}\)\. Name a folder that Report\.save\(\) or"
    for folder, reason in (
        (tmp_path, "No such file or directory"),
        (tmp_path / "absent", "No such file or directory"),
        (saved / "manifest.json", "Not a directory"),
    ):
        with pytest.raises(DataError, match=words.format(reason)):
            deepnrc.load(folder)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(UsageError, match=r"'.*file' is a file where a folder is needed\. Name another one\."):
            report().save(folder)


def _denied(*_: Any, **__: Any) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("action", ["mkdir", "write_bytes", "replace"])
def test_a_folder_that_cannot_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str
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
    saved: Path, monkeypatch: pytest.MonkeyPatch, action: str, good: int, failure: BaseException
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
            report(values=(1.0, 2.0)).save(saved)
    new = action == "replace" and good > 0
    assert deepnrc.load(saved).table["value"].iloc[0] == (1.0 if new else 0.25)
    assert deepnrc.load(saved).spectra["value"].iloc[0] == (1.0 if new else 0.25)
    report(values=(3.0,)).save(saved)
    assert deepnrc.load(saved).table["value"].tolist() == [3.0]
    assert deepnrc.load(saved).spectra["value"].tolist() == [3.0, 1e-300]
    assert sorted(path.name for path in saved.iterdir()) == NAMES


@pytest.mark.parametrize("first", range(3))
@pytest.mark.parametrize("then", range(7))
def test_two_saves_that_fail_one_after_the_other_leave_a_whole_report(
    saved: Path, monkeypatch: pytest.MonkeyPatch, first: int, then: int
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
                report(values=(number, number)).save(saved)
    loaded = deepnrc.load(saved)
    assert loaded.table["value"].iloc[0] == loaded.spectra["value"].iloc[0]
    assert loaded.table["value"].iloc[0] in (0.25, 1.0, 2.0)


def test_a_manifest_left_over_from_another_save_does_not_excuse_a_changed_table(saved: Path) -> None:
    manifest = saved / "manifest.json"
    for left_over in (manifest.read_bytes(), b"{"):
        (saved / ".manifest.json.1-ab.new").write_bytes(left_over)
        assert len(deepnrc.load(saved).table) == 4
        data = (saved / "table.parquet").read_bytes()
        (saved / "table.parquet").write_bytes(data[:-1])
        with pytest.raises(DataError, match="is not the one that its manifest"):
            deepnrc.load(saved)
        (saved / "table.parquet").write_bytes(data)


def test_a_report_can_be_moved(saved: Path, tmp_path: Path) -> None:
    shutil.move(saved, tmp_path / "elsewhere")
    assert len(deepnrc.load(tmp_path / "elsewhere").table) == 4


def test_two_writers_and_a_reader_meet_whole_reports(tmp_path: Path) -> None:
    """In processes of their own: whatever is loaded is one of the reports, table and spectra."""
    report(values=(0.0,)).save(tmp_path)
    code = (
        "import sys; from test_storage import report\n"
        "for i in range(1, 25): report(values=(float(sys.argv[1]) + i,)).save(sys.argv[2])"
    )
    here = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, str(Path(here).parents[2])])}
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


def test_a_reader_waits_for_a_writer_that_is_between_two_places(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the reader reads the manifest, and the writer then puts all of its files in their places."""
    read, once = storage.manifest_at, iter([True])

    def overtaken(folder: Path, path: Path) -> dict[str, Any]:
        found = read(folder, path)
        if next(once, False):
            report(values=(1.0, 2.0)).save(saved)
        return found

    monkeypatch.setattr(storage, "manifest_at", overtaken)
    assert deepnrc.load(saved).table["value"].tolist() == [1.0, 2.0]


def test_what_fails_leaves_no_file_of_its_own(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _denied)
        with pytest.raises(UsageError):
            report(values=(1.0,)).save(saved)
    report(values=(2.0,)).save(saved)
    assert sorted(path.name for path in saved.iterdir()) == NAMES

"""Files that are damaged, of another kind or from another save, and folders that are no report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import deepnrc
from deepnrc import DataError, Report, UsageError
from deepnrc.table.files.manifest import checksum

Make = Callable[..., Report]


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
        lambda path: pd.read_parquet(path).iloc[:1].to_parquet(path),
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
    manifest[name]["sha256"] = checksum(data)
    (folder / f"{name}.parquet").write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_file_that_is_no_report_s_table_is_refused(report: Make, saved: Path) -> None:
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


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (lambda table: pd.concat([table, table.iloc[:1]]), r"m of '0' stands in it twice for run 'a', step 0"),
        (lambda table: pd.concat([table, table.assign(value=7.0)]), "stands in it twice"),
        (lambda table: table.assign(layer="0", depth=0), "stands in it twice"),
        (lambda table: table.assign(run="b"), "it holds no row of run 'a'"),
        (lambda table: table.iloc[:0], "it holds no row of run 'a'"),
    ],
)
def test_doubled_rows_and_missing_runs_are_refused(report: Make, saved: Path, damaged: Any, words: str) -> None:
    table = damaged(report().table)
    _described(saved, table.to_parquet())
    with pytest.raises(DataError, match=rf"The table in '.*saved' is damaged: .*{words}.*Measure and save the report"):
        deepnrc.load(saved)
    with pytest.raises(UsageError, match=rf"A table cannot be saved as it is: .*{words}"):
        deepnrc.Report(table, report().provenance).save(saved, replace=True)


def test_a_file_that_holds_no_spectra_is_refused(report: Make, saved: Path) -> None:
    for data in (b"hello", report().spectra.drop(columns="rest").to_parquet(), report().table.to_parquet()):
        _described(saved, data, "spectra")
        with pytest.raises(DataError, match=r"spectra\.parquet in '.*saved' is no report's table \(.*\)\. Measure and"):
            deepnrc.load(saved)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"is damaged \(Expecting value"),
        (b'{"format": 1', r"is damaged \(Expecting"),
        (b'{"format": 1, "table": ' + b"[" * 10**5, r"is damaged \(maximum recursion depth"),
        (b'{"a":' * 10**5, r"is damaged \(maximum recursion depth"),
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


def test_a_folder_that_is_a_file_is_refused(report: Make, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(UsageError, match=r"'.*file' is a file where a folder is needed\. Name another one\."):
            report().save(folder)


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

"""What is saved is what is loaded, of one report or of several."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import deepnrc
from deepnrc import Report, UsageError
from deepnrc.table import no_spectra
from deepnrc.table.files.manifest import checksum

Make = Callable[..., Report]
NAMES = ["manifest.json", "spectra.parquet", "table.parquet"]


def test_what_was_saved_is_what_is_loaded_bit_for_bit(report: Make, saved: Path) -> None:
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
        assert manifest[name]["sha256"] == checksum(content)


def test_saving_again_replaces_where_it_may(report: Make, saved: Path) -> None:
    with pytest.raises(UsageError, match=r"holds a report already\. Name another folder, or say replace=True"):
        report(values=(1.0, 2.0)).save(saved)
    assert len(deepnrc.load(saved).table) == len(report().table)
    report(values=(1.0, 2.0)).save(saved, replace=True)
    assert deepnrc.load(saved).table["value"].tolist() == [1.0, 2.0]


def test_provenance_that_json_cannot_hold_is_saved_as_plain_values(report: Make, tmp_path: Path) -> None:
    one = Report(report().table, ({"run": "a", "step": 0, "rate": np.float32(0.5), "dtype": torch.float16},))
    record = deepnrc.load(one.save(tmp_path / "x")).provenance[0]
    assert record["rate"] == 0.5
    assert record["dtype"] == "torch.float16"


def test_several_folders_become_one_report(report: Make, tmp_path: Path) -> None:
    folders = [report(run).save(tmp_path / f"folder_{run}") for run in "ba"]
    both = deepnrc.load(*folders)
    assert both.runs == ["b", "a"]
    assert len(both.table) == 8


def test_runs_of_one_label_are_told_apart_by_their_folders(
    report: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_clashing_reports_of_several_runs_are_refused(report: Make, tmp_path: Path) -> None:
    (report("a") + report("b")).save(tmp_path / "both")
    report("a").save(tmp_path / "one")
    assert deepnrc.load(tmp_path / "both", tmp_path / "one").runs == ["a", "b", "one"]
    (report("a", 0) + report("c")).save(tmp_path / "more")
    with pytest.raises(UsageError, match="Run 'a', step 0, is in more than one report"):
        deepnrc.load(tmp_path / "both", tmp_path / "more")


def test_a_report_from_before_spectra_were_kept_has_an_empty_table_of_them(report: Make, saved: Path) -> None:
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
    pd.testing.assert_frame_equal(deepnrc.load(both.save(saved, replace=True)).spectra, both.spectra)


def test_a_report_can_be_moved(saved: Path, tmp_path: Path) -> None:
    shutil.move(saved, tmp_path / "elsewhere")
    assert len(deepnrc.load(tmp_path / "elsewhere").table) == 4

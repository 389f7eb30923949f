"""Columns may be added: tables that an older version saved are filled, and load."""

import hashlib
import json

import pandas as pd
import pytest

import deepnrc
from deepnrc import DataError
from deepnrc.table import COLUMNS, SPECTRA, schema
from deepnrc.table.files import storage

OLD = [
    "run", "step", "depth", "layer", "kind", "measure", "variant", "value", "status", "note", "n_samples", "dim",
    "target_dim", "rank", "pool", "chance", "floor",
]  # fmt: skip
OLD_SPECTRA = ["run", "step", "depth", "layer", "spectrum", "index", "value", "rank", "count", "rest", "floor"]


def saved_by_0_1(folder, drop=()):
    """A folder as version 0.1 wrote it, byte layout and manifest, made here without the code that writes today's."""
    words = {"run": "net", "layer": "fc", "kind": "Linear", "measure": "deep.cka", "variant": "default"}
    words |= {"status": "ok", "note": "", "pool": "none"}
    numbers = {"step": 3, "depth": 0, "n_samples": 9, "dim": 4, "target_dim": 2}
    table = pd.DataFrame([{**words, **numbers, "value": 0.25, "chance": None, "floor": 1e-9, "rank": 2}])[OLD]
    table = table.astype({"rank": "Int64", "chance": "float64"}).drop(columns=list(drop))
    spectra = pd.DataFrame([{
        "run": "net", "step": 3, "depth": 0, "layer": "fc", "spectrum": "features", "index": 1, "value": 2.0, "rank": 2,
        "count": 1, "rest": 0.0, "floor": 1e-12,
    }])[OLD_SPECTRA].astype({"rank": "Int64"})  # fmt: skip
    manifest = {"format": 1, "measurements": [{"run": "net", "step": 3, "versions": {"deepnrc": "0.1.0"}}]}
    folder.mkdir(exist_ok=True)
    for name, frame in (("table", table), ("spectra", spectra)):
        content = frame.to_parquet(index=False)
        (folder / f"{name}.parquet").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        manifest[name] = {"file": f"{name}.parquet", "rows": len(frame), "sha256": digest}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_report_that_0_1_saved_loads(tmp_path):
    report = deepnrc.load(saved_by_0_1(tmp_path / "old"))
    assert list(report.table) == list(COLUMNS)
    assert list(report.spectra) == list(SPECTRA)
    assert report.values("deep.cka")["value"].tolist() == [0.25]
    assert report.spectra["value"].tolist() == [2.0]
    assert report.provenance[0]["versions"] == {"deepnrc": "0.1.0"}
    assert "net, step 3" in str(report)


@pytest.mark.parametrize("kind", schema.FILLS)
def test_a_column_of_a_later_version_is_filled(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(storage, "COLUMNS", {**COLUMNS, "later": kind})
    table, _, _ = storage.load(saved_by_0_1(tmp_path / "old"))
    assert list(table) == [*COLUMNS, "later"]
    assert str(table["later"].dtype) in (kind, "object")
    assert (table["later"] == "").all() if kind == "str" else table["later"].isna().all()


def test_every_column_beyond_those_of_0_1_can_be_filled():
    assert set(OLD) | set(OLD_SPECTRA) == schema.FIRST
    for columns in (COLUMNS, SPECTRA):
        late = {name: kind for name, kind in columns.items() if name not in schema.FIRST}
        assert set(late.values()) <= set(schema.FILLS), late


@pytest.mark.parametrize("name", ["value", "status", "rank"])
def test_a_column_that_every_version_wrote_is_not_made_up(tmp_path, name):
    with pytest.raises(DataError, match=f"table.parquet in .* is no report's table .*{name}"):
        deepnrc.load(saved_by_0_1(tmp_path / "old", drop=[name]))


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_words_that_are_missing_are_empty(missing):
    frame = pd.DataFrame({"run": ["a", missing], "value": [1.0, missing if missing is not pd.NA else None]})
    found = schema.typed(frame, {"run": "str", "value": "float64"})
    assert found["run"].tolist() == ["a", ""]
    assert found["value"].isna().tolist() == [False, True]

"""What a manifest names, of one table and of several, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

import deepnrc
from deepnrc import Report
from deepnrc.table import COLUMNS, Journal
from deepnrc.table.files import manifest


def one(step: int, value: float = 0.5) -> Report:
    row: dict[str, Any] = {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
    row |= dict.fromkeys(["depth", "n_samples", "dim", "target_dim"], 0)
    row |= {"run": "a", "step": step, "layer": "0", "measure": "m", "variant": "default", "status": "ok"}
    row |= {"value": value, "rank": 1, "floor": 0.0}
    return Report.of([row], [{"run": "a", "step": step}])


def test_of_one_table_it_is_what_version_0_1_reads_and_of_several_it_holds_no_records() -> None:
    entries, content = manifest.described(one(0).table, one(0).spectra)
    single = json.loads(manifest.manifest_of([entries], one(0).provenance))
    assert (single["format"], single["measurements"]) == (1, [{"run": "a", "step": 0}])
    assert manifest.files(single) == {name: manifest.checksum(held) for name, held in content.items()}
    more, other = manifest.described(one(1).table, one(1).spectra, 5)
    records = [manifest.recorded(one(step).provenance, 6 + step) for step in range(2)]
    several = json.loads(manifest.manifest_of([{**entries, **records[0][0]}, {**more, **records[1][0]}]))
    assert (several["format"], "measurements" in several) == (2, False)
    written = content | other | records[0][1] | records[1][1]
    assert manifest.files(several) == {name: manifest.checksum(held) for name, held in written.items()}
    assert sorted(name for name in written if name.startswith("records")) == ["records.6.json", "records.7.json"]


def test_a_tables_name_leads_nowhere_else(tmp_path: Path) -> None:
    journal: Journal[Report] = Journal(tmp_path)
    for step in range(3):
        journal.add(one(step))
    place = tmp_path / "manifest.json"
    text = place.read_text()
    (name,) = (path.name for path in tmp_path.glob("table.*.parquet"))
    for other in ("../table.parquet", "/etc/passwd", "table.0.parquet", "records.7.json"):
        place.write_text(text.replace(name, other))
        with pytest.raises(deepnrc.DataError, match="its entry 'later' is no list of numbered tables with checksums"):
            deepnrc.load(tmp_path)
    first = json.loads(text)["records"]["file"]
    for other in ("../records.1.json", "/etc/passwd", "table.1.parquet"):
        place.write_text(text.replace(first, other))
        with pytest.raises(deepnrc.DataError, match="its entry 'records' names no numbered file with a checksum"):
            deepnrc.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", r"records\.\d\.json in '.*' is damaged \(Expecting"),
        (b"[" * 10**5, "is damaged"),
        (b"[3]", "holds no records with a run and a step"),
        (b'[{"run": "a"}]', "holds no records with a run and a step"),
        (b'{"run": "a", "step": 0}', "holds no records with a run and a step"),
    ],
)
def test_records_that_are_none_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    journal: Journal[Report] = Journal(tmp_path)
    for step in range(3):
        journal.add(one(step))
    place = tmp_path / "manifest.json"
    named = json.loads(place.read_text())
    path = tmp_path / named["records"]["file"]
    path.write_bytes(content)
    with pytest.raises(deepnrc.DataError, match="is not the one that its manifest"):
        deepnrc.load(tmp_path)
    named["records"]["sha256"] = manifest.checksum(content)
    place.write_text(json.dumps(named))
    with pytest.raises(deepnrc.DataError, match=words):
        deepnrc.load(tmp_path)
    path.unlink()
    with pytest.raises(deepnrc.DataError, match="has no readable records"):
        deepnrc.load(tmp_path)

"""A report that grows: what is written for a measurement, and what is there whenever writing fails."""

import itertools
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import deepnrc
from deepnrc import Report, UsageError
from deepnrc.table import COLUMNS, Journal, UnwritableError, join
from deepnrc.table.files import manifest, storage

FULL = OSError(28, "No space left on device")


def one(step: int, value: float = 0.5) -> Report:
    row: dict[str, Any] = {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
    row |= dict.fromkeys(["depth", "n_samples", "dim", "target_dim"], 0)
    row |= {"run": "a", "step": step, "layer": "0", "measure": "m", "variant": "default", "status": "ok"}
    row |= {"value": value, "rank": 1, "floor": 0.0}
    return Report.of([row], [{"run": "a", "step": step}])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 21])
def test_what_was_added_is_what_is_loaded(tmp_path: Path, count: int) -> None:
    journal: Journal[Report] = Journal(tmp_path)
    for step in range(count):
        journal.add(one(step, step / 7))
        assert deepnrc.load(tmp_path).steps == list(range(step + 1))
    whole = join([one(step, step / 7) for step in range(count)])
    loaded = deepnrc.load(tmp_path)
    pd.testing.assert_frame_equal(loaded.table, whole.table, check_exact=True)
    pd.testing.assert_frame_equal(loaded.spectra, whole.spectra, check_exact=True)
    assert loaded.provenance == whole.provenance


def test_a_measurement_costs_as_much_however_many_there_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    frames = manifest._written
    monkeypatch.setattr(manifest, "_written", lambda frame: (written.append(len(frame)), frames(frame))[1])
    journal: Journal[Report] = Journal(tmp_path)
    put, sizes = storage.put, [0]

    def counted(folder: Path, files: dict[str, bytes], naming: bytes, allowed: Any) -> None:
        sizes.append(len(naming) + sum(len(files[name]) for name in files if name.startswith("records")))
        put(folder, files, naming, allowed)

    monkeypatch.setattr(storage, "put", counted)
    for step in range(64):
        journal.add(one(step))
    assert sum(written) == 64 + 64 / 2 * 6  # each row once for every doubling; all of them each time would be 2080
    assert sum(sizes[33:]) < 2.5 * sum(sizes[1:33])  # records too: with all of them each time it would be 3 times
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "spectra.parquet", "table.parquet"]


def test_steps_that_come_late_are_put_in_order(tmp_path: Path) -> None:
    journal: Journal[Report] = Journal(tmp_path)
    for step in (4, 0, 9, 7, 8, 3):
        journal.add(one(step))
    assert [record["step"] for record in deepnrc.load(tmp_path).provenance] == [0, 3, 4, 7, 8, 9]
    assert deepnrc.load(tmp_path).table["step"].tolist() == [0, 3, 4, 7, 8, 9]


@pytest.mark.parametrize("action", ["write_bytes", "replace", "unlink"])
@pytest.mark.parametrize("good", range(6))
@pytest.mark.parametrize("before", [2, 3])
def test_what_could_not_be_written_is_written_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, good: int, before: int
) -> None:
    journal: Journal[Report] = Journal(tmp_path)
    for step in range(before):
        journal.add(one(step))
    real, calls = getattr(Path, action), itertools.count()

    def failing(self: Path, *args: Any, **options: Any) -> Any:
        if next(calls) >= good:
            raise FULL
        return real(self, *args, **options)

    said = ""
    with monkeypatch.context() as patch:
        patch.setattr(Path, action, failing)
        try:
            journal.add(one(before))
        except UnwritableError as error:
            said = str(error)
    assert not said or f"'{tmp_path}'" in said
    assert not said or "with room on its disk" in said
    there = deepnrc.load(tmp_path).steps
    assert there in ([*range(before)], [*range(before + 1)])
    assert said or len(there) == before + 1
    journal.add(one(before + 1))
    assert deepnrc.load(tmp_path).steps == [*range(before + 2)]
    assert not list(tmp_path.glob(".*"))


def test_a_report_that_is_there_is_refused_unless_it_may_be_replaced(tmp_path: Path) -> None:
    one(3, 0.25).save(tmp_path)
    with pytest.raises(UsageError, match=r"holds a report already\. Name another folder, or say replace=True\."):
        Journal(tmp_path)
    assert deepnrc.load(tmp_path).steps == [3]
    journal: Journal[Report] = Journal(tmp_path, replace=True)
    assert deepnrc.load(tmp_path).steps == [3]
    journal.add(one(0))
    assert deepnrc.load(tmp_path).steps == [0]


def test_a_report_that_somebody_else_wrote_meanwhile_stays(tmp_path: Path) -> None:
    first: Journal[Report] = Journal(tmp_path)
    second: Journal[Report] = Journal(tmp_path)
    first.add(one(0))
    with pytest.raises(UsageError, match="holds a report already"):
        second.add(one(5))
    one(7).save(tmp_path, replace=True)
    with pytest.raises(UnwritableError, match="holds a report that somebody else wrote meanwhile"):
        first.add(one(1))
    assert deepnrc.load(tmp_path).steps == [7]


def test_saving_a_whole_report_ends_what_a_journal_left(tmp_path: Path) -> None:
    journal: Journal[Report] = Journal(tmp_path)
    for step in range(7):
        journal.add(one(step))
    assert len(list(tmp_path.glob("table.*.parquet"))) == 2
    one(99).save(tmp_path, replace=True)
    assert deepnrc.load(tmp_path).steps == [99]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "spectra.parquet", "table.parquet"]


def test_a_reader_meets_the_last_report_or_the_new_one(tmp_path: Path) -> None:
    journal: Journal[Report] = Journal(tmp_path)
    journal.add(one(0))
    done = threading.Event()

    def write() -> None:
        for step in range(1, 40):
            journal.add(one(step))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = [1]
    while not done.is_set():
        steps = deepnrc.load(tmp_path).steps
        assert steps == list(range(len(steps)))
        assert len(steps) >= seen[-1]
        seen.append(len(steps))
    writer.join()
    assert deepnrc.load(tmp_path).steps == list(range(40))

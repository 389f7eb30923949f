"""Stored networks read once more: those of the seeds that are whole, and on held-out samples."""

import shutil

import pandas as pd
import pytest

from experiments.runner import reread, stored
from experiments.runner.cells import make


def test_the_cells_of_whole_seeds_are_read_and_the_others_named(study, setting, swept, tmp_path):
    planned = study(setting("none", epochs=1), setting("some", 1e-2, epochs=1), seeds=(0, 1))
    results = swept(planned)
    found, said = stored(planned, tmp_path)
    assert said == ""
    pd.testing.assert_frame_equal(found.table, results.table)
    last = planned.settings[-1]
    shutil.rmtree(tmp_path / "cells" / make(last, 1, last.data.load(1)).key)
    found, said = stored(planned, tmp_path)
    assert (found.study.seeds, said) == ((0,), "tiny: 1 of 4 cells are missing.")
    pd.testing.assert_frame_equal(found.table, results.single(0).table.reset_index(drop=True))
    assert [record["title"] for record in found.records] == ["none, seed 0", "some, seed 0"]
    shutil.rmtree(tmp_path / "cells")
    assert stored(planned, tmp_path) == (None, "tiny: 4 of 4 cells are missing.")


def test_held_out_samples_are_those_of_the_seed(study, setting, swept):
    results = swept(study(setting("some", 1e-2, epochs=1), seeds=(1,)))
    again = reread(results, "some", held_out=True, layers=["layer2"], probes=["model.mse"])
    errors = again.table.set_index("variant")["value"]
    (record,) = again.records
    assert errors["held out"] == pytest.approx(record["test_loss"], rel=1e-5)
    assert set(again.table["weight_decay"]) == {0.01}

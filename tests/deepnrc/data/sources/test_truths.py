"""True and false, in every kind of file."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError

TRUTHS = pd.DataFrame({"a": [4.5, 2.0, 3.0], "on": [True, False, True], "ok": [False, True, True]})


def _as(folder: Path, ending: str, targets: str = "ok", **options: Any) -> Any:
    """The batches of ``TRUTHS`` in a file of a kind."""
    path = folder / f"t.{ending}"
    if ending == "npz":
        np.savez(path, x=TRUTHS[["a", "on"]].to_numpy(float), y=TRUTHS["ok"].to_numpy())
        return load_data(str(path))
    if ending in ("csv", "tsv"):
        TRUTHS.to_csv(path, index=False, sep="," if ending == "csv" else "\t")
    elif ending == "xlsx":
        TRUTHS.to_excel(path, index=False)
    elif ending == "feather":
        TRUTHS.astype({"on": "boolean", "ok": "boolean"}).to_feather(path)
    else:
        TRUTHS.to_parquet(path)
    return load_data(str(path), targets=[targets], **options)


@pytest.mark.parametrize("ending", ["csv", "csv, told", "tsv", "parquet", "feather", "xlsx", "npz"])
def test_true_and_false_are_classes_as_targets_and_numbers_as_inputs_in_every_file(tmp_path: Path, ending: str) -> None:
    ending, told, _ = ending.partition(", told")
    if ending == "xlsx":
        pytest.importorskip("openpyxl")
    with pytest.warns(UserWarning, match="holds true and false, which are read as the classes 1 and 0"):
        ((x, y),) = _as(tmp_path, ending, **({"decimal": "."} if told else {}))
    assert (y.dtype, y.tolist()) == (torch.int64, [0, 1, 1])
    assert x.tolist() == [[4.5, 1], [2, 0], [3, 1]]


@pytest.mark.parametrize("words", [("true", "FALSE"), ("True", "false"), ("TRUE", "FALSE")])
def test_true_and_false_may_be_written_small_and_large(tmp_path: Path, words: tuple[str, str]) -> None:
    (tmp_path / "t.csv").write_text(f"a,ok\n1.5,{words[0]}\n2,{words[1]}\n4,{words[0]}\n")
    for options in ({}, {"decimal": "."}):
        told: Any = options
        with pytest.warns(UserWarning, match="'ok' of .* holds true and false"):
            ((_, y),) = load_data(str(tmp_path / "t.csv"), targets=["ok"], **told)
        assert y.tolist() == [1, 0, 1]


def test_several_columns_of_true_and_false_are_numbers(tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        ((_, y),) = _as(tmp_path, ending, "on,ok")
        assert y.tolist() == [[1, 0], [0, 1], [1, 1]]


def test_missing_truths_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1.0, 2, 4], "ok": pd.array([True, None, False], dtype="boolean")}).to_parquet(path)
    with pytest.raises(DataError, match=r"missing values, by column: 'ok \(1\)'"):
        load_data(str(path), targets=["ok"])

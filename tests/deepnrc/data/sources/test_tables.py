from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.data.sources.tables import read_table
from deepnrc.errors import DataError, UsageError

FRAME = pd.DataFrame({"a": [4, 2, 3], "price": [0.5, 1.5, 2.5], "b": [1.0, -1.0, 0.0], "size": [7, 8, 9]})


def _saved(folder: Path, frame: pd.DataFrame, ending: str = "csv") -> Path:
    path = folder / f"table.{ending}"
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("targets", [["size", "price"], ["size,price"], "size,price"])
def test_columns_become_features_and_targets_in_the_order_named(tmp_path: Path, ending: str, targets: Any) -> None:
    ((x, y),) = load_data(str(_saved(tmp_path, FRAME, ending)), targets=targets)
    assert x.tolist() == FRAME[["a", "b"]].to_numpy().tolist()
    assert y.tolist() == FRAME[["size", "price"]].to_numpy().tolist()
    assert (x.dtype, y.dtype) == (torch.float32, torch.float64)


def test_a_column_whose_name_holds_a_comma_can_be_named(tmp_path: Path) -> None:
    path = _saved(tmp_path, FRAME.rename(columns={"price": "price, net"}))
    assert read_table(path, ["price, net"], torch.float64).tensors[1][:, 0].tolist() == [0.5, 1.5, 2.5]


def test_parquet_columns_named_by_numbers_are_named_by_their_digits(tmp_path: Path) -> None:
    path = _saved(tmp_path, pd.DataFrame(np.eye(3)), "parquet")
    assert read_table(path, ["2"], torch.float32).tensors[1].tolist() == [[0.0], [0.0], [1.0]]


def test_one_column_of_text_holds_classes_in_alphabetical_order(tmp_path: Path) -> None:
    path = _saved(tmp_path, FRAME.assign(kind=["dog", "cat", "dog"]))
    with pytest.warns(UserWarning, match=r"'kind' of '.*' holds words, .* 2 classes in alphabetical order: 'cat', 'd"):
        classes = read_table(path, ["kind"], torch.float32).tensors[1]
    assert classes.dtype == torch.int64
    assert classes.tolist() == [1, 0, 1]


def test_text_among_a_target_s_numbers_does_not_turn_them_into_classes(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,y\n1,0.5\n2,1.5\n3,?\n4,2.5\n5,n.b.\n")
    words = r"target column 'y' of '.*table\.csv' holds numbers, but text in 2 of its 5 rows, first '\?' in row 3\. "
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / "table.csv", ["y"], torch.float32)


def test_numbers_as_text_are_no_classes_either(tmp_path: Path) -> None:
    path = _saved(tmp_path, FRAME.assign(y=["10", "2", "1"]), "parquet")
    with pytest.raises(
        DataError, match=r"target column 'y' of '.*' holds numbers as text, such as '10', '2', '1'\. Turn them"
    ):
        read_table(path, ["y"], torch.float32)


def test_names_of_which_a_few_are_numbers_are_not_all_classes(tmp_path: Path) -> None:
    path = _saved(tmp_path, FRAME.assign(kind=["A4", "4", "A3"]))
    with pytest.raises(DataError, match=r"holds words, but numbers in 1 of its 3 rows, first '4' in row 2\. Drop or"):
        read_table(path, ["kind"], torch.float32)


@pytest.mark.parametrize(
    ("targets", "inputs", "wanted"),
    [
        ("-2,-1", [[2, 1], [5, 6]], [[3, 4], [7, 8]]),
        (["3", "0"], [[1, 3], [6, 7]], [[4, 2], [8, 5]]),
        (["-1"], [[2, 1, 3], [5, 6, 7]], [[4], [8]]),
    ],
)
def test_a_csv_without_a_header_is_read_by_column_numbers(
    tmp_path: Path, targets: Any, inputs: list[Any], wanted: list[Any]
) -> None:
    (tmp_path / "table.csv").write_text("2,1,3,4\n5,6,7,8\n")
    ((x, y),) = load_data(str(tmp_path / "table.csv"), targets=targets)
    assert x.tolist() == inputs
    assert y.tolist() == wanted


def test_equal_numbers_in_a_first_row_are_no_column_names(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("1,1,1\n2,3,4\n")
    assert read_table(tmp_path / "table.csv", ["2"], torch.float32).tensors[1].tolist() == [[1.0], [4.0]]


def test_the_column_numbers_that_pandas_writes_are_a_header_and_that_is_said(tmp_path: Path) -> None:
    path = _saved(tmp_path, pd.DataFrame(np.eye(3)))
    with pytest.warns(UserWarning, match=r"first line of '.*', 0 to 2, is taken for the column numbers .* above"):
        x, y = read_table(path, "-1", torch.float32).tensors
    assert (x.tolist(), y.tolist()) == ([[1, 0], [0, 1], [0, 0]], [[0], [0], [1]])


@pytest.mark.parametrize(
    "text",
    ["2018,2019,2020\n5,6,7\n", "2018,2019,2020\n0.5,0.5,0.25\n", "7,3,20\n0.5,1,2\n", "7,3,20\n1e-3,1,2\n"],
)
def test_whole_numbers_that_may_be_a_header_are_a_row_and_that_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    words = r"first line of '.*', \d+ to 20(20)?, is taken for a row, .* If it is a header, give the columns names that"
    with pytest.warns(UserWarning, match=words) as caught:
        assert len(read_table(tmp_path / "table.csv", "-1", torch.float32)) == 2
    assert len(caught) == 1


@pytest.mark.parametrize(
    "text", ["2,1,3\n4,5,6\n", "0.5,1.5,2.5\n1,2,3\n", "1.0,2.0,3.0\n0.5,1,2\n", "1e0,2,3\n4,5,6\n"]
)
def test_a_row_that_can_be_no_header_is_read_without_a_warning(tmp_path: Path, text: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    assert len(read_table(tmp_path / "table.csv", "-1", torch.float32)) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "0.1257,3,z\n0.5,2,w\n",
            r"has no column '-1'\. Its first line looks like a row of data: put a line of column",
        ),
        ("0.5,0.5,z\n0.5,2,w\n", r"more than one column named '0\.5'\. Its first line looks like a row of data"),
    ],
)
def test_a_first_row_with_a_class_in_it_is_recognised(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises((UsageError, DataError), match=words):
        read_table(tmp_path / "table.csv", ["-1"], torch.float32)


def test_a_parquet_table_has_no_first_line_to_speak_of(tmp_path: Path) -> None:
    path = _saved(tmp_path, pd.DataFrame(np.eye(3), columns=["5", "6", "z"]), "parquet")
    with pytest.raises(UsageError, match=r"has no column '-1'\. Its columns are '5', '6', 'z'"):
        read_table(path, ["-1"], torch.float32)


def test_a_column_of_whole_numbers_is_no_class(tmp_path: Path) -> None:
    targets = read_table(_saved(tmp_path, FRAME), ["size"], torch.float32).tensors[1]
    assert targets.dtype == torch.float64
    assert targets.shape == (3, 1)


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (["4"], r"'.*table\.csv' has 3 columns, numbered from 0; there is no column 4"),
        (["-4"], r"there is no column -4"),
        (["-1,2"], r"A target column is named twice: '-1', '2'"),
    ],
)
def test_column_numbers_that_are_not_there_are_refused(tmp_path: Path, targets: list[str], words: str) -> None:
    (tmp_path / "table.csv").write_text("2,1,3\n2,3,4\n")
    with pytest.raises(UsageError, match=words):
        read_table(tmp_path / "table.csv", targets, torch.float32)


def test_numbers_do_not_choose_among_columns_with_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no column '-1'\. Its columns are 'a', 'price'"):
        read_table(_saved(tmp_path, FRAME), ["-1"], torch.float32)


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8-sig")
    assert read_table(tmp_path / "table.csv", ["a"], torch.float32).tensors[1].tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (
            None,
            r"Name the target columns of '.*table\.csv' with targets\. Its columns are 'a', 'price', 'b', 'size'",
        ),
        (["prize"], r"'.*table\.csv' has no column 'prize'\. Did you mean 'price' .*\? Its columns are 'a', 'price'"),
        (["a", "a"], r"A target column is named twice: 'a', 'a'\. Name each once"),
        (["a,price,b,size"], r"All columns of '.*table\.csv' are targets\. Leave some out as features"),
    ],
)
def test_targets_that_are_not_there_are_refused(tmp_path: Path, targets: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_data(str(_saved(tmp_path, FRAME)), targets=targets)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"name": list("xyz"), "day": ["a", "b", "c"]},
            r"columns of '.*' are not numeric: 'name', 'day'\. Leave them out with drop='name,day'",
        ),
        ({"b": [1, np.nan, np.nan]}, r"has missing values, by column: 'b \(2\)'\. Drop or fill those rows"),
        ({"price": [1, np.nan, 2]}, r"has missing values, by column: 'price \(1\)'"),
        ({"price": ["low", None, "high"]}, r"has missing values, by column: 'price \(1\)'"),
        ({"b": [1, np.inf, 2]}, r"The x of '.*' holds 1 of 9 values that are NaN, infinite or too large"),
    ],
)
def test_columns_that_are_not_numbers_are_named(tmp_path: Path, ending: str, columns: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_table(_saved(tmp_path, FRAME.assign(**columns), ending), ["price"], torch.float32)


def test_a_target_that_is_neither_number_nor_text_is_refused(tmp_path: Path) -> None:
    path = _saved(tmp_path, FRAME.assign(day=pd.to_datetime(["2020-01-01"] * 3)), "parquet")
    with pytest.raises(DataError, match=r"target column 'day' of '.*' holds datetime64.*, not numbers or class names"):
        read_table(path, ["day"], torch.float32)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"The table '.*table\.csv' is empty"),
        ("a,b\n", r"The table '.*table\.csv' has no rows"),
        (
            "1.0,2.5\n3,4\n",
            r"first line of '.*table\.csv' holds only numbers\. Give the table a header with column names\. If it is a "
            r"row, give the targets by number: targets='-2,-1' or 8,9",
        ),
        (",a,b\n0,1,2\n", r"Column 1 of '.*' has no name\. If it is the row index that pandas .* with index=False"),
        ("a,b,a\n0,1,2\n", r"has more than one column named 'a'\. Give each its own name"),
        ("a,b\n1,2,3\n4,5,6\n", r"cannot be read as a \.csv table \(Length of header"),
        (
            "a,b\n1,2\n3,4,5\n",
            r"cannot be read as a \.csv table \(.*Expected 2 fields in line 3, saw 3.*It may be damaged",
        ),
        ("a,b\n1\n2,3\n", r"has missing values, by column: 'b \(1\)'"),
    ],
)
def test_damaged_csv_files_are_explained(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(DataError, match=f"(?s){words}"):
        read_table(tmp_path / "table.csv", ["a"], torch.float32)


def test_other_separators_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a;b\n1;2\n")
    with pytest.raises(UsageError, match=r"has no column 'b'\. The whole line is one column: say .* such as sep=';'\."):
        read_table(tmp_path / "table.csv", ["b"], torch.float32)


def test_missing_and_foreign_files_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no table '.*absent\.csv' \(looked from .*\)\. Check the path"):
        load_data(str(tmp_path / "absent.csv"), targets=["a"])
    (tmp_path / "a.parquet").write_text("hello world")
    with pytest.raises(
        DataError, match=r"cannot be read as a \.parquet table \(.*It may be damaged or of another kind"
    ):
        load_data(str(tmp_path / "a.parquet"), targets=["a"])
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00a,b\n")
    with pytest.raises(DataError, match=r"cannot be read as a \.csv table \(.*codec can't decode"):
        load_data(str(tmp_path / "a.csv"), targets=["a"])


def test_time_stamps_that_float32_makes_one_are_refused_by_name(tmp_path: Path) -> None:
    stamps = [1_690_000_000_000 + step for step in (0, 3, 19, 22, 70)]
    path = _saved(tmp_path, pd.DataFrame({"time": stamps, "a": [1.5, 2, 4, 7, 9], "y": [1.0, 2, 4, 3, 1]}))
    with pytest.raises(
        DataError, match=r"'time' of .* one step of rounding in float32\. Leave it out \(drop, or --drop"
    ):
        load_data(str(path), targets=["y"])
    ((x, _),) = load_data(str(path), targets=["y"], drop=["time"])
    assert x.shape == (5, 1)

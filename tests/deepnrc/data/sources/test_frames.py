import gzip
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError, UsageError

FRAME = pd.DataFrame({"a": [0.1, 0.7, 0.3], "b": [1.5, 2.25, 9.0], "y": [4.5e6 + 0.01, 4.5e6 + 0.02, 4.5e6]})


def save(frame: pd.DataFrame, path: Path) -> str:
    kind = "".join(path.suffixes)
    if kind == ".parquet":
        frame.to_parquet(path)
    elif kind == ".feather":
        frame.to_feather(path)
    elif kind == ".xlsx":
        pytest.importorskip("openpyxl")
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if kind.startswith(".tsv") else ",")
    return str(path)


@pytest.mark.parametrize("kind", [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".feather", ".xlsx", ".CSV"])
def test_every_kind_of_table_gives_the_same_in_double_precision(tmp_path: Path, kind: str) -> None:
    loader = load_data(save(FRAME, tmp_path / f"t{kind}"), targets=["y"], dtype=torch.float64)
    ((x, y),) = loader
    assert np.array_equal(x.numpy(), FRAME[["a", "b"]].to_numpy())
    assert np.array_equal(y.numpy(), FRAME[["y"]].to_numpy())
    assert loader.dataset.target_resolution.tolist() == [0.005]  # type: ignore[attr-defined]


@pytest.mark.parametrize("index", [["a"], ["y"], ["a", "b"]])
def test_columns_that_pandas_had_made_an_index_are_columns(tmp_path: Path, index: list[str]) -> None:
    frame = FRAME.set_index(index)
    for kind in (".parquet", ".feather"):
        if kind == ".feather" and len(index) > 1:
            continue
        ((x, y),) = load_data(save(frame, tmp_path / f"t{kind}"), targets=["y"], dtype=torch.float64)
        assert sorted(x.numpy().T.tolist()) == sorted(FRAME[["a", "b"]].to_numpy().T.tolist())
        assert np.array_equal(y.numpy(), FRAME[["y"]].to_numpy())


def test_every_digit_of_a_csv_is_kept(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal(3000) * 10.0 ** np.random.default_rng(1).integers(-20, 20, 3000)
    path = save(pd.DataFrame({"a": values[::-1], "y": values}), tmp_path / "t.csv")
    ((x, y),) = load_data(path, targets=["y"], dtype=torch.float64, batch_size=3000)
    assert np.array_equal(y[:, 0].numpy(), values)
    assert np.array_equal(x[:, 0].numpy(), values[::-1])


def test_inputs_are_as_wide_as_the_network_s_weights(tmp_path: Path) -> None:
    path = save(FRAME, tmp_path / "t.csv")
    for dtype in (torch.float32, torch.float64):
        ((x, y),) = load_data(path, targets=["y"], model=torch.nn.Linear(2, 1, dtype=dtype))
        assert (x.dtype, y.dtype) == (dtype, torch.float64)


def test_several_targets_carry_how_finely_each_is_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;n;c;f\n1,5;3;0,10;1\n2;4;0,20;2,125\n0;7;0,35;2\n")
    path = str(tmp_path / "t.csv")
    loader = load_data(path, targets=["f,n,c"], sep=";", decimal=",")
    assert loader.dataset.target_resolution.tolist() == [0.0005, 0, 0.005]  # type: ignore[attr-defined]


def test_columns_are_dropped_by_name(tmp_path: Path) -> None:
    path = save(FRAME.assign(id=["u", "v", "w"], name=["p", "q", "r"]), tmp_path / "t.csv")
    for drop in (["id", "name"], "id,name", ["id,name"]):
        ((x, _),) = load_data(path, targets=["y"], drop=drop)
        assert x.shape == (3, 2)
    with pytest.raises(UsageError, match=r"has no column 'nam' to drop\. Did you mean 'name'"):
        load_data(path, targets=["y"], drop=["nam"])
    with pytest.raises(UsageError, match="'y' is a target and cannot be dropped too"):
        load_data(path, targets=["y"], drop=["y"])
    with pytest.raises(UsageError, match=r"drop, sep, decimal and thousands are for tables; '.*' is none"):
        load_data("x.npz", sep=";")


@pytest.mark.parametrize(
    "count",
    [
        np.arange(30),
        np.arange(1, 31),
        np.random.default_rng(0).permutation(30),
        np.arange(30.0),
        np.arange(30)[::-1],
        np.arange(30) * 10 + 100,
        170_000 + np.arange(30),
    ],
)
def test_a_column_that_counts_the_rows_is_told_of(tmp_path: Path, count: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": count, "a": rng.random(30), "years": 1990 + np.arange(30), "y": rng.random(30)})
    path = save(frame, tmp_path / "t.csv")
    with pytest.warns(
        UserWarning, match=r"The column 'id' of '.*' counts the rows .* leave it out \(drop, or --drop id\)\."
    ):
        load_data(path, targets=["y"])
    load_data(path, targets=["y"], drop=["id"])


def test_text_options_are_not_for_other_tables(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"sep, decimal and thousands are for tables of text; '.*' is \.parquet"):
        load_data(save(FRAME, tmp_path / "t.parquet"), targets=["y"], decimal=",")


def test_several_sheets_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tmp_path / "t.xlsx") as file:
        for name in ("first", "second"):
            FRAME.to_excel(file, sheet_name=name)
    with pytest.raises(DataError, match="has several sheets: 'first', 'second'"):
        load_data(str(tmp_path / "t.xlsx"), targets=["y"])


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_very_wide_tables_are_refused_at_once(tmp_path: Path, kind: str) -> None:
    names = [f"c{number}" for number in range(20_001)]
    path = save(pd.DataFrame(np.ones((1, len(names))), columns=names), tmp_path / f"t{kind}")
    with pytest.raises(DataError, match=r"has 20001 columns; tables are read up to 20000\. Save its numbers as arrays"):
        load_data(path, targets=["c1"])


def test_a_csv_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"a,y\n")
        for _ in range(300):
            file.write(b"1,2\n" * 250_000)
    with pytest.raises(DataError, match=r"would unpack from \d\.\d MB to over 268 MB"):
        load_data(str(path), targets=["y"])


def test_few_ids_in_any_order_are_told_of_and_ordinary_whole_numbers_are_not(tmp_path: Path) -> None:
    for ids in ([3, 1, 6, 2, 5, 4], [6, 5, 4, 3, 2, 1], [60, 10, 30, 50, 20, 40]):
        path = save(pd.DataFrame({"id": ids, "y": np.ones(6) / 2}), tmp_path / "t.csv")
        with pytest.warns(UserWarning, match=r"The column 'id' of '.*' counts the rows .*--drop id"):
            load_data(path, targets=["y"])
    for plain in ([3, 1, 6, 2, 5, 3], [2, 4, 8, 16, 32, 64], [1990, 1991, 1992, 1993, 1994, 1995], [7, 7, 7, 7, 7, 7]):
        load_data(save(pd.DataFrame({"a": plain, "y": np.ones(6) / 2}), tmp_path / "t.csv"), targets=["y"])


def test_whole_numbers_that_would_be_rounded_are_refused(tmp_path: Path) -> None:
    big = 2**53 + np.array([1, 5, 3])
    for frame, words in (
        (
            FRAME.assign(id=big),
            r"column 'id' of '.*' holds whole numbers above 2\*\*53, .* with drop='id', or subtract",
        ),
        (FRAME.assign(y=-big), r"target column 'y' of '.*' holds whole .* Divide it, or subtract an offset\."),
    ):
        with pytest.raises(DataError, match=words):
            load_data(save(frame, tmp_path / "t.csv"), targets=["y"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a;b;y\n1,5;2;3,25\n2,5;3;4,1\n", r"between columns: sep=';', and commas before decimals: decimal=','\."),
        ("a\tb\ty\n1,5\t2,5\t3,25\n", r"between columns: sep='tab', and commas before decimals: decimal=','\."),
        ("# made by x\na,b,y\n1,2,3\n", r"Its first line is a comment, .*: remove it\."),
    ],
)
def test_a_table_that_cannot_be_read_tells_its_remedy(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        load_data(str(tmp_path / "t.csv"), targets=["y"])


def test_a_table_in_utf_16_is_to_be_saved_as_utf_8(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n1,2\n", encoding="utf-16")
    with pytest.raises(DataError, match=r"It seems to be in UTF-16: save it as UTF-8\."):
        load_data(str(tmp_path / "t.csv"), targets=["y"])


def test_decimals_of_a_parquet_file_are_numbers(tmp_path):
    cells = [Decimal("1.25"), Decimal("-0.5"), Decimal("3")]
    frame = pd.DataFrame({"a": [1.5, 2.5, 4.5], "b": cells, "y": cells})
    frame.to_parquet(tmp_path / "t.parquet")
    ((x, y),) = load_data(str(tmp_path / "t.parquet"), targets=["y"])
    assert (x[:, 1].tolist(), y[:, 0].tolist()) == ([1.25, -0.5, 3.0], [1.25, -0.5, 3.0])
    frame.assign(y=[cells[0], None, cells[2]]).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"has missing values, by column: 'y \(1\)'"):
        load_data(str(tmp_path / "t.parquet"), targets=["y"])


def test_times_as_targets_are_told_how_to_be_numbers(tmp_path):
    frame = pd.DataFrame({"a": [1.5, 2.5], "y": pd.to_datetime(["2024-01-01", "2024-01-02"])})
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(
        DataError, match=r"holds datetime64.* Turn it into numbers, such as times into hours .* targets\."
    ):
        load_data(str(tmp_path / "t.parquet"), targets=["y"])

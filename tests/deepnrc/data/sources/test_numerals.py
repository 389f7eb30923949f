import numpy as np
import pandas as pd
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.data.sources.numerals import Writing, are_times, is_numberlike, rounded_to, written_to
from deepnrc.errors import DataError, UsageError


def table(folder, cells, sep=",", name="t.csv"):
    path = folder / name
    path.write_text(f"a{sep}price\n" + "".join(f'{(7 * i) % 5}{sep}"{cell}"\n' for i, cell in enumerate(cells)))
    return str(path)


@pytest.mark.parametrize(
    "cells",
    [
        ["1,200.5", "4,200", "7,000"],
        ["1,5", "2,7", "0,3"],
        ["$12.5", "$8.1", "$7"],
        ["12 €", "8 €", "7 €"],
        ["51.2%", "95 %", "3%"],
        ["(12.5)", "(3.1)", "7.0"],
        ["\u22121.5", "\u22122", "3"],
        ["USD 1.50", "USD 2.00", "USD 3.25"],
        ["12 kg", "9 kg", "7 kg"],
        ["1 200", "1 300", "5 000"],
        ["1_000", "2_000", "3_000"],
        ["½", "¼", "¾"],
        ["~3", "<5", ">7"],
        ["word", "other", "7"],
    ],
)
def test_numbers_as_text_are_refused_by_name_and_are_no_classes(tmp_path, cells):
    with pytest.raises(DataError, match=r"The target column 'price' of '.*t\.csv' holds (numbers|words)"):
        load_data(table(tmp_path, cells), targets=["price"])
    inputs = pd.DataFrame({"price": cells, "y": [0.5, 0.25, 1.0]})
    inputs.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(DataError, match=r"The column 'price' of '.*x\.csv' holds (numbers|words)"):
        load_data(str(tmp_path / "x.csv"), targets=["y"])


TIMES = [
    ["2024-01-05", "2024-01-06", "2024-02-01"],
    ["2024-01-05 12:00:00", "2024-01-05T12:00:00.5Z", "2024-01-05 13:00:00+01:00"],
    ["31/1/2024", "1/2/2024", "2/2/2024"],
    ["12:30", "12:45:10", "1:00 pm"],
]
IDS = [
    ["0aeb943f-e79b-32fc-82d3-4c672aba6bc1", "a3eab943-fe79-b32f-cb2d-34c672aba6bc", "b" * 32],
    ["a9385332a316", "09385332a316", "19385332a317"],
]


@pytest.mark.parametrize(("cells", "kind"), [(c, "dates or times") for c in TIMES] + [(c, "ids") for c in IDS])
def test_times_and_ids_are_called_so_and_columns_of_them_can_be_left_out(tmp_path, cells, kind):
    inputs = pd.DataFrame({"price": cells, "x": [1.5, 2.5, 4.5], "y": [0.5, 0.25, 1.0]})
    inputs.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(
        DataError, match=rf"The column 'price' of '.*' holds {kind}, such as .* out with drop='price'\."
    ):
        load_data(str(tmp_path / "x.csv"), targets=["y"])
    ((x, _),) = load_data(str(tmp_path / "x.csv"), targets=["y"], drop=["price"])
    assert x.tolist() == [[1.5], [2.5], [4.5]]
    with pytest.raises(DataError, match=rf"The target column 'price' of '.*' holds {kind}, such as [^=]*\.$"):
        load_data(str(tmp_path / "x.csv"), targets=["price"])


def test_negative_and_grouped_numbers_are_no_times():
    assert not any(map(are_times, (["-1234"], ["1.200.000"], ["1.5"], ["12-34"], ["1,200"])))


@pytest.mark.parametrize(
    "cells", [["cat", "dog", "cat"], ["A4", "B5", "A4"], ["class_1", "class_2", "class_1"], ["été", "ñu", "été"]]
)
def test_words_are_classes_and_that_is_said(tmp_path, cells):
    with pytest.warns(UserWarning, match=r"'price' of '.*' holds words, which are read as 2 classes"):
        ((_, y),) = load_data(table(tmp_path, cells), targets=["price"])
    assert y.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("cells", "options", "values"),
    [
        (["1,5", "-2,75", "3"], {"decimal": ","}, [1.5, -2.75, 3]),
        (["1.200,5", "4.200", "1.000.000"], {"decimal": ",", "thousands": "."}, [1200.5, 4200, 1e6]),
        (["1,200.5", "4,200", "-7"], {"thousands": ","}, [1200.5, 4200, -7]),
        (["1 200", "1\u00a0300,5", "\u22125\u202f000"], {"thousands": " ", "decimal": ","}, [1200, 1300.5, -5000]),
        (["1'200", "12", "1'200'300.25"], {"thousands": "'"}, [1200, 12, 1200300.25]),
        (["\u22121.5e-3", "+2.", ".5"], {"decimal": "."}, [-1.5e-3, 2, 0.5]),
    ],
)
def test_numbers_are_read_as_they_are_said_to_be_written(tmp_path, cells, options, values):
    ((x, y),) = load_data(table(tmp_path, cells, ";"), targets=["price"], sep=";", **options)
    assert (x[:, 0].tolist(), y[:, 0].tolist()) == ([0, 2, 4], values)
    assert y.dtype == torch.float64


@pytest.mark.parametrize(
    ("cells", "options"),
    [
        (["1,5", "2,7", "0,3"], {"thousands": ","}),
        (["12,00", "1,2000", "3"], {"thousands": ","}),
        (["1.5", "2.5", "3"], {"decimal": ","}),
        (["$1,5", "$2,5", "3"], {"decimal": ","}),
    ],
)
def test_what_is_not_written_so_is_refused(tmp_path, cells, options):
    with pytest.raises(DataError, match=r"'price' of '.*' holds numbers as text"):
        load_data(table(tmp_path, cells, ";"), targets=["price"], sep=";", **options)


@pytest.mark.parametrize("wrong", [{"sep": ";;"}, {"decimal": "5"}, {"thousands": "x"}, {"decimal": ""}, {"sep": "-"}])
def test_marks_are_single_characters(wrong):
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} must be one character, no digit, letter, sign or quote"):
        Writing(**wrong)


def test_two_meanings_of_one_mark_are_refused():
    with pytest.raises(UsageError, match=r"decimal and thousands are both '\.'"):
        Writing(thousands=".")
    assert Writing(thousands=".", decimal=",").given


def test_names_are_told_from_numbers():
    assert not any(map(is_numberlike, ["cat", "A4", "t10k", "B 12", "", "-", "n/a", "_x", "α1"]))
    assert all(map(is_numberlike, ["1", "-1", "v1.2", "EUR 3,4", "3D", "#5", "( 7 )", "٣"]))


@pytest.mark.parametrize(
    ("cells", "half"),
    [
        (["1.25", "2.5", "3"], 0.005),
        (["1.50", "2.00", "3.00"], 0.005),
        (["12", "-3", "400"], 0),
        (["1.5", "2e-3"], 0.0005),
        (["1.234e+01", "1.234e+01"], 0.005),
        (["1.5e0", "1.5e2"], np.sqrt((0.1**2 + 10**2) / 2) / 2),
        ([], 0),
    ],
)
def test_the_last_digit_written_says_how_fine_a_column_is(cells, half):
    assert written_to(cells) == pytest.approx(half, rel=1e-12)


def test_decimals_of_numbers_that_are_not_text_are_those_they_are_rounded_to():
    values = np.random.default_rng(0).standard_normal(100)
    for decimals in (1, 2, 7, 10):
        assert rounded_to(np.round(values, decimals)) == pytest.approx(0.5 * 10.0**-decimals)
    assert rounded_to(values) == rounded_to(np.arange(5.0)) == 0

import math

import pandas as pd
import pytest

import deepnrc
from experiments.studies.ufm.agreement import COLUMNS, HEADINGS, Row, frame, largest, near, smallest, worst
from experiments.studies.ufm.readings import compared, error
from probes import Outcome


def test_a_row_has_a_cell_for_every_heading():
    cells = Row("m", "s", 0.25, 0.25 + 1e-12, 2, 3, 3e-9, "nrc.1", 1.26).cells()
    assert dict(zip(HEADINGS, cells, strict=True))["Reached - predicted"] == "1.0e-12"
    assert cells[5:] == ["2 of 3", "3.0e-09", "nrc.1", "1.3"]
    assert Row("m", "s", 0.0, 0.0, 1, 1, None, "", 1.0).cells()[6] == ""


def test_a_frame_has_all_columns_and_the_worst_error_its_name():
    table = frame([{"measure": "rank", "value": 2.0}], part="p")
    assert tuple(table.columns) == COLUMNS
    assert table["part"].tolist() == ["p"]
    assert worst({"a": 1e-9, "b": 1e-3}) == (1e-3, "b")
    assert math.isnan(worst({})[0])


@pytest.mark.parametrize(
    ("value", "predicted", "expected"),
    [(0.3, 0.1, 0.2), (11.0, 10.0, 0.1), (1e6, math.inf, 1e-6), (-1e6, math.inf, 1e-6)],
)
def test_errors_are_absolute_up_to_one_and_relative_above(value, predicted, expected):
    assert error(value, predicted) == pytest.approx(expected)


@pytest.mark.parametrize("errors", [{"a": math.inf, "b": math.nan}, {"b": math.nan, "a": 1e-9}])
def test_an_error_that_could_not_be_read_is_the_worst(errors):
    error, which = worst(errors)
    assert (math.isnan(error), which) == (True, "b")
    assert Row("m", "s", 0.0, 0.0, 1, 1, error, which, 1.0).cells()[6:8] == ["not read", "b"]


@pytest.mark.parametrize("values", [[1.0, math.nan, 2.0], [math.nan, 1.0, 2.0], [2.0, 1.0, math.nan], []])
def test_extremes_of_what_could_not_be_read_are_nan(values):
    assert math.isnan(largest(values))
    assert math.isnan(smallest(values))


def test_extremes_and_nearness():
    assert (largest(iter([1.0, 3.0, 2.0])), smallest([3.0, 1.0, 2.0])) == (3.0, 1.0)
    assert [near(loss, 0.5) for loss in (0.5 - 1e-9, 0.5 - 1e-11, 0.5 + 1e-11, 0.5 + 1e-9)] == [
        False,
        True,
        True,
        False,
    ]
    assert not near(math.nan, 0.5)
    assert near(0.5 - 1e-9, 0.5, within=1e-8)


def test_a_predicted_measure_that_is_not_in_the_table_or_has_no_value_is_an_unread_error():
    rows = [{"layer": "W1", "measure": "deep.cka", "variant": "default", "value": math.nan}]
    report = deepnrc.Report(pd.DataFrame(rows))
    expected = {(name, "default"): Outcome(1.0) for name in ("deep.cka", "nrc.1")}
    found = compared(report, "W1", expected | {("nrc.2", "default"): Outcome(math.nan)})
    assert found["measure"].tolist() == ["deep.cka", "nrc.1"]
    assert found["predicted"].tolist() == [1.0, 1.0]
    assert found["error"].isna().all()

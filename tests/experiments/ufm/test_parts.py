import math

import pytest

from experiments.ufm.parts import COLUMNS, HEADINGS, Row, frame, worst
from experiments.ufm.readings import error


def test_a_row_has_a_cell_for_every_heading():
    cells = Row("m", "s", 0.25, 0.25 + 1e-12, 2, 3, 3e-9, "nrc.1", 1.26).cells()
    assert dict(zip(HEADINGS, cells, strict=True))["Reached - predicted"] == "1.0e-12"
    assert cells[5:] == ["2 of 3", "3.0e-09", "nrc.1", "1.3"]
    assert Row("m", "s", 0.0, 0.0, 1, 1, math.nan, "", 1.0).cells()[6] == ""


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

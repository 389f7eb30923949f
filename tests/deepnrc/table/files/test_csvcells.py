import csv
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deepnrc.table import COLUMNS, Table, read_csv, to_csv

TEXTS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "'",
    "'=1",
    "''",
    "-",
    "a=1",
    "",
    "NA",
    "nan",
    'q"t,',
    "\x1b",
]


def table(texts: list[str]) -> pd.DataFrame:
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "") | dict.fromkeys(["step", "depth", "n_samples", "dim"], -3)
    floats = {name: -0.5 for name, kind in COLUMNS.items() if kind == "float64"}
    rows = [row | floats | {"layer": text, "run": text, "target_dim": -1, "rank": 2} for text in texts]
    return Table.of(rows).table


def test_what_is_written_is_read_as_it_was(tmp_path: Any) -> None:
    frame = table(TEXTS)
    frame.loc[0, ["value", "low"]] = [np.nan, -np.inf]
    frame.loc[1, "rank"] = pd.NA
    frame.loc[2, "value"] = 1 / 3e-7
    pd.testing.assert_frame_equal(read_csv(to_csv(frame)), frame, check_exact=True)
    (tmp_path / "a.csv").write_bytes(to_csv(frame).encode())
    pd.testing.assert_frame_equal(read_csv(tmp_path / "a.csv"), frame, check_exact=True)


@pytest.mark.parametrize("text", TEXTS)
def test_no_text_begins_as_a_formula_and_numbers_are_as_they_are(text: str) -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv(table([text])), newline=""))
    assert not row["layer"].startswith(tuple("=+-@\t\r\n"))
    assert (row["value"], row["step"], row["rank"]) == ("-0.5", "-3", "2")
    assert row["layer"] in (text, f"'{text}")


def test_columns_named_by_others_are_marked_too() -> None:
    assert to_csv(pd.DataFrame({"=cmd": [-1.5], "b": [None]})) == "'=cmd,b\n-1.5,\n"

"""The tidy table as csv, of which no spreadsheet takes a name for a formula."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd

from deepnrc.table.schema import COLUMNS, completed

MARK = "'"
RUN = (
    *"=+-@\t\r\n",
    MARK,
)  # what a spreadsheet runs or drops in front of a formula, and the mark, to be told from ours


def to_csv(frame: pd.DataFrame) -> str:
    """A frame as csv without an index. Text that begins with one of = + - @, a tab or the end of a line has an
    apostrophe before it, as has text that begins with one; numbers are as they are."""
    texts = [name for name, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    marked = frame.assign(**{str(name): frame[name].map(_marked) for name in texts})
    marked = marked.rename(columns=_marked)
    text = marked.to_csv(index=False, lineterminator="\n")
    # pandas leaves a bare carriage return outside of quotes, which readers take for the end of a row
    return marked.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC) if "\r" in text else text


def read_csv(source: str | Path) -> pd.DataFrame:
    """The tidy table in a csv that ``to_csv`` wrote, as it was: in a file, or the text itself if it has several lines.

    Errors: as of ``pandas.read_csv``; KeyError or ValueError for a csv of another table.
    """
    held = io.StringIO(source) if isinstance(source, str) and "\n" in source else source
    cells = pd.read_csv(held, dtype=str, na_filter=False, lineterminator="\n")
    plain = cells.rename(columns=_plain).apply(lambda column: column.map(_plain))
    return completed(plain.assign(**{n: _number(plain[n], k) for n, k in COLUMNS.items() if n in plain}), COLUMNS)


def _marked(cell: object) -> object:
    return MARK + cell if isinstance(cell, str) and cell.startswith(RUN) else cell


def _plain(cell: str) -> str:
    return cell.removeprefix(MARK)


def _number(column: pd.Series[str], kind: str) -> pd.Series[Any]:
    if kind == "float64":
        return column.mask(column == "", "nan").astype(float)
    return column if kind == "str" else pd.to_numeric(column.mask(column == ""))

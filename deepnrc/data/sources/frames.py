"""Tables in files: csv and its kin, packed or not, Parquet, Feather and Excel."""

from __future__ import annotations

import csv
import gzip
import warnings
from collections.abc import Collection, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from deepnrc.data.sources.columns import NUMBER
from deepnrc.data.sources.numerals import Writing
from deepnrc.errors import DataError, UsageError, require
from deepnrc.loading import check_gzip, check_zip
from deepnrc.wording import Phrase, Remedy, listing, shown

TEXTS = {".csv": ",", ".tsv": "\t", ".csv.gz": ",", ".tsv.gz": "\t"}
BINARY = (".parquet", ".feather", ".xlsx")
TABLES = (*TEXTS, *BINARY)
WIDEST = 20_000
# before pandas 3.1 the default reading of decimals could be a last bit off
EXACT: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)


def ending(path: Path) -> str:
    """A file's ending in small letters, with the one before it for a packed file, ".csv.gz"."""
    return "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else path.suffixes[-1:]).lower()


def read_frame(
    path: Path, text_first: bool = False, headless: bool | None = None, writing: Writing | None = None
) -> pd.DataFrame:
    """The table in a file; with `text_first` its first column is kept as text.

    With `headless` a csv whose first line holds only numbers is read without a header, its columns named "0", "1", ...;
    with False it is refused with a word on how to say so, and with None as if there were no such way. `writing` says
    how a csv is written; if it says so of numbers, then all of them are read so.
    Errors: DataError if it is missing, unreadable, empty, too wide, or its columns have no names; UsageError if
    `writing` is given for another kind of file, and if openpyxl, which reads Excel's, is not installed.
    """
    if not path.is_file():
        raise DataError(f"There is no table '{path}' (looked from {Path.cwd()}). Check the path.")
    kind, writing = ending(path), writing or Writing()
    if kind in BINARY and writing != Writing():
        raise UsageError(f"sep, decimal and thousands are for tables of text; '{path}' is {kind}. Leave them out.")
    try:
        frame = _read_text(path, text_first, headless, writing) if kind in TEXTS else _read_binary(path, kind)
    except (DataError, UsageError):
        raise
    except Exception as error:  # arbitrary bytes make pandas and pyarrow raise almost anything
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(
            f"'{path}' cannot be read as a {kind} table ({reason}). ",
            *(_remedy(path, kind) or ["It may be damaged or of another kind."]),
        ) from error
    if frame.empty:
        raise DataError(f"The table '{path}' has no rows.")
    return frame.set_axis([str(name) for name in frame.columns], axis="columns").reset_index(drop=True)


def _remedy(path: Path, kind: str) -> list[Phrase]:
    """What to do about a table of text that is in UTF-16, begins with a comment, or has another mark between columns;
    nothing where none is seen."""
    if kind not in TEXTS:
        return []
    with (gzip.open if path.suffix.lower() == ".gz" else open)(path, "rb") as file:
        start = file.read(2**16)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ["It seems to be in UTF-16: save it as UTF-8."]
    lines = start.decode("utf-8", "replace").splitlines()[:20]
    if lines and lines[0].startswith("#"):
        return ["Its first line is a comment, where the names of the columns are looked for: remove it."]
    counts = {mark: {line.count(mark) for line in lines if line} for mark in ";\t|" if mark != TEXTS[kind]}
    found = next((mark for mark, count in counts.items() if len(count) == 1 and count != {0}), None)
    if found is None:
        return []
    commas = any("," in line for line in lines)
    decimals: list[Phrase] = [", and commas before decimals: ", Remedy("decimal", ",")] if commas else []
    return ["It has another mark between columns: ", Remedy("sep", "tab" if found == "\t" else found), *decimals, "."]


def read_cells(path: Path, columns: Collection[str], headless: bool, writing: Writing) -> pd.DataFrame:
    """The cells of some columns of a table of text, as they are written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it was said when the table was read
        header = _header(path, headless, writing)
    names = header or [str(number) for number in range(len(_first_line(path, writing)))]
    places = [names.index(name) for name in columns]
    frame = pd.read_csv(
        path, sep=_sep(path, writing), dtype=str, usecols=places, index_col=False, header="infer" if header else None
    )
    return frame.set_axis([names[place] for place in sorted(places)], axis="columns")


def _read_text(path: Path, text_first: bool, headless: bool | None, writing: Writing) -> pd.DataFrame:
    if path.suffix.lower() == ".gz":
        check_gzip(path)
    header = _header(path, headless, writing)
    kinds: Any = str if writing.given else {header[0]: str} if text_first and header else None
    with warnings.catch_warnings():
        # pandas only warns of rows longer than the header, and cuts them
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            path,
            sep=_sep(path, writing),
            dtype=kinds,
            index_col=False,
            low_memory=False,
            header="infer" if header else None,
            **EXACT,
        )
    if header is None:
        _warn_of_a_header(frame, path, writing)
    if not writing.given:
        return frame
    kept = 1 if text_first else 0
    return pd.concat([frame.iloc[:, :kept], frame.iloc[:, kept:].apply(_numbers, args=(writing,))], axis="columns")


def _numbers(column: pd.Series[str], writing: Writing) -> pd.Series[Any]:
    truths = column.str.lower()
    if truths.isin(("true", "false")).all():  # as in a table of which nothing is said about numbers
        return truths == "true"
    plain = writing.plain(column)
    return plain.astype(float) if plain.notna().equals(column.notna()) else column


def _read_binary(path: Path, kind: str) -> pd.DataFrame:
    if kind == ".parquet":
        _check_width(len(pq.read_schema(path)), path)
        return _plain(pd.read_parquet(path))
    if kind == ".feather":
        return _plain(pd.read_feather(path))
    require("openpyxl", "Install it with: pip install openpyxl, or save the table as a .csv.")
    check_zip(path)
    sheets = pd.read_excel(path, sheet_name=None, engine="openpyxl")
    filled = {str(name): sheet for name, sheet in sheets.items() if not sheet.empty}
    if len(filled) > 1:
        raise DataError(f"'{path}' has several sheets: {listing(filled)}. Save the one that is meant as a .csv.")
    return next(iter(filled.values()), pd.DataFrame())


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """With the columns that pandas had made an index of, which are columns of the file, and decimals as floats."""
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    frame = frame.reset_index(named) if named else frame
    exact = [n for n in frame if frame[n].dtype == object and all(isinstance(x, Decimal) for x in frame[n].dropna())]
    return frame.astype(dict.fromkeys((n for n in exact if frame[n].notna().any()), float))


def _sep(path: Path, writing: Writing) -> str:
    return writing.sep or TEXTS[ending(path)]


def _check_width(count: int, path: Path) -> None:
    if count > WIDEST:
        raise DataError(
            f"'{path}' has {count} columns; tables are read up to {WIDEST}. Save its numbers as arrays x and y in an "
            ".npz file."
        )


def _header(path: Path, headless: bool | None, writing: Writing) -> list[str] | None:
    """The names in the first line of a csv file; None if it is a row. Errors: DataError if they are no names."""
    header = _first_line(path, writing)
    if not header:
        raise DataError(f"The table '{path}' is empty.")
    _check_width(len(header), path)
    if all(is_number(name) for name in header):
        return _numeric_header(header, path, headless)
    blank = [number for number, name in enumerate(header, 1) if not name.strip()]
    if blank:
        raise DataError(
            f"Column {blank[0]} of '{path}' has no name. If it is the row index that pandas writes, save the table "
            "with index=False; else name it."
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        remedy = like_a_row(header) or " Give each its own name."
        raise DataError(f"'{path}' has more than one column named {listing(twice)}.{remedy}")
    return header


def _first_line(path: Path, writing: Writing) -> list[str]:
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
        return next(csv.reader(file, delimiter=_sep(path, writing)), [])


def _numeric_header(header: list[str], path: Path, headless: bool | None) -> list[str] | None:
    if not headless:
        row = (" If it is a row, give the targets by number: ", Remedy("targets", "-2,-1"), " or 8,9.")
        raise DataError(
            f"The first line of '{path}' holds only numbers. Give the table a header with column names.",
            *(() if headless is None else row),
        )
    if header != [str(number) for number in range(len(header))]:
        return None
    warnings.warn(
        f"The first line of '{shown(str(path))}', {header[0]} to {header[-1]}, is taken for the column numbers that "
        "pandas writes, not for a row. If it is a row, put a line of column names above it.",
        stacklevel=5,
    )
    return header


def _warn_of_a_header(frame: pd.DataFrame, path: Path, writing: Writing) -> None:
    """Warn if the first line, read as a row, may be column names: whole numbers that rise, or above ones that are not.

    Years as column names rise, and stand above measurements.
    """
    cells = _first_line(path, writing)
    if not all(NUMBER.fullmatch(cell) for cell in cells):
        return
    rising = all(int(a) < int(b) for a, b in pairwise(cells))
    if rising or any(pd.api.types.is_float_dtype(kind) for kind in frame.dtypes):
        warnings.warn(
            f"The first line of '{path}', {cells[0]} to {cells[-1]}, is taken for a row, since the targets are given "
            "by number. If it is a header, give the columns names that are not all numbers.",
            stacklevel=4,
        )


def like_a_row(header: Sequence[str]) -> str:
    """What to say of column names that are mostly numbers."""
    if 2 * sum(map(is_number, header)) <= len(header):
        return ""
    return " Its first line looks like a row of data: put a line of column names above it."


def is_number(text: str) -> bool:
    """Whether Python reads the text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True

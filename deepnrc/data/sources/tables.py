"""Tables with named columns: some are features, some are targets."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import TensorDataset

from deepnrc.data.sources.arrays import paired
from deepnrc.data.sources.columns import NUMBER, are_numbers, numbered
from deepnrc.errors import DataError, UsageError
from deepnrc.wording import Remedy, did_you_mean, listing


def read_table(path: Path, targets: Sequence[str] | None, dtype: torch.dtype) -> TensorDataset:
    """The columns `targets` of a .csv or .parquet table as targets (N, n), all its other columns as inputs (N, d).

    A single target column of text holds classes, numbered in alphabetical order; whole numbers in a table are
    regression targets, while (N,) of integers in an .npz or .npy file are classes. Targets given by number, from 0 or
    from the end as in "-2,-1", name the columns of a csv whose first line holds numbers only: it is read as a row.
    Errors: UsageError if no targets, or unknown ones, are named; DataError for a table that cannot be read, or a column
    that is not numeric or has missing values.
    """
    frame = read_frame(path, headless=are_numbers(targets))
    named = _named(targets, frame, path)
    features = frame.drop(columns=named)
    if features.columns.empty:
        raise UsageError(f"All columns of '{path}' are targets. Leave some out as features.")
    return paired(numbers(features, path), target_values(frame[named], path), dtype, str(path))


def read_frame(path: Path, text_first: bool = False, headless: bool | None = None) -> pd.DataFrame:
    """The table in a .csv or .parquet file; with `text_first` its first column is kept as text.

    With `headless` a csv whose first line holds only numbers is read without a header, its columns named "0", "1", ...;
    with False it is refused with a word on how to say so, and with None as if there were no such way.
    Errors: DataError if it is missing, unreadable, empty, or its columns have no names.
    """
    if not path.is_file():
        raise DataError(f"There is no table '{path}' (looked from {Path.cwd()}). Check the path.")
    try:
        if path.suffix.lower() == ".parquet":
            frame = pd.read_parquet(path)
        else:
            header = _header(path, headless)
            kinds = {header[0]: str} if text_first and header else None
            with warnings.catch_warnings():
                # pandas only warns of rows longer than the header, and cuts them
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame = pd.read_csv(
                    path, dtype=kinds, index_col=False, low_memory=False, header="infer" if header else None
                )
            if header is None:
                _warn_of_a_header(frame, path)
    except DataError:
        raise
    except (
        ValueError,
        OSError,
        csv.Error,
        pd.errors.ParserWarning,
    ) as error:  # pandas' and pyarrow's parsing errors are ValueErrors
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(
            f"'{path}' cannot be read as a {path.suffix} table ({reason}). It may be damaged or of another kind."
        ) from error
    if frame.empty:
        raise DataError(f"The table '{path}' has no rows.")
    return frame.set_axis([str(name) for name in frame.columns], axis="columns").reset_index(drop=True)


def _header(path: Path, headless: bool | None) -> list[str] | None:
    """The names in the first line of a csv file; None if it is a row. Errors: DataError if they are no names."""
    header = _first_line(path)
    if not header:
        raise DataError(f"The table '{path}' is empty.")
    if all(_is_number(name) for name in header):
        return _numeric_header(header, path, headless)
    blank = [number for number, name in enumerate(header, 1) if not name.strip()]
    if blank:
        raise DataError(
            f"Column {blank[0]} of '{path}' has no name. If it is the row index that pandas writes, save the table "
            "with index=False; else name it."
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        remedy = _like_a_row(header) or " Give each its own name."
        raise DataError(f"'{path}' has more than one column named {listing(twice)}.{remedy}")
    return header


def _first_line(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return next(csv.reader(file), [])


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
        f"The first line of '{path}', {header[0]} to {header[-1]}, is taken for the column numbers that pandas writes, "
        "not for a row. If it is a row, put a line of column names above it.",
        stacklevel=5,
    )
    return header


def _warn_of_a_header(frame: pd.DataFrame, path: Path) -> None:
    """Warn if the first line, read as a row, may be column names: whole numbers that rise, or above ones that are not.

    Years as column names rise, and stand above measurements.
    """
    cells = _first_line(path)
    if not all(NUMBER.fullmatch(cell) for cell in cells):
        return
    rising = all(int(a) < int(b) for a, b in pairwise(cells))
    if rising or any(pd.api.types.is_float_dtype(kind) for kind in frame.dtypes):
        warnings.warn(
            f"The first line of '{path}', {cells[0]} to {cells[-1]}, is taken for a row, since the targets are given "
            "by number. If it is a header, give the columns names that are not all numbers.",
            stacklevel=4,
        )


def _like_a_row(header: Sequence[str]) -> str:
    """What to say of column names that are mostly numbers."""
    if 2 * sum(map(_is_number, header)) <= len(header):
        return ""
    return " Its first line looks like a row of data: put a line of column names above it."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _named(targets: Sequence[str] | None, frame: pd.DataFrame, path: Path) -> list[str]:
    columns = list(frame.columns)
    if not targets:
        raise UsageError(
            f"Name the target columns of '{path}' with ", Remedy("targets"), f". Its columns are {listing(columns)}."
        )
    wanted = [targets] if isinstance(targets, str) else list(targets)
    named = [part for name in wanted for part in ([name] if name in columns else name.split(","))]
    if columns == [str(number) for number in range(len(columns))] and are_numbers(named):
        return [columns[number] for number in numbered(named, len(columns), str(path))]
    for name in named:
        if name not in columns:
            split = " The columns seem to be separated by ';' or tabs: use commas." if len(columns) == 1 else ""
            row = _like_a_row(columns) if are_numbers(name) and path.suffix.lower() != ".parquet" else ""
            hint = row or did_you_mean(name, columns) or split
            raise UsageError(f"'{path}' has no column {name!r}.{hint} Its columns are {listing(columns)}.")
    if len(set(named)) < len(named):
        raise UsageError(f"A target column is named twice: {listing(named)}. Name each once.")
    return named


def target_values(frame: pd.DataFrame, path: Path) -> np.ndarray:
    """Targets (N, n) as float64, or class numbers (N,) if the one column is text.

    Errors: as for `numbers`; DataError if most of the text is numbers, which one word among them made text.
    """
    column = frame.iloc[:, 0]
    if frame.shape[1] > 1 or pd.api.types.is_numeric_dtype(column.dtype):
        return numbers(frame, path)
    _refuse_missing(frame, path)
    if not all(isinstance(value, str) for value in column):
        raise DataError(
            f"The target column {column.name!r} of '{path}' holds {column.dtype}, not numbers or class names."
        )
    _refuse_numbers(column, path)
    return np.unique(column.to_numpy(dtype=str), return_inverse=True)[1]


def _refuse_numbers(column: pd.Series[str], path: Path) -> None:
    words = {int(row): cell for row, cell in column.items() if not _is_number(cell)}  # type: ignore[call-overload]
    if 2 * len(words) >= len(column):
        return
    if not words:
        raise DataError(f"The target column {column.name!r} of '{path}' holds numbers as text. Turn them into numbers.")
    row, cell = next(iter(words.items()))
    raise DataError(
        f"The target column {column.name!r} of '{path}' holds numbers, but text in {len(words)} of its {len(column)} "
        f"rows, first {cell!r} in row {row + 1}. Drop or correct those rows."
    )


def numbers(frame: pd.DataFrame, path: Path) -> np.ndarray:
    """All columns (N, d) as float64. Errors: DataError naming columns that are not numeric or have missing values."""
    other = [str(name) for name, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if other:
        raise DataError(
            f"These columns of '{path}' are not numeric: {listing(other)}. Drop them, or turn them into numbers."
        )
    _refuse_missing(frame, path)
    return frame.to_numpy(dtype=np.float64)


def _refuse_missing(frame: pd.DataFrame, path: Path) -> None:
    missing = frame.isna().sum()
    gaps = [f"{name} ({count})" for name, count in missing.items() if count]
    if gaps:
        raise DataError(f"'{path}' has missing values, by column: {listing(gaps)}. Drop or fill those rows.")

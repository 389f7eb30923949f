"""Tables with named columns: some are features, some are targets."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from deepnrc.data.batches import Samples
from deepnrc.data.sources.arrays import paired, say_truths
from deepnrc.data.sources.columns import are_numbers, numbered, parts
from deepnrc.data.sources.frames import TEXTS, ending, like_a_row, read_cells, read_frame
from deepnrc.data.sources.lists import bookkeeping, groups, spread
from deepnrc.data.sources.numerals import Writing, is_numberlike, refusal, rounded_to, written_to
from deepnrc.data.sources.recordings.lerobot import read_frames
from deepnrc.errors import DataError, UsageError
from deepnrc.wording import Phrase, Remedy, did_you_mean, listing, shown

USUAL = Writing()
COUNTED = 3
SPACED = 6  # fewer whole numbers are evenly spaced by chance
YEARS = (1800, 2200)
EXACT = 2**53


def read_table(
    path: Path,
    targets: Sequence[str] | None,
    dtype: torch.dtype,
    drop: Sequence[str] = (),
    writing: Writing = USUAL,
    observations: Sequence[str] | str | None = None,
    actions: Sequence[str] | str | None = None,
) -> Samples:
    """The columns `targets` of a table as targets (N, n), all its other columns but `drop` as inputs (N, d).

    A single target column of words holds classes, numbered in alphabetical order, and one of true and false the classes
    1 and 0, both of which is said; true and false among inputs are the numbers 1 and 0. Whole numbers in a
    table are regression targets, while (N,) of integers in an .npz or .npy file are classes. Targets given by number,
    from 0 or from the end as in "-2,-1", name the columns of a csv whose first line holds numbers only: it is read as a
    row. Targets are in double precision, and the samples' ``target_resolution`` says how finely they were written.
    Warns of a column that counts the rows. `observations` names the inputs, and `actions` the targets, of a recording.
    Columns of vectors are spread; LeRobot's bookkeeping is left out of the inputs, and its episodes are ``groups``; its
    folder of Parquet files is read as one table.
    Errors: UsageError if no targets, or unknown ones, are named; DataError for a table that cannot be read, or a column
    that is not numeric or has missing values.
    """
    if actions and targets:
        raise UsageError("Both targets and actions were given, which both name the target columns. Choose one.")
    headless = are_numbers(actions or targets)
    frame = read_frames(path) if path.is_dir() else read_frame(path, headless=headless, writing=writing)
    named = _named(actions or targets, frame, path)
    left_out = _dropped(drop, named, frame, path)
    if observations:
        features = frame[_named(observations, frame, path)]
    else:
        added = [name for name in bookkeeping(frame) if name not in named]
        features = frame.drop(columns=list(dict.fromkeys([*named, *left_out, *added])))
    if features.columns.empty:
        raise UsageError(f"All columns of '{path}' are targets. Leave some out as features.")
    features, wanted = spread(features, path), spread(frame[named], path)
    x, y = numbers(features, path), target_values(wanted, path)
    _warn_of_a_count(features, path)
    resolution = written_resolution(wanted, path, headless, writing) if y.ndim == 2 else None
    return paired(x, y, dtype, str(path), resolution=resolution, groups=groups(frame), names=list(map(str, features)))


def written_resolution(frame: pd.DataFrame, path: Path, headless: bool = False, writing: Writing = USUAL) -> Tensor:
    """Half a unit of the last digit to which each column (n,) is written, in a table of text, or else is rounded."""
    if ending(path) in TEXTS:
        cells = read_cells(path, list(frame.columns), headless, writing)
        found = [written_to(writing.plain(cells[name]).dropna()) for name in frame.columns]
    else:
        found = [rounded_to(frame[name].to_numpy(dtype=np.float64)) for name in frame.columns]
    return torch.tensor(found, dtype=torch.float64)


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
            text = ending(path) in TEXTS
            row = like_a_row(columns) if are_numbers(name) and text else ""
            hint = [row or did_you_mean(name, columns)] if row or len(columns) > 1 or not text else _unsplit(columns[0])
            raise UsageError(f"'{path}' has no column {name!r}.", *hint, f" Its columns are {listing(columns)}.")
    if len(set(named)) < len(named):
        raise UsageError(f"A target column is named twice: {listing(named)}. Name each once.")
    return named


def _unsplit(line: str) -> list[Phrase]:
    mark = "tab" if "\t" in line else next((mark for mark in ";|:, " if mark in line), ";")
    return [" The whole line is one column: say what stands between columns, such as ", Remedy("sep", mark), "."]


def _dropped(drop: Sequence[str], targets: list[str], frame: pd.DataFrame, path: Path) -> list[str]:
    columns = list(frame.columns)
    named = [part for name in drop for part in ([name] if name in columns else parts(name))]
    for name in named:
        if name not in columns:
            raise UsageError(
                f"'{path}' has no column {name!r} to drop.{did_you_mean(name, columns)} Its columns are "
                f"{listing(columns)}."
            )
        if name in targets:
            raise UsageError(f"The column {name!r} is a target and cannot be dropped too. Choose one of the two.")
    return named


def _warn_of_a_count(frame: pd.DataFrame, path: Path) -> None:
    counting = [name for name in frame.columns if _counts(frame[name].to_numpy())]
    if counting:
        warnings.warn(
            shown(
                f"The column {listing(counting)} of '{path}' counts the rows and is read as an input. If it is an "
                f"index, leave it out (drop, or --drop {','.join(counting)})."
            ),
            stacklevel=4,
        )


def _counts(values: np.ndarray) -> bool:
    """Whether the values are 0 to N-1 or 1 to N in their order, or, where there are several, whole and evenly spaced in
    any order from anywhere, as ids are, and no years."""
    count = len(values)
    if count < COUNTED or not np.isfinite(values).all() or not np.array_equal(values, np.round(values)):
        return False
    if values[0] in (0, 1) and np.array_equal(values, np.arange(count) + values[0]):
        return True
    ordered = np.sort(values)
    steps = np.diff(ordered)
    years = steps[0] == 1 and YEARS[0] <= ordered[0] and ordered[-1] <= YEARS[1]
    return count >= SPACED and steps[0] > 0 and bool((steps == steps[0]).all()) and not years


def target_values(frame: pd.DataFrame, path: Path) -> np.ndarray:
    """Targets (N, n) as float64, or class numbers (N,) if the one column is words, or true and false, which is said.

    Errors: as for `numbers`; DataError if any of the text looks like a number.
    """
    column = frame.iloc[:, 0]
    if frame.shape[1] == 1 and pd.api.types.is_bool_dtype(column.dtype):
        _refuse_missing(frame, path)
        say_truths(f"The target column {column.name!r} of '{path}'", stacklevel=5)
        return column.to_numpy(dtype=np.int64)
    if frame.shape[1] > 1 or pd.api.types.is_numeric_dtype(column.dtype):
        return numbers(frame, path, "target column")
    _refuse_missing(frame, path)
    if not all(isinstance(value, str) for value in column):
        raise DataError(
            f"The target column {column.name!r} of '{path}' holds {column.dtype}, not numbers or class names. Turn it "
            "into numbers, such as times into hours from the first, or name another one with ",
            Remedy("targets"),
            ".",
        )
    if any(map(is_numberlike, column)):
        raise refusal(column.name, column, path, "target column")
    words, classes = np.unique(column.to_numpy(dtype=str), return_inverse=True)
    warnings.warn(
        f"The target column {column.name!r} of '{shown(str(path))}' holds words, which are read as {len(words)} "
        f"classes in alphabetical order: {listing(list(words))}.",
        stacklevel=4,
    )
    return classes


def numbers(frame: pd.DataFrame, path: Path, what: str = "column") -> np.ndarray:
    """All columns (N, d) as float64. Errors: DataError naming columns that are not numeric or have missing values."""
    other = [str(name) for name, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    for name in other:
        cells = frame[name].dropna()
        if len(cells) and all(isinstance(cell, str) for cell in cells) and any(map(is_numberlike, cells)):
            raise refusal(name, cells, path, what)
    if other:
        raise DataError(
            f"These columns of '{path}' are not numeric: {listing(other)}. Leave them out with ",
            Remedy("drop", ",".join(other[:3])),
            ", or turn them into numbers.",
        )
    _refuse_missing(frame, path)
    _refuse_rounded(frame, path, what)
    return frame.to_numpy(dtype=np.float64)


def _refuse_rounded(frame: pd.DataFrame, path: Path, what: str) -> None:
    whole = [name for name in frame.columns if pd.api.types.is_integer_dtype(frame[name].dtype)]
    large = [str(name) for name in whole if max(int(frame[name].max()), -int(frame[name].min())) > EXACT]
    if large:
        remedy = ("Leave it out with ", Remedy("drop", ",".join(large[:3]))) if what == "column" else ("Divide it",)
        raise DataError(
            f"The {what} {listing(large)} of '{path}' holds whole numbers above 2**53, which double precision would "
            "round. ",
            *remedy,
            ", or subtract an offset.",
        )


def _refuse_missing(frame: pd.DataFrame, path: Path) -> None:
    missing = frame.isna().sum()
    gaps = [f"{name} ({count})" for name, count in missing.items() if count]
    if gaps:
        raise DataError(f"'{path}' has missing values, by column: {listing(gaps)}. Drop or fill those rows.")

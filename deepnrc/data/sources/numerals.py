"""Numbers written as text in the cells of a table: how they are read, what is refused, and how finely they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepnrc.errors import DataError, UsageError
from deepnrc.wording import Phrase, Remedy, listing

MINUS = "\u2212"
SPACES = "\u00a0\u202f\u2009"
TABS = {"tab": "\t", "\\t": "\t"}


@dataclass(frozen=True)
class Writing:
    """How a table of text is written: what stands between its columns, before the decimals and between thousands.

    None is the usual, a comma (in a .tsv a tab), a point, and nothing.
    Errors: UsageError for what is no single character, for digits and letters, and for one that is given twice.
    """

    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sep", TABS.get(self.sep or "", self.sep))
        for name in ("sep", "decimal", "thousands"):
            mark = getattr(self, name)
            if mark is not None and (len(mark) != 1 or mark.isalnum() or mark in '+-"'):
                raise UsageError(f"{name} must be one character, no digit, letter, sign or quote; it is {mark!r}.")
        if self.thousands is not None and self.thousands == (self.decimal or "."):
            raise UsageError(f"decimal and thousands are both {self.thousands!r}. Give the other one too.")

    @property
    def given(self) -> bool:
        """Whether something is said about the numbers."""
        return self.decimal is not None or self.thousands is not None

    def plain(self, cells: pd.Series[str]) -> pd.Series[str]:
        """The cells as Python writes numbers; missing where a cell is none, so written."""
        point, group = re.escape(self.decimal or "."), self._group()
        whole = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)" if group else r"\d+"
        number = rf"[+\-{MINUS}]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
        text = cells.str.strip()
        fits = text.str.fullmatch(number, na=False)
        text = text.where(fits).str.replace(MINUS, "-", regex=False)
        if group:
            text = text.str.replace(group, "", regex=True)
        return text.str.replace(self.decimal or ".", ".", regex=False)

    def _group(self) -> str:
        mark = self.thousands
        return "" if mark is None else f"[ {SPACES}]" if mark == " " or mark in SPACES else re.escape(mark)


def is_numberlike(cell: str) -> bool:
    """Whether a cell is more of a number, an amount or a date than a name: it begins with a digit once signs are passed
    over, or has digits on both sides of a mark."""
    bare = re.sub(r"^[\W_]+", "", cell)
    return bare[:1].isnumeric() or re.search(r"\d[^\w\s]\d", cell) is not None


TIME = re.compile(
    r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})?[T ]?(\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?( ?(Z|[ap]m|[+-]\d{2}:?\d{2}))?", re.I
)
ID = re.compile(r"[0-9a-fA-F][0-9a-fA-F-]{7,}")


def are_times(cells: Iterable[str]) -> bool:
    """Whether all cells are dates, times of day or both: 2024-01-31T12:00:00Z, 31/1/2024, 12:30."""
    return all(re.search(r"\d[-/.:]\d", cell) and TIME.fullmatch(cell.strip()) for cell in cells)


def are_ids(cells: Sequence[str]) -> bool:
    """Whether all cells are different words of hexadecimal digits, as UUIDs and hashes are."""
    letters = any(re.search(r"[a-fA-F]", cell) for cell in cells)
    return letters and len(set(cells)) == len(cells) and all(ID.fullmatch(cell.strip()) for cell in cells)


def refusal(name: object, cells: pd.Series[str], path: object, what: str) -> DataError:
    """The error for a column of text that looks like numbers."""
    held = f"The {what} {name!r} of '{path}' holds"
    drop: tuple[Phrase, ...] = (
        (" Or leave the column out with ", Remedy("drop", str(name)), ".") if what == "column" else ()
    )
    kind = "dates or times" if are_times(cells) else "ids" if are_ids(list(cells)) else ""
    if kind:
        remedy = "Turn them into numbers, such as hours from the first." if kind != "ids" else "They are no numbers."
        return DataError(f"{held} {kind}, such as {listing(list(dict.fromkeys(cells)), 2)}. {remedy}", *drop)
    like = {int(row): cell for row, cell in cells.items() if is_numberlike(cell)}  # type: ignore[call-overload]
    words = {int(row): cell for row, cell in cells.items() if row not in like}  # type: ignore[call-overload]
    if words:
        most, few, odd = ("numbers", "text", words) if len(words) < len(like) else ("words", "numbers", like)
        row, cell = next(iter(odd.items()))
        return DataError(
            f"{held} {most}, but {few} in {len(odd)} of its {len(cells)} rows, first {cell!r} in row {row + 1}. Drop "
            "or correct those rows; classes need names that are no numbers.",
            *drop,
        )
    shown = listing(list(dict.fromkeys(like.values())), 3)
    return DataError(
        f"{held} numbers as text, such as {shown}. Turn them into numbers, or say how they are written, as 1,5 with ",
        Remedy("decimal", ","),
        " and 1,200 with ",
        Remedy("thousands", ","),
        ". Signs of currency, percent, units and brackets have to go.",
        *drop,
    )


def written_to(cells: Iterable[str]) -> float:
    """Half a unit of the last digit to which a column of numbers is written; 0 for whole numbers, taken for counts.

    Numbers that all have an exponent are rounded each by itself, and give the root of their mean square.
    """
    digits = [_last_digit(cell) for cell in cells]
    if not digits or all(last == 0 and not floating for last, floating in digits):
        return 0.0
    lasts = np.array([last for last, _ in digits])
    if all(floating for _, floating in digits):
        return float(np.sqrt(np.mean(10.0 ** (2 * lasts)))) / 2
    return float(10.0 ** lasts.min()) / 2


def rounded_to(values: np.ndarray) -> float:
    """Half a unit of the decimal to which all values are rounded; 0 for whole numbers and for over ten decimals."""
    for decimals in range(11):
        if np.array_equal(np.round(values, decimals), values):
            return 0.5 * 10.0**-decimals if decimals else 0.0
    return 0.0


def _last_digit(cell: str) -> tuple[int, bool]:
    """The power of ten of a number's last digit, and whether it has an exponent."""
    mantissa, mark, exponent = cell.strip().lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return (int(exponent) if mark else 0) - decimals, bool(mark)

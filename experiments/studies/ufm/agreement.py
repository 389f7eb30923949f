"""What a part of the study brings home: closed forms beside what was reached, claims, and every value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from experiments.claims import Verdict

TOP = "Andriopoulos et al. 2024"
CLASSES = "Tirer & Bruna 2022"
OURS = "closed form, probes.ufm"
CLOSE = 1e-10  # of the predicted loss: a descent this near has reached it
END = -1  # in the column "iteration": after L-BFGS

COLUMNS = ("part", "setting", "lambda_h", "lambda_w", "seed", "iteration", "layer", "measure", "value", "predicted")
HEADINGS = ("Model", "Setting", "Predicted loss", "Reached loss", "Reached - predicted", "Starts that reach it",
            "Largest error of a measure", "Which", "Seconds")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One closed form beside what descent reached.

    Attributes:
        model, setting: in words.
        predicted, reached: losses; of several starts the lowest.
        near, starts: how many of the starts came within CLOSE of the predicted loss.
        error, which: the measure furthest from its prediction at the best start; NaN if one could not be read, None
            where nothing is predicted.
        seconds: of descent and probing.
    """

    model: str
    setting: str
    predicted: float
    reached: float
    near: int
    starts: int
    error: float | None
    which: str
    seconds: float

    def cells(self) -> list[str]:
        """As the table shows it."""
        return [
            self.model, self.setting, f"{self.predicted:.10g}", f"{self.reached:.10g}",
            f"{self.reached - self.predicted:.1e}", f"{self.near} of {self.starts}",
            self._error(), self.which, f"{self.seconds:.1f}",
        ]  # fmt: skip

    def _error(self) -> str:
        if self.error is None:
            return ""
        return "not read" if math.isnan(self.error) else f"{self.error:.1e}"


@dataclass(frozen=True)
class Part:
    """One part of the study, finished: every value has a row in ``table``, of the columns COLUMNS."""

    name: str
    caption: str
    rows: tuple[Row, ...]
    claims: tuple[Verdict, ...]
    table: pd.DataFrame
    cells: int

    def summary(self) -> dict[str, Any]:
        """The table of closed forms, as plain values."""
        return {"caption": self.caption, "columns": list(HEADINGS), "rows": [row.cells() for row in self.rows]}


def frame(records: Sequence[dict[str, Any]], **shared: Any) -> pd.DataFrame:
    """Records as rows of COLUMNS; what none of them says is missing."""
    return pd.DataFrame([{**shared, **record} for record in records], columns=list(COLUMNS))


def worst(errors: dict[str, float]) -> tuple[float, str]:
    """The largest error and whose it is, the first NaN before any number; NaN if there is none."""
    which = max(errors, key=lambda name: (math.isnan(errors[name]), errors[name]), default="")
    return (errors[which], which) if which else (math.nan, "")


def largest(values: Iterable[float]) -> float:
    """The largest value; NaN if one of them is, or if there is none."""
    known = list(values)
    return max(known) if known and not any(map(math.isnan, known)) else math.nan


def smallest(values: Iterable[float]) -> float:
    """The smallest value; NaN if one of them is, or if there is none."""
    return -largest(-value for value in values)


def near(loss: float, predicted: float, within: float = CLOSE) -> bool:
    """Whether a loss is the predicted one: neither above nor below it by ``within``; NaN is not."""
    return abs(loss - predicted) < within

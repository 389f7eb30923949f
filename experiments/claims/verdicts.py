"""A claim's number held against its threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """A statement with the number that was measured for it.

    Attributes:
        statement, source: in words, and where it is made.
        measured: NaN where it could not be read.
        relation, threshold: "<" or ">", and what the number must be below or above.
    """

    statement: str
    source: str
    measured: float
    relation: str
    threshold: float

    @property
    def holds(self) -> bool:
        """Whether the number bears the statement out; NaN does not."""
        return self.measured < self.threshold if self.relation == "<" else self.measured > self.threshold

    @property
    def answer(self) -> str:
        """In a word or two."""
        if math.isnan(self.measured):
            return "not measurable"
        return "holds" if self.holds else "does not hold"

    @property
    def line(self) -> str:
        """For a terminal."""
        return f"[{self.answer}] {self.statement}: {self.measured:.3g} ({self.relation} {self.threshold:g})"

    def row(self) -> dict[str, Any]:
        """As plain values, for pages and documents."""
        return {
            "claim": self.statement,
            "source": self.source,
            "measured": f"{self.measured:.3g}",
            "threshold": f"{self.relation} {self.threshold:g}",
            "verdict": self.answer,
        }

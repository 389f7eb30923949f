"""A claim about some settings of a study, its verdict, and a study with its claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from experiments.runner import Fact, Results, Study, in_words


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


@dataclass(frozen=True)
class Claim:
    """A statement of a paper that a study can hold against what it measured.

    Attributes:
        statement: in words.
        source: where it is made.
        read: reads one number off the results; NaN where it cannot be read.
        relation: "<" or ">": how the number must stand to ``threshold`` for the claim to hold.
        threshold: ours, unless the source names one.
        where: the facts of the settings that it is about; of all, if it names none.
    """

    statement: str
    source: str
    read: Callable[[Results], float]
    relation: str
    threshold: float
    where: Mapping[str, Fact] = field(default_factory=dict)

    def measured(self, results: Results) -> float:
        """The number, read off the settings that the claim is about; NaN if none of them was run."""
        if not any(setting.has(self.where) for setting in results.study.settings):
            return math.nan
        return float(self.read(results.where(**self.where)))

    def against(self, value: float) -> Verdict:
        """The claim held against a number."""
        told = f"{self.statement} ({in_words(self.where)})" if self.where else self.statement
        return Verdict(told, self.source, value, self.relation, self.threshold)


def within(claims: Iterable[Claim], **facts: Fact) -> tuple[Claim, ...]:
    """The same claims about the settings that have these facts too."""
    return tuple(replace(claim, where={**claim.where, **facts}) for claim in claims)


@dataclass(frozen=True)
class Inquiry:
    """A study with the claims that its results are held against.

    Errors: ValueError for a claim about a fact that no setting has.
    """

    study: Study
    claims: tuple[Claim, ...] = ()

    def __post_init__(self) -> None:
        strange = [name for claim in self.claims for name in claim.where if name not in self.study.facts]
        if strange:
            raise ValueError(
                f"A claim is about the fact {strange[0]!r}, which no setting of '{self.study.name}' has; there are "
                f"{', '.join(self.study.facts)}."
            )

    def verdicts(self, results: Results) -> list[Verdict]:
        """Every claim with its number."""
        return [claim.against(claim.measured(results)) for claim in self.claims]

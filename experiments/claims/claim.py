"""A claim about some settings of a study, read seed by seed, and a study with its claims."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from experiments.claims.learning import why_unread
from experiments.claims.verdict import Verdict, bootstrap
from experiments.runner import Fact, Results, Study, in_words, reread

MOST_SETTINGS = 6  # of which every combination of low and high ends is read


@dataclass(frozen=True)
class Claim:
    """A statement of a paper that a study can hold against what it measured.

    Attributes:
        statement: in words.
        source: where it is made.
        read: reads the effect off the results of one seed; NaN where it cannot be read.
        relation: "<" or ">": how the effect must stand to ``threshold`` for the claim to hold.
        threshold: ours, unless the source names one.
        where: the facts of the settings that it is about; of all, if it names none.
        published: what the published curves give for the same; None where there are none.
        unread: says why it cannot be read off the results of one seed.
        why: what is known of why it does not hold here, where it does not.
    """

    statement: str
    source: str
    read: Callable[[Results], float]
    relation: str
    threshold: float
    where: Mapping[str, Fact] = field(default_factory=dict)
    published: float | None = None
    unread: Callable[[Results], str] = why_unread
    why: str = ""

    @property
    def told(self) -> str:
        """The statement, with the settings that it is about in brackets."""
        return f"{self.statement} ({in_words(self.where)})" if self.where else self.statement

    def measured(self, results: Results) -> float:
        """The effect, read off the settings that the claim is about; NaN if none of them was run."""
        if not self._about(results):
            return math.nan
        return float(self.read(results.where(**self.where)))

    def against(self, value: float) -> Verdict:
        """The claim held against a single number."""
        return Verdict(
            self.told, self.source, value, self.relation, self.threshold, published=self.published, why=self.why
        )  # fmt: skip

    def judged(self, results: Results) -> Verdict:
        """The claim read in each seed; seeds in which it cannot be read are left out by name.

        It takes two seeds to judge, unless the study has one alone.
        """
        readings: dict[int, float] = {}
        left_out: dict[int, str] = {}
        for seed in results.study.seeds:
            mine = results.single(seed)
            value = self.measured(mine)
            if math.isnan(value):
                left_out[seed] = self.unread(mine.where(**self.where)) if self._about(mine) else "was not run"
            else:
                readings[seed] = value
        effect = float(np.mean(list(readings.values()))) if readings else math.nan
        alone = len(results.study.seeds) == 1
        interval = self._ends(results) if alone and readings else bootstrap(list(readings.values()))
        needed = 1 if alone else 2
        return replace(
            self.against(effect), readings=readings, left_out=left_out, interval=interval, needed=needed
        )  # fmt: skip

    def _about(self, results: Results) -> bool:
        return any(setting.has(self.where) for setting in results.study.settings)

    def _ends(self, results: Results) -> tuple[float, float]:
        """Least and largest effect with the values of each setting at their low or at their high ends; NaN where the
        probe gave no intervals."""
        mine = results.where(**self.where)
        labels = mine.settings
        if len(labels) > MOST_SETTINGS or "low" not in mine.table or mine.table["low"].isna().all():
            return math.nan, math.nan
        combined = itertools.product(("low", "high"), repeat=len(labels))
        found = [self.read(mine.at_ends(dict(zip(labels, ends, strict=True)))) for ends in combined]
        return float(np.nanmin(found)), float(np.nanmax(found))


def within(claims: Iterable[Claim], **facts: Fact) -> tuple[Claim, ...]:
    """The same claims about the settings that have these facts too."""
    return tuple(replace(claim, where={**claim.where, **facts}) for claim in claims)


def at_rank(claims: Iterable[Claim], label: str, rank: int) -> tuple[Claim, ...]:
    """The same claims about one setting, read off its networks at another signal rank than it has."""
    known: dict[tuple[Path, ...], Results] = {}

    def again(results: Results) -> Results:
        if results.folders not in known:
            known[results.folders] = reread(results, label, rank=rank)
        return known[results.folders]

    def reading(claim: Claim) -> Callable[[Results], float]:
        return lambda results: claim.read(again(results))

    return tuple(
        replace(claim, statement=f"{claim.statement} (read at k = {rank})", read=reading(claim)) for claim in claims
    )


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
        """Every claim, judged."""
        return [claim.judged(results) for claim in self.claims]

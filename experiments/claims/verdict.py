"""A statement with what was measured for it, in each seed or as one number."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

ENUMERATED = 4  # seeds up to which every resample is taken; beyond, DRAWS of them
DRAWS = 4000
HOLDS, SOME, NONE, OPEN = STANDINGS = ("holds", "in some seeds", "does not hold", "cannot be judged")


@dataclass(frozen=True)
class Verdict:
    """A statement with the effect that was measured for it.

    Attributes:
        statement, source: in words, and where it is made.
        measured: the effect: the mean over the seeds, or a single number; NaN where it could not be read.
        relation, threshold: "<" or ">", and what the effect must be below or above.
        readings: the effect in each seed that could be judged; empty for a single number.
        left_out: why each other seed could not be.
        interval: 95 %, over seeds by bootstrap, of a single seed by the probe's intervals; NaN where there is none.
        needed: how many seeds it takes to judge.
        published: what the published curves give for the same; None where there are none.
        why: what is known of why it does not hold, where it does not.
    """

    statement: str
    source: str
    measured: float
    relation: str
    threshold: float
    readings: Mapping[int, float] = field(default_factory=dict)
    left_out: Mapping[int, str] = field(default_factory=dict)
    interval: tuple[float, float] = (math.nan, math.nan)
    needed: int = 1
    published: float | None = None
    why: str = ""

    def borne_out(self, value: float) -> bool:
        """Whether a number bears the statement out; NaN does not."""
        return value < self.threshold if self.relation == "<" else value > self.threshold

    @property
    def holds(self) -> bool:
        """Whether it holds in every seed that can be judged."""
        return self.standing == HOLDS

    @property
    def held(self) -> int:
        """In how many seeds it holds."""
        return sum(self.borne_out(value) for value in self.readings.values())

    @property
    def standing(self) -> str:
        """Holds (in every judged seed), in some seeds, does not hold (in none), or cannot be judged."""
        if not self.readings and not self.left_out:
            return OPEN if math.isnan(self.measured) else HOLDS if self.borne_out(self.measured) else NONE
        if len(self.readings) < self.needed:
            return OPEN
        return HOLDS if self.held == len(self.readings) else SOME if self.held else NONE

    @property
    def answer(self) -> str:
        """In a few words: over seeds, in how many of those that can be judged it holds."""
        if self.standing == OPEN or not self.readings:
            return self.standing
        return f"holds in {self.held} of {len(self.readings)} seed{'s' if len(self.readings) > 1 else ''}"

    @property
    def told_left_out(self) -> str:
        """Which seeds were left out and why; "" for none."""
        return "; ".join(f"seed {seed}: {why}" for seed, why in self.left_out.items())

    @property
    def effect(self) -> str:
        """The effect with its interval, where there is one; "-" where it could not be read."""
        if math.isnan(self.measured):
            return "-"
        low, high = self.interval
        return f"{self.measured:.3g}" if math.isnan(low) else f"{self.measured:.3g} [{low:.3g}, {high:.3g}]"

    @property
    def told_published(self) -> str:
        """What the published curves give, and whether that bears the statement out; "" where there are none."""
        if self.published is None:
            return ""
        return f"{self.published:.3g}, {'holds' if self.borne_out(self.published) else 'does not hold'}"

    @property
    def line(self) -> str:
        """For a terminal."""
        told = f"[{self.answer}] {self.statement}: {self.effect} (ours: {self.relation} {self.threshold:g}"
        told += f"; published: {self.told_published})" if self.told_published else ")"
        return f"{told} Left out: {self.told_left_out}." if self.left_out else told

    def row(self) -> dict[str, Any]:
        """As plain values, for pages and documents."""
        return {
            "claim": self.statement,
            "source": self.source,
            "measured": self.effect,
            "threshold": f"{self.relation} {self.threshold:g}",
            "published": self.told_published,
            "verdict": self.answer,
            "left out": self.told_left_out,
            "standing": self.standing,
            "why": self.why if self.standing in (SOME, NONE) else "",
            "held": self.held,
            "judged": len(self.readings),
        }


def bootstrap(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean by bootstrap over seeds: all resamples of up to four, else 4000 drawn ones.

    Of two or three seeds that is their range, which is all that they tell. NaN for fewer than two.
    """
    if len(values) < 2:
        return math.nan, math.nan
    given = np.asarray(values, float)
    if len(given) <= ENUMERATED:
        resamples = np.array(list(itertools.product(given, repeat=len(given))))
    else:
        resamples = np.random.default_rng(0).choice(given, (DRAWS, len(given)))
    means = resamples.mean(1)
    return float(np.quantile(means, 0.025, method="lower")), float(np.quantile(means, 0.975, method="higher"))

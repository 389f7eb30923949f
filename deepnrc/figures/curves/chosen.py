"""Which lines a figure shows: one a step or run, and not too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
import seaborn as sns

from deepnrc.errors import UsageError
from deepnrc.figures.words import labels
from deepnrc.table import Table
from deepnrc.wording import Argument, Remedy, listing

HUES = ("step", "run")
STEPS = 6
MARKERS = "osD^vPX<>"


@dataclass(frozen=True)
class Curve:
    """One line: what it is called, how it looks, and its rows in order of depth or step."""

    words: str
    colour: tuple[float, float, float]
    marker: str
    rows: pd.DataFrame


def hue_of(report: Table, hue: str | None) -> str:
    """What tells the lines apart. Errors: UsageError for an unknown word, and for the steps of several runs."""
    if hue is None:
        return "run" if len(report.runs) > 1 else "step"
    if hue not in HUES:
        raise UsageError(Argument("hue", hue), f" must be one of {listing(HUES)}, or None; it is {hue!r}.")
    if hue == "step" and len(report.runs) > 1:
        raise UsageError(
            f"Lines by step show one run, and this report has {listing(report.runs)}. Use ",
            Remedy("hue", "run"),
            ", or draw each run's own report.",
        )
    return hue


def curves(report: Table, measure: str, variant: str, hue: str) -> list[Curve]:
    """The lines to draw, in order of step or run."""
    rows = report.values(measure, variant)
    steps = sorted(set(rows["step"]))
    if hue == "step" and rows["depth"].nunique() > 1:
        kept = log_thinned(steps)
        colours = sns.color_palette("crest", len(kept))
        return [Curve(f"{s}", c, "o", rows[rows["step"] == s]) for s, c in zip(kept, colours, strict=True)]
    last = rows["step"] == rows.groupby("run")["step"].transform("max")
    rows = rows if rows["depth"].nunique() == 1 else rows[last]
    looks = zip(report.runs, labels(report.runs), run_colours(report.runs).values(), cycle(MARKERS), strict=False)
    return [
        Curve(words, colour, marker, rows[rows["run"] == run])
        for run, words, colour, marker in looks
        if (rows["run"] == run).any()
    ]


def run_colours(runs: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """A colour for each run, the same in every figure of a report."""
    palette = "colorblind" if len(runs) <= 8 else "husl"
    return dict(zip(runs, sns.color_palette(palette, len(runs)), strict=True))


def log_thinned(steps: list[int], most: int = STEPS) -> list[int]:
    """At most so many steps: the first, the last, and those nearest to evenly log-spaced ones between.

    >>> log_thinned(list(range(101)))
    [0, 2, 5, 15, 39, 100]
    """
    if len(steps) <= most:
        return steps
    logs = np.log1p(np.array(steps) - steps[0])
    wanted = np.linspace(0, logs[-1], most)
    return [steps[i] for i in sorted({int(np.abs(logs - w).argmin()) for w in wanted})]


def over_steps(drawn: list[Curve]) -> bool:
    """Whether the horizontal axis is steps, for a measure with one value a step."""
    rows = pd.concat([curve.rows for curve in drawn])
    return bool(rows["depth"].nunique() == 1 and rows["step"].nunique() > 1)

"""Which lines a figure shows: one a step, a run or a group of runs, and not too many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np
import pandas as pd
import seaborn as sns

from deepnrc.errors import UsageError
from deepnrc.figures.words import labels
from deepnrc.table import SILENT, Table, labelled_by, spread
from deepnrc.wording import Argument, Remedy, listing

HUES = ("step", "run")
STEPS = 6
MARKERS = "osD^vPX<>"
PLACE = "place"  # column: where a row stands along what was swept
Along = str | Mapping[str, object] | None


@dataclass(frozen=True)
class Curve:
    """One line: what it is called, how it looks, and its rows in order of depth, step or place.

    Rows of a group of runs are their means, and have columns ``low`` and ``high``, the ends of its band.
    """

    words: str
    colour: tuple[float, float, float]
    marker: str
    rows: pd.DataFrame


@dataclass(frozen=True)
class Comparison:
    """What tells lines apart and what lies below them; see ``lines`` for the arguments."""

    hue: str | None = None
    along: Along = None
    groups: Mapping[str, str] | None = None
    band: str = "range"

    @property
    def swept(self) -> Mapping[str, object] | None:
        """By run, the value of what was swept; None if that is not what lies below."""
        return None if self.along is None or isinstance(self.along, str) else self.along

    @property
    def values(self) -> list[object]:
        """The values of what was swept, ascending if they are numbers, else as they come."""
        found = list(dict.fromkeys((self.swept or {}).values()))
        return sorted(found) if all(isinstance(value, int | float) for value in found) else found  # type: ignore[type-var]

    @property
    def places(self) -> dict[str, int]:
        """By run, the place of its value among them."""
        order = self.values
        return {run: order.index(value) for run, value in (self.swept or {}).items()}

    def checked(self, report: Table) -> Comparison:
        """The same with a hue. Errors: UsageError for words that will not do, and for the steps of several runs."""
        if isinstance(self.along, str) and self.along not in ("depth", "step"):
            raise UsageError(
                Argument("along", self.along),
                f" must be 'depth', 'step', a value for each run, or None; it is {self.along!r}.",
            )
        if self.swept is not None:
            report.where(run=list(self.swept))
        if self.groups is not None and self.hue == "step":
            raise UsageError("Lines by step show one run, and groups= makes lines of several. Leave one of them out.")
        return replace(self, hue="run" if self.groups is not None else hue_of(report, self.hue))

    def shown(self, report: Table) -> Table:
        """The table whose runs are the lines: the groups, where there are any."""
        return report if self.groups is None else report.means(self.groups)


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


def curves(report: Table, measure: str, variant: str, choice: Comparison) -> list[Curve]:
    """The lines to draw, in order of step, run or group."""
    rows = report.values(measure, variant)
    if choice.swept is not None:
        return _swept(rows, choice)
    if choice.groups is not None:
        rows = spread(labelled_by(rows, choice.groups), ["run", "step", "depth"], choice.band)
        rows = rows.sort_values(["step", "depth"], kind="stable")
    if choice.along == "step":
        rows = rows[_deepest(rows)]
    steps = sorted(set(rows["step"]))
    one_layer = rows["depth"].nunique() == 1
    if choice.hue == "step" and not one_layer:
        kept = log_thinned(steps)
        colours = sns.color_palette("crest", len(kept))
        return [Curve(f"{s}", c, "o", rows[rows["step"] == s]) for s, c in zip(kept, colours, strict=True)]
    last = rows["step"] == rows.groupby("run")["step"].transform("max")
    over = choice.along == "step" or (choice.along is None and one_layer)
    runs = report.runs if choice.groups is None else [str(label) for label in dict.fromkeys(choice.groups.values())]
    return _by_run(rows if over else rows[last], runs)


def _swept(rows: pd.DataFrame, choice: Comparison) -> list[Curve]:
    """The deepest layer's value at each run's last step, over what was swept; a line a group."""
    places, groups = choice.places, choice.groups
    rows = rows[rows["run"].isin(list(places)) & (rows["status"] != "not defined")]
    rows = rows[rows["step"] == rows.groupby("run")["step"].transform("max")]
    rows = rows[_deepest(rows)]
    rows = rows.assign(**{PLACE: rows["run"].map(places)})
    groups = dict.fromkeys(places, "") if groups is None else groups
    rows = spread(labelled_by(rows, {run: g for run, g in groups.items() if run in set(rows["run"])}), ["run", PLACE],
                  choice.band).sort_values(PLACE, kind="stable")  # fmt: skip
    return _by_run(rows, [str(label) for label in dict.fromkeys(groups.values())])


def _by_run(rows: pd.DataFrame, runs: Sequence[str]) -> list[Curve]:
    looks = zip(runs, labels(runs), run_colours(runs).values(), cycle(MARKERS), strict=False)
    return [
        Curve(words, colour, marker, rows[rows["run"] == run])
        for run, words, colour, marker in looks
        if (rows["run"] == run).any()
    ]


def _deepest(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which rows are of the last layer of their run that has a value."""
    known = rows["depth"].where(~rows["status"].isin(SILENT), rows["depth"].min())
    return rows["depth"] == known.groupby(rows["run"]).transform("max")


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


def over(drawn: Sequence[Curve], along: Along) -> str:
    """The column of the horizontal axis: what was asked for, or steps for a measure with one value a step."""
    if along is not None:
        return along if isinstance(along, str) else PLACE
    rows = pd.concat([curve.rows for curve in drawn])
    return "step" if rows["depth"].nunique() == 1 and rows["step"].nunique() > 1 else "depth"

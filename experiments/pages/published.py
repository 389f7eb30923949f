"""Networks of a study beside those of a paper: which measures can be compared, their pictures and their table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepnrc import Report, figures
from deepnrc.table import PublishedCurve, beside, described, published_curves
from experiments.runner import Beside, Results, reread

CAPTION = (
    "Beside the published curves: mean over seeds, layer by layer. What enters the first layer is the data alone, so "
    "that its values tell how far the data are the authors'."
)
COLUMNS = ["setting", "published network", "measure", "first layer", "median difference", "largest difference",
           "in layer"]  # fmt: skip


@dataclass(frozen=True)
class Couple:
    """A setting's networks, as one run that is their mean, and the curves that they can be held against."""

    told: Beside
    report: Report
    curves: tuple[PublishedCurve, ...]

    @property
    def slug(self) -> str:
        """The published network as part of a file's name."""
        return re.sub(r"[^a-z0-9]+", "-", " ".join(self.told.published).lower()).strip("-")


def pairs(results: Results) -> list[Couple]:
    """What stands beside what; without those that share no measure, as where flags changed the number of layers."""
    found = []
    for told in results.study.beside:
        runs = {run: label for run, label in results.runs().items() if label == told.label}
        if runs:
            report = results.report.where(run=list(runs)).means(runs).at()
            curves = tuple(curve for curve in published_curves() if _of(told, curve) and comparable(report, curve))
            found += [Couple(told, report, curves)] if curves else []
    return found


def _of(told: Beside, curve: PublishedCurve) -> bool:
    return (curve.study, curve.series) == told.published


def comparable(report: Report, curve: PublishedCurve) -> bool:
    """Whether a report has the curve's measure, of as many layers, and, if k decides on it, at the same k."""
    table = report.table
    rows = table[(table["measure"] == curve.measure) & (table["variant"] == curve.variant)]
    matched = len(rows) == (1 if list(curve.values) == [0] else curve.layers)
    if not described(curve.measure, curve.variant).top_k or not matched:
        return matched
    return set(rows["rank"].dropna()) == {curve.k}


def draw_pair(pair: Couple, path: Path) -> None:
    """One panel a measure: the mean over seeds, and the published curve over it."""
    measures = [(curve.measure, curve.variant) for curve in pair.curves if list(curve.values) != [0]]
    figures.overview(pair.report, measures, along="depth", published=pair.told.published, path=path)


def draw_again(results: Results, told: Beside, rank: int, path: Path) -> None:
    """The main measures of the same networks at another signal rank, mean and range over seeds."""
    report = reread(results, told.label, rank=rank).report
    figures.overview(report, along="depth", groups=dict.fromkeys(report.runs, told.label), path=path)


def table(found: list[Couple]) -> dict[str, Any] | None:
    """A row a pair and measure, for a page; None where there is nothing to compare."""
    rows = [row for pair in found for row in _rows(pair)]
    return {"caption": CAPTION, "columns": COLUMNS, "rows": rows} if rows else None


def _rows(pair: Couple) -> Iterator[list[str]]:
    for curve in pair.curves:
        paired = beside(pair.report.values(curve.measure, curve.variant), curve).dropna(subset="relative")
        if paired.empty:
            continue
        first, worst = paired.iloc[0], paired.sort_values("relative").iloc[-1]
        shown = f"{first['value']:.3g} here, {first['published']:.3g} published"
        yield [
            pair.told.label,
            ", ".join(filter(None, pair.told.published)),
            f"{curve.measure} ({curve.variant})" if curve.variant != "default" else curve.measure,
            shown if first["published_layer"] == 1 else "-",
            f"{100 * paired['relative'].median():.0f} %",
            f"{100 * worst['relative']:.0f} %",
            str(worst["published_layer"] or "network"),
        ]

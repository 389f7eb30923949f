"""Which pictures a study shows, and their captions: curves by depth, over training and over the sweep with the spread
over seeds, heatmaps of the mean, and spectra."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from markupsafe import Markup

from deepnrc import Report, figures
from deepnrc.page import inline
from deepnrc.table import join
from experiments.pages.linearfigure import draw_ratios
from experiments.pages.overlay import overlay
from experiments.pages.published import draw_again, draw_pair, pairs
from experiments.pages.rankfigure import RANK, draw_ranks, learned_ranks
from experiments.runner import Group, Results, heading
from experiments.theory import Fit, Predicted
from probes import CATALOG

Task = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]  # as joblib has it
KNOWN = {probe.name: probe for probe in CATALOG if probe.variant == "default"}
CONSTANT = 0.02  # values of a bounded measure that are all so near to the same bound are a line along it
HEATMAPS = 4  # of the layered measures; and two of them over training


@dataclass(frozen=True)
class Drawn:
    """A picture in the study's folder and on its page."""

    caption: str
    file: Path
    svg: Markup


def draw_all(
    results: Results,
    folder: Path,
    fitted: Mapping[str, Fit] | None = None,
    linear: Mapping[str, Predicted] | None = None,
    jobs: int = 1,
) -> Iterator[Drawn]:
    """Draw what the study's measures call for, every layer beside a deep linear network's where there is one, and the
    last layers beside the theory where it was fitted to them.

    Args:
        jobs: how many pictures are drawn side by side.
    """
    pictures = list(_pictures(results, folder, fitted or {}, linear or {}))
    parallel = joblib.Parallel(n_jobs=max(1, min(jobs, len(pictures), os.cpu_count() or 1)), return_as="generator")
    with contextlib.closing(parallel(pictures)) as finished:
        yield from finished


def _pictures(
    results: Results, folder: Path, fitted: Mapping[str, Fit], linear: Mapping[str, Predicted]
) -> Iterator[Task]:
    measures = results.study.measures
    layered = [m for m in measures if (results.last(m)["depth"] >= 0).any() and _layers(results, m) > 1]
    top = [m for m in measures if m not in layered and not results.last(m).empty]
    groups = results.groups()
    for group in groups:
        if not results.runs(group):  # every run diverged, which the page's warnings say
            continue
        suffix, told = (f"-{group.slug}", f" ({group.name})") if len(groups) > 1 else ("", "")
        if layered:
            still = _left_out(_last(results, layered, results.runs(group)), layered)
            yield picture(
                folder, f"overview{suffix}",
                f"By depth after training{told}: mean and range over seeds{_silent(still)}",
                by_depth, results, [m for m in layered if m not in still], group,
            )  # fmt: skip
        still = _left_out(_of(results, group)[0].table, top)
        if moving := [m for m in top if m not in still]:
            yield picture(
                folder, f"training{suffix}",
                f"The last layer over training{told}: mean and range over seeds{_silent(still)}",
                over_training, results, moving, group,
            )  # fmt: skip
    yield from _published(results, folder)
    if len(results.sweep_values()) > 2:
        shown = [*layered, *top]
        still = _left_out(_ends(results, shown), shown)
        yield picture(
            folder, "sweep",
            f"The last layer by {heading(results.study.sweep)}: mean and range over seeds{_silent(still)}",
            over_sweep, results, [m for m in shown if m not in still],
        )  # fmt: skip
    if results.study.sweep == RANK and (ranks := learned_ranks(results)):
        yield picture(
            folder, "learned-rank",
            "The rank that was learned: stable rank of the last features against the targets' (numbers: their rank), "
            "mean over seeds with its 95 % interval, beside a deep linear network of this weight decay in closed form",
            lambda path: draw_ranks(ranks, path),
        )  # fmt: skip
    if linear:
        yield picture(
            folder, "linear",
            "Measured over predicted by layer (first seed): the network beside a deep linear one of its depth and "
            "weight decay, the strongest direction (full) and the weakest that the prediction keeps (dashed)",
            lambda path: draw_ratios({label: one.layers for label, one in linear.items()}, path),
        )  # fmt: skip
    yield from _heatmaps(results, folder, layered)
    if layered:
        yield from _spectra(results, folder)
    if fitted:
        yield picture(
            folder, "theory", "Last layers (marks, first seed) beside the unconstrained-feature model (lines)",
            lambda path: overlay(fitted, path),
        )  # fmt: skip


def _published(results: Results, folder: Path) -> Iterator[Task]:
    """Networks beside those of a paper, and the same networks at signal ranks of which nothing is published."""
    for pair in pairs(results):
        told = pair.told
        yield picture(
            folder, f"published-{pair.slug}",
            f"Beside the published {', '.join(told.published)} (dashed): {told.label}, mean over seeds. {told.words}",
            partial(draw_pair, pair),
        )  # fmt: skip
        for rank in told.again:
            yield picture(
                folder, f"published-{pair.slug}-k{rank}",
                f"The same networks read at k = {rank}, at which no curve is published: mean and range over seeds",
                partial(draw_again, results, told, rank),
            )  # fmt: skip


def _heatmaps(results: Results, folder: Path, layered: Sequence[str]) -> Iterator[Task]:
    tracked = _tracked(results.of_seed(results.study.seeds[0]))
    after = _left_out(_last(results, layered, results.runs()), layered) if layered else {}
    during = _left_out(tracked.table, layered)
    swept = [m for m in layered if m not in after][:HEATMAPS]
    trained = [m for m in layered if m not in during][:2] if tracked.runs else []
    for measure in (m for m in layered if m in {*swept, *trained}):
        title, name = _title(measure), measure.replace(".", "-")
        if measure in swept:
            draw = partial(figures.heatmap, results.report, measure, across="run", groups=results.runs())
            yield picture(folder, f"{name}-sweep", f"{title}: layers by setting, mean over seeds", draw)
        if measure in trained:
            draw = partial(figures.heatmap, tracked, measure, across="step")
            yield picture(folder, f"{name}-training", f"{title}: layers by epoch, first seed", draw)


def _spectra(results: Results, folder: Path) -> Iterator[Task]:
    """Features by layer after training, first seed: what is swept at its least and at its most, in each group."""
    groups = results.groups()
    for group in groups:
        swept = [name for name in results.swept if name in group.labels]
        ends = dict.fromkeys([*swept[:1], *swept[-1:]])
        found = [
            report.renamed(group.labels[record["label"]])
            for report, record in zip(results.reports, results.records, strict=True)
            if record["label"] in ends and record["seed"] == results.study.seeds[0] and not record["diverged"]
        ]
        if found and not (both := join(found)).spectra.empty:
            suffix, told = (f"-{group.slug}", f" ({group.name})") if len(groups) > 1 else ("", "")
            yield picture(
                folder, f"spectrum{suffix}", f"Eigenvalues of the features by layer after training{told}, first seed",
                lambda path, report=both: figures.spectrum(report, path=path),
            )  # fmt: skip


def by_depth(results: Results, measures: Sequence[str], group: Group, path: Path) -> None:
    """One panel a measure, one line a setting, the range over seeds as a band; layers of convolutions by name."""
    report, runs = _of(results, group)
    named = bool(report.table["kind"].str.startswith("Conv").any())
    figures.overview(report, _taken(report, measures), along="depth", groups=runs, named=named, path=path)


def over_training(results: Results, measures: Sequence[str], group: Group, path: Path) -> None:
    """One panel a measure: the last layer over the epochs."""
    report, runs = _of(results, group)
    figures.overview(report, _taken(report, measures), along="step", groups=runs, xlabel="epoch", path=path)


def over_sweep(results: Results, measures: Sequence[str], path: Path) -> None:
    """One panel a measure: the last layer after training against what is swept, one line a group."""
    sweep, groups = results.study.sweep, results.groups()
    swept = {s.label: s.facts[sweep] for s in results.study.settings if s.label in results.swept}
    along = {run: swept[label] for run, label in results.runs().items() if label in swept}
    names = {run: group.name for group in groups for run in results.runs(group) if run in along}
    report = results.report.where(run=list(along))
    figures.overview(report, _taken(report, measures), along=along, groups=names, xlabel=heading(sweep), path=path)


def _of(results: Results, group: Group) -> tuple[Report, dict[str, str]]:
    """The cells of a group, and by run how its line is called."""
    runs = results.runs(group)
    return results.report.where(run=list(runs)), runs


def _taken(report: Report, measures: Sequence[str]) -> list[str]:
    """The measures that the report holds."""
    return [measure for measure in measures if measure in report.measures]


def stuck_at(table: pd.DataFrame, measure: str) -> float | None:
    """The bound along which a measure lies in all of a table, so that a panel of it would be a line; None if it does
    not, or has none. A logarithmic axis tells values near 0 apart: there only exact zeros count as at that bound."""
    probe = KNOWN.get(measure)
    values = table.loc[(table["measure"] == measure) & (table["variant"] == "default"), "value"].dropna()
    if probe is None or values.empty:
        return None
    return next(
        (end for end in probe.bounds if ((values - end).abs() <= (0 if probe.log and end == 0 else CONSTANT)).all()),
        None,
    )


def _last(results: Results, measures: Iterable[str], runs: Iterable[str]) -> pd.DataFrame:
    """The rows of some runs at the last step, of every layer."""
    rows = pd.concat([results.last(measure) for measure in measures])
    return rows[rows["run"].isin(list(runs))]


def _ends(results: Results, measures: Iterable[str]) -> pd.DataFrame:
    """The rows of what is swept at its last step, of the last layer that has each measure."""
    rows = pd.concat([results.last(measure) for measure in measures])
    rows = rows[rows["setting"].isin(results.swept)]
    return rows[rows["depth"] == rows.groupby(["setting", "seed", "measure"])["depth"].transform("max")]


def _left_out(table: pd.DataFrame, measures: Sequence[str]) -> dict[str, float]:
    """The measures that a picture leaves out; none where all of them stay at a bound, which is what it shows then."""
    still = _still(table, measures)
    return {} if len(still) == len(measures) else still


def _still(table: pd.DataFrame, measures: Iterable[str]) -> dict[str, float]:
    """The measures that stay at a bound, with it."""
    return {measure: bound for measure in measures if (bound := stuck_at(table, measure)) is not None}


def _silent(still: Mapping[str, float]) -> str:
    """What a caption says of measures that are left out."""
    return "".join(
        f"; {_title(m).lower()}, left out, is within {CONSTANT:g} of {value:g} throughout" for m, value in still.items()
    )


def _title(measure: str) -> str:
    return KNOWN[measure].title if measure in KNOWN else measure


def _layers(results: Results, measure: str) -> int:
    return int(results.last(measure)["depth"].nunique())  # nc.3 is defined at the last alone


def _tracked(report: Report) -> Report:
    """The runs that were probed more than once."""
    several = report.table.groupby("run")["step"].transform("nunique") > 1
    return Report(report.table[several])


def picture(folder: Path, name: str, caption: str, draw: Callable[..., Any], *args: Any) -> Task:
    """``drawn`` with these arguments, for a worker to call."""
    task: Task = joblib.delayed(drawn)(folder, name, caption, draw, *args)
    return task


def drawn(folder: Path, name: str, caption: str, draw: Callable[..., Any], *args: Any) -> Drawn:
    """Draw into the folder, in every format, and take the picture up for the page.

    Args:
        draw: called with ``args`` and ``path``, whose ending ".*" stands for every format.
    """
    draw(*args, path=folder / f"{name}.*")
    svg = (folder / f"{name}.svg").read_text(encoding="utf-8")
    return Drawn(caption, folder / f"{name}.png", inline(svg, name, caption))

"""The page of a sweep: its verdicts, warnings, tables and pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

from deepnrc.data import progress_bar
from deepnrc.page import explorer
from deepnrc.table import write_whole
from deepnrc.wording import shown
from experiments import theory
from experiments.claims import FITTED, Verdict
from experiments.pages import standings
from experiments.pages.gallery import draw_all
from experiments.pages.page import Page
from experiments.pages.published import pairs
from experiments.pages.published import table as published_table
from experiments.runner import DECAY, Results, Setting, plan

DROPPED = 0.1  # share of a target direction's variance that is explained; below, it counts as dropped
ERRORS, ACCURACIES = ("Training MSE", "Held-out loss"), ("Training accuracy", "Held-out accuracy")
MOVED = ("deep.noise_fraction", "deep.feature_weight_alignment", "deep.weight_stable_rank")
MOVES = 0.01  # of a value: less is no move
DECAYED = 5.0  # e-foldings of the weights by decay alone; with fewer, weight decay has hardly acted


def verdict_text(verdicts: Sequence[Verdict], results: Results) -> str:
    """The verdict table for a terminal."""
    lines = [verdict.line for verdict in verdicts]
    return "\n".join(map(shown, [*lines, *(f"! {warning}" for warning in warnings(results))]))


def warnings(results: Results) -> list[str]:
    """What went wrong in cells: runs that diverged, target directions that too much weight decay dropped."""
    found = [f"{r['title']} diverged: {r['diverged']}" for r in results.records if r["diverged"]]
    for setting in results.study.settings:
        if setting.recipe.epochs and setting.recipe.weight_decay:
            found.extend(f"{setting.label}: {slow}" for slow in _slow(results, setting))
            found.extend(f"{setting.label}: {missing}" for missing in _dropped(results, setting.label))
    return [*found, *idle_steps(results)]


def idle_steps(results: Results) -> list[str]:
    """Steps of a sweep over weight decay that do nothing: by them no inner layer's noise, alignment or weights' stable
    rank moves by more than one part in a hundred, or than between seeds."""
    if results.study.sweep != DECAY:
        return []
    found = []
    for group in results.groups():
        labels = [label for label in results.swept if label in group.labels]
        for one, other in pairwise(labels):
            if all(_still(results, measure, one, other) for measure in MOVED):
                found.append(
                    f"From {one} to {other} weight decay does nothing: no inner layer's noise, alignment or weights "
                    f"move by more than {100 * MOVES:g} %, or than between seeds. Take values further apart, or larger."
                )
    return found


def _still(results: Results, measure: str, one: str, other: str) -> bool:
    """Whether no inner layer's mean over seeds moves from one setting to the other; not told where one is unknown."""
    rows = results.last(measure)
    rows = rows[(rows["depth"] > 0) & rows["setting"].isin([one, other])]
    cells = rows.groupby(["setting", "depth"])["value"]
    mean, spread = cells.mean().unstack("setting"), cells.std().unstack("setting").fillna(0)
    if len(mean) < 2 or mean.reindex(columns=[one, other]).isna().any(axis=None):
        return False
    inner = mean.iloc[:-1]
    moved = (inner[other] - inner[one]).abs()
    return bool((moved <= (MOVES * inner[one].abs()).clip(lower=spread.loc[inner.index].max(axis=1))).all())


def _slow(results: Results, setting: Setting) -> Iterator[str]:
    """AdamW whose decay had no time to act: its weight decay is lr times smaller a step than that of SGD or L2."""
    time = next(r["decay_time"] for r in results.records if r["label"] == setting.label)
    if setting.recipe.optimizer == "adamw" and time < DECAYED:
        yield (
            f"AdamW multiplies weight decay by the learning rate, and over this training it acts {time:.2g} times; "
            f"full collapse of the last layer takes about {DECAYED:g}. Raise --weight-decay or --epochs, or choose "
            "--optimizer adam."
        )


def _dropped(results: Results, label: str) -> Iterator[str]:
    """Target directions that a network with weight decay leaves out: the sign of too much of it."""
    shares = [r["explained"] for r in results.records if r["label"] == label and not r["diverged"]]
    for i, seeds in enumerate(zip_longest(*shares), 1):  # a seed's split may hold fewer directions
        mine = [share for share in seeds if share is not None]
        mean = sum(mine) / len(mine)
        if mean < FITTED:
            what = "the direction was dropped" if mean < DROPPED else "it is hardly fitted, and collapse says little"
            yield (
                f"{100 * max(mean, 0):.1f} % of target direction {i} is explained: {what} "
                "(too much weight decay, or too little training)"
            )


def write(
    results: Results, verdicts: Sequence[Verdict], folder: Path, progress: bool = True, jobs: int = 1
) -> dict[Path, str]:
    """Write everything that the results of a sweep tell, so many pictures side by side; the files to open, with what
    they show."""
    write_whole({folder / "table.parquet": results.table.to_parquet(index=False)}, "The table")
    closed = _closed_forms(results) if results.study.theory else ClosedForms()
    drawing = draw_all(results, folder, closed.fitted, closed.linear, jobs)
    pictures = list(progress_bar(drawing, desc="drawing", unit="picture", progress=progress))
    page = Page(
        name=results.study.name,
        about=results.study.about,
        verdicts=verdicts,
        warnings=warnings(results),
        tables=[
            found
            for found in (published_table(pairs(results)), standings.table(results), *closed.tables)
            if found is not None
        ],
        drawn=pictures,
        seconds=sum(record["seconds"] for record in results.records),
        cells=len(results.records),
        settings=_settings(results),
        errors=ACCURACIES if _classifies(results) else ERRORS,
        plan=plan(results.study),
        explorer=_map(results),
    )
    return page.write(folder)


@dataclass(frozen=True)
class ClosedForms:
    """Networks beside closed forms, by their settings' labels: last layers, and every layer; with their tables."""

    fitted: Mapping[str, theory.Fit] = field(default_factory=dict)
    linear: Mapping[str, theory.Predicted] = field(default_factory=dict)
    tables: tuple[dict[str, Any] | None, ...] = ()


def _closed_forms(results: Results) -> ClosedForms:
    found = theory.networks(results)
    fitted, unfitted = theory.fits(found)
    linear, without = theory.linear_networks(found)
    return ClosedForms(fitted, linear, (theory.linear_table(linear, without), theory.table(fitted, unfitted)))


def _map(results: Results) -> str:
    """The page's map: means over seeds, a run a setting; "" if every run diverged."""
    runs = results.runs()
    return explorer(results.report.means(runs)) if runs else ""


def _classifies(results: Results) -> bool:
    """Whether the targets are classes, whatever the loss; losses of two kinds could not be compared."""
    return any(record["test_accuracy"] is not None for record in results.records)


def _settings(results: Results) -> list[dict[str, Any]]:
    """Of each setting its seeds, the means of its errors, or of its accuracies for classes, and its decay time."""
    measure, held_out = ("model.accuracy", "test_accuracy") if _classifies(results) else ("model.mse", "test_loss")
    rows = []
    for setting in results.study.settings:
        mine = [r for r in results.records if r["label"] == setting.label]
        train = results.last(measure).query("setting == @setting.label")["value"].mean()
        tests = [r[held_out] for r in mine if not r["diverged"]]
        test = sum(tests) / len(tests) if tests else math.nan
        time = mine[0]["decay_time"]
        rows.append(
            {
                "label": setting.label,
                "seeds": len(mine),
                "train": f"{train:.3g}",
                "test": f"{test:.3g}",
                "decay": "unknown" if time is None else f"{time:.2g}",
            }
        )
    return rows

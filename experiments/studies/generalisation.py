"""Does collapse help? The stored networks of other studies on their training samples and on held-out ones."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import joblib
import pandas as pd
import torch
from tyro.conf import arg

from deepnrc.errors import DataError, UsageError
from deepnrc.table import write_whole
from experiments.claims import COLLAPSED, READ, Verdict, generalisation, read_networks, within
from experiments.pages import Page, closing, draw_held_out, drawn, leave_settings, standing
from experiments.runner import DECAY, Fact, Results, ended_in_order, reread, stored
from experiments.studies.family import Family
from experiments.studies.imageclasses import DigitStudy
from experiments.studies.mujoco import Hopper, Reacher, Swimmer
from experiments.studies.synthetic import Synthetic

NAME = "generalisation"
ABOUT = (
    "Whether collapse helps on samples that no network was trained on is told in two ways. Rangamani & Unal find that "
    "collapsed networks learn the intrinsic dimension of the targets, and take this for a structure that generalises; "
    "Andriopoulos et al. (2025) find that collapsed networks have features of a lower intrinsic dimension than the "
    "targets, and test worse. Both are held against the networks of other studies, over their weight decay, of the "
    "experts' those with biases, which collapse most. The intrinsic dimension is two-NN, of at most 2,000 training "
    "samples. It is local: targets of rank 2 whose samples lie along curves, as an expert's actions in its episodes "
    "or what one of two ReLU units makes of half of all inputs, have one of nearly 1, and features of as few "
    "directions as the targets may well have more. On the experts' pairs, which have no noise that a simpler network "
    "could leave out, weight decay raises both errors; where samples are few for what is learned, it lowers the "
    "held-out one alone. One-hot targets are ten points, of which no dimension can be told."
)
CAPTION = (
    "After training, means over seeds: squared error, noise fraction of the last hidden layer, and two-NN intrinsic "
    "dimension of its features and of the targets. Collapsed: by verdict."
)
MEASURES = ["deep.noise_fraction", "dimension.two_nn", "model.mse"]


@dataclass(frozen=True)
class Source:
    """A study whose networks are read: how the page calls it, its command, and the facts of the settings."""

    name: str
    family: type[Family]
    facts: Mapping[str, Fact] = field(default_factory=dict)


BIASES = {"form": "with biases"}
SOURCES = (
    Source("synthetic", Synthetic),
    Source("swimmer", Swimmer, BIASES),
    Source("reacher", Reacher, BIASES),
    Source("hopper", Hopper, BIASES),
    Source("mnist", DigitStudy, {"loss": "MSE"}),
)


@dataclass(frozen=True, kw_only=True)
class Generalisation:
    """Does collapse help? Errors, noise and intrinsic dimension on training and held-out samples, from stored cells."""

    takes: ClassVar[str] = "2 minutes"

    jobs: Annotated[int, arg(help="Networks read side by side.")] = os.cpu_count() or 1
    out: Annotated[Path, arg(help="Folder of all studies: those whose networks are read, and this one.")] = Path(
        "runs/studies"
    )
    progress: Annotated[bool, arg(help="Show progress bars.")] = True

    def run(self) -> None:
        """Read what is there, write table, picture and page, and print the verdict."""
        if self.jobs < 1:
            raise UsageError(f"--jobs must be at least 1; it is {self.jobs}.")
        started = time.perf_counter()
        with ended_in_order():
            found, missing = gather(self.out, self.jobs)
        folder = self.out / NAME
        leave_settings(self, folder)
        verdicts = [verdict for source in SOURCES if source.name in found for verdict in judged(source, found)]
        files = write(found, verdicts, missing, folder, time.perf_counter() - started)
        for line in (*(verdict.line for verdict in verdicts), *(f"! {sentence}" for sentence in missing)):
            print(line)
        closing(NAME, time.perf_counter() - started, files)


def gather(out: Path, jobs: int = 1) -> tuple[dict[str, Results], list[str]]:
    """By source the results of its networks, read anew with held-out samples; and a sentence for each study of which
    cells are missing.

    Errors: DataError if there are none at all.
    """
    there: dict[str, Results] = {}
    missing = []
    for source in SOURCES:
        study = source.family(out=out).inquiries()[0].study
        settings = tuple(setting for setting in study.settings if setting.has(source.facts) and setting.recipe.epochs)
        results, said = stored(replace(study, settings=settings), out / study.name)
        if said:
            missing.append(f"{said} Run it with its defaults first: python -m experiments {source.name}")
        if results is not None:
            there[source.name] = results
    if not there:
        raise DataError(f"There are no networks to read in '{out}'. {' '.join(missing)}")
    work = [(name, label) for name, results in there.items() for label in results.settings]
    parts = joblib.Parallel(n_jobs=min(jobs, len(work)))(
        joblib.delayed(again)(there[name].only(label), label) for name, label in work
    )
    return {
        name: replace(
            results, table=pd.concat([part for (mine, _), part in zip(work, parts, strict=True) if mine == name])
        )
        for name, results in there.items()
    }, missing


def again(results: Results, label: str) -> pd.DataFrame:
    """The table of one setting's networks, read at the last layer on training and held-out samples, with whether each
    is collapsed."""
    torch.set_num_threads(1)
    deepest = results.trained.sort_values("depth")["layer"].iloc[-1:].tolist()
    table = reread(results, label, held_out=True, layers=deepest or "weights", probes=MEASURES).table
    collapsed = {
        record["seed"]: record["diverged"] is None and bool(standing(report).collapsed)
        for record, report in zip(results.records, results.reports, strict=True)
    }
    return table.assign(**{COLLAPSED: table["seed"].map(collapsed)})


def judged(source: Source, found: Mapping[str, Results]) -> list[Verdict]:
    """The claims of both papers about the networks of one source."""
    verdicts = [claim.judged(found[source.name]) for claim in within(generalisation(), **source.facts)]
    return [replace(verdict, statement=f"{source.name}: {verdict.statement}") for verdict in verdicts]


def write(
    found: Mapping[str, Results], verdicts: Sequence[Verdict], missing: Sequence[str], folder: Path, seconds: float
) -> dict[Path, str]:
    """Write everything and return the files to open, with what they show."""
    networks = {name: read_networks(results) for name, results in found.items()}
    tidy = pd.concat([table.assign(data=name) for name, table in networks.items()], ignore_index=True)
    write_whole({folder / "table.parquet": tidy.to_parquet(index=False)}, "The table")
    picture = drawn(
        folder, NAME, "Training and held-out samples over weight decay: means over seeds and their range",
        lambda path: draw_held_out(networks, path),
    )  # fmt: skip
    page = Page(
        name=NAME,
        about=ABOUT,
        verdicts=verdicts,
        warnings=missing,
        tables=[table(networks)],
        drawn=[picture],
        seconds=seconds,
        cells=len(tidy),
    )
    return page.write(folder)


def table(networks: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """A row a data set and weight decay, for a page."""
    rows = []
    for name, found in networks.items():
        for decay, mine in found.groupby(DECAY):
            means = mine[list(READ)].mean()
            gap = means["held-out error"] / means["error"]
            shown = [f"{value:.3g}" if value == value else "-" for value in (*means.iloc[:2], gap, *means.iloc[2:])]
            rows.append([name, f"{decay:g}", f"{mine[COLLAPSED].sum()} of {len(mine)}", *shown])
    columns = ["data", "weight decay", "collapsed", *list(READ)[:2], "held-out over training", *list(READ)[2:]]
    return {"caption": CAPTION, "columns": columns, "rows": rows}

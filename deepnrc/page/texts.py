"""The page's sentences: what each run comes to, what each measure means, and where the numbers came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from deepnrc import summary
from deepnrc.page.sheets import Heading, Provenance, Sheet, column
from deepnrc.table import NOISE, TAU, Judged, Table, by_run, collapse_onset, described, judged

EXPLAINED = "probes"  # the descriptions of a user's own probes: they stand among the measures


@dataclass(frozen=True)
class Verdict:
    """A run in short: its size, what its last step comes to, and what makes it doubtful."""

    run: str
    size: str
    findings: list[str]
    warnings: list[str]


@dataclass(frozen=True)
class Explanation:
    """A measure for a reader who has not seen the paper."""

    heading: Heading
    meaning: str
    formula: str
    source: str


def verdicts(report: Table, tau: float = TAU) -> list[Verdict]:
    """One for each run, in the report's order."""
    told = judged(report, tau)
    each = (Table(*parts) for parts in by_run(report.table, report.provenance, report.spectra))
    return [_verdict(one, tau, told.get(one.runs[0])) for one in each]


@dataclass(frozen=True)
class Compared:
    """A row of the table that compares runs: what it is of, where collapse lies, each run's value at its last step, ""
    where it has none, and whether it is shown at once."""

    what: str
    goal: str
    values: list[str]
    main: bool = True


def compared(report: Table, sheets: Sequence[Sheet], tau: float = TAU) -> list[Compared]:
    """The rows of one table of all runs, of their last layers and of the networks; none for a single run."""
    if len(sheets) < 2:
        return []
    found = {"step": Compared("step", "", [str(sheet.step) for sheet in sheets])}
    if NOISE in report.measures:
        said = collapse_onset(report.at().verdicts(tau)).set_index("run")["said"]
        told = [str(said.get(sheet.run, "")) for sheet in sheets]
        found["verdict"] = Compared("layers that are collapsed", "", told)
    for place, sheet in enumerate(sheets):
        end = sheet.rows[-1].cells if sheet.rows else []
        last = [
            (head, f"{head.title}, last layer", head.main, cell) for head, cell in zip(sheet.columns, end, strict=False)
        ]
        for head, title, main, cell in [*last, *((head, head.title, True, cell) for head, cell in sheet.single)]:
            if cell.text:
                row = found.setdefault(title, Compared(title, head.goal, [""] * len(sheets), main))
                row.values[place] = f"{cell.mark}{cell.text}"
    return list(found.values())


def explanations(report: Table) -> list[Explanation]:
    """One for each measure and variant of the report."""
    found = report.table.drop_duplicates(["measure", "variant"])
    return [_explanation(m, v, report.provenance) for m, v in zip(found["measure"], found["variant"], strict=True)]


def origins(report: Table) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each run, its last measurement's record as pairs of words."""
    last: dict[str, Mapping[str, Any]] = {}
    for record in report.provenance:
        if record["run"] not in last or record["step"] >= last[record["run"]]["step"]:
            last[record["run"]] = record
    return [(run, list(_flat({k: v for k, v in record.items() if k != EXPLAINED}))) for run, record in last.items()]


def _verdict(report: Table, tau: float, told: Judged | None) -> Verdict:
    run, last = report.runs[0], report.at()
    table = last.table
    first = table.iloc[0]
    layers = table.loc[table["depth"] >= 0, "depth"].nunique()
    rank = "" if pd.isna(first["rank"]) else f", signal rank k = {int(first['rank'])}"
    steps = f"step {first['step']}" + (f", last of {len(report.steps)}" if len(report.steps) > 1 else "")
    size = f"{layers} layers, {summary.samples(last)} samples, {first['target_dim']} targets{rank}, {steps}"
    left_out = [f"left out: {name} ({why})" for record in last.provenance for name, why in record.get("left_out", [])]
    return Verdict(run, size, summary.verdict(report, run, tau, told), [*summary.warnings(table), *left_out])


def _explanation(measure: str, variant: str, provenance: Provenance) -> Explanation:
    probe = described(measure, variant, provenance)
    own = "A probe of your own, which does not say what it means."
    return Explanation(column(probe), probe.meaning or own, probe.formula, probe.source)


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name} ")
        elif value not in (None, [], ""):
            shown = (
                "; ".join(" ".join(map(str, v)) if isinstance(v, list) else str(v) for v in value)
                if isinstance(value, list)
                else str(value)
            )
            yield f"{prefix}{name}", shown

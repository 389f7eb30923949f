"""The page's tables: for each run's last step a row a layer and a column a measure, with every doubt marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from deepnrc.figures import number
from deepnrc.summary import MARKS
from deepnrc.table import NOISE, TAU, Table, described, words
from deepnrc.wording import shortened
from probes import Probe

NOTED = ("status", "note", "depth", "layer", "measure", "variant")  # columns that notes are told from
Provenance = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Cell:
    """A value as it is printed, the number to sort by ("" for none), its mark, and what there is to say of it."""

    text: str
    sort: str = ""
    mark: str = ""
    note: str = ""
    chance: str = ""


@dataclass(frozen=True)
class Heading:
    """A measure's heading: its name, its title in words, and where collapse lies."""

    name: str
    title: str
    goal: str
    main: bool = True


@dataclass(frozen=True)
class Row:
    """A layer, with its verdict and the reason; both "" where no noise was measured."""

    layer: str
    depth: int
    kind: str
    dim: int
    cells: list[Cell]
    verdict: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Sheet:
    """A run's last step: its layers, what belongs to the last layer or to the network alone, and all notes."""

    run: str
    step: int
    columns: list[Heading]
    rows: list[Row]
    single: list[tuple[Heading, Cell]]
    notes: list[str]

    @property
    def judged(self) -> bool:
        """Whether there is a verdict on its layers."""
        return any(row.verdict for row in self.rows)


def sheets(report: Table, tau: float = TAU) -> list[Sheet]:
    """One for each run, in the report's order."""
    last = report.at()
    said = _verdicts(last, tau)
    return [_sheet(str(run), last.table[last.table["run"] == run], last.provenance, said) for run in last.runs]


def column(probe: Probe) -> Heading:
    """The heading of a measure."""
    return Heading(probe.label, probe.title, goal(probe), bool(probe.main))


def goal(probe: Probe) -> str:
    """Where collapse lies, in a few words."""
    if probe.collapsed is not None:
        return f"collapsed: {probe.collapsed:g}"
    held = probe.reference
    if held is not None and not probe.better and not held.threshold:
        return f"collapsed: the {held.short}'s" if held.measure else f"collapsed: {held.level:g}"
    return {"low": "lower is more collapsed", "high": "higher is more collapsed"}.get(probe.better, "no direction")


def _verdicts(last: Table, tau: float) -> dict[tuple[str, int], tuple[str, str]]:
    """Verdict and reason by run and depth; none where no noise was measured."""
    if NOISE not in last.measures:
        return {}
    found = last.verdicts(tau)
    low = found["noise"].fillna(False).to_numpy(bool)
    told = [words(verdict, quiet) for verdict, quiet in zip(found["verdict"], low, strict=True)]
    return dict(
        zip(zip(found["run"], found["depth"], strict=True), zip(told, found["reason"], strict=True), strict=True)
    )


def _sheet(
    run: str, table: pd.DataFrame, provenance: Provenance, said: Mapping[tuple[str, int], tuple[str, str]]
) -> Sheet:
    rows: dict[tuple[str, str, int], Mapping[Any, Any]] = {
        (row["measure"], row["variant"], row["depth"]): row for row in table.to_dict("records")
    }
    probes = {key[:2]: described(*key[:2], provenance) for key in rows}
    single = {(m, v): row for (m, v, depth), row in rows.items() if depth < 0 or probes[m, v].where == "top"}
    spread = [probe for key, probe in probes.items() if key not in single]
    layers = {row["depth"]: row for row in rows.values() if row["depth"] >= 0}
    return Sheet(
        run,
        int(table["step"].iloc[0]),
        [column(probe) for probe in spread],
        [
            Row(
                layer["layer"],
                depth,
                layer["kind"],
                layer["dim"],
                [_cell(rows.get((probe.name, probe.variant, depth)), probe) for probe in spread],
                *said.get((run, depth), ("", "")),
            )
            for depth, layer in sorted(layers.items())
        ],
        [(column(probes[key]), _cell(row, probes[key])) for key, row in single.items()],
        _notes(table, probes),
    )


def _cell(row: Mapping[Any, Any] | None, probe: Probe) -> Cell:
    if row is None:
        return Cell("")
    said = f"{row['status']}: {row['note']}" if row["status"] != "ok" and row["note"] else row["note"]
    chance = "" if math.isnan(row["chance"]) else number(row["chance"])
    value = row["value"]
    if math.isnan(value):
        return Cell("–", "", MARKS.get(row["status"], ""), said or row["status"], chance)
    mark = MARKS.get(row["status"], "†" if said else "")
    if row["floor"] > 0 and mark == MARKS["below floor"]:
        said = f"{said} (floor {row['floor']:.0e})"
    return Cell(_shown(value, log=probe.log), _key(value), mark, said, chance)


def _shown(value: float, *, log: bool) -> str:
    """At least three digits that count, however small the value is."""
    if math.isinf(value) or value == 0:
        return number(value)
    if log:
        return f"{value:.2e}"
    return f"{value:#.3g}" if abs(value) < 0.1 else f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"


def _key(value: float) -> str:
    """The value as the page's script reads a number."""
    return repr(value).replace("inf", "Infinity")


def _notes(table: pd.DataFrame, probes: Mapping[tuple[str, str], Probe]) -> list[str]:
    """One sentence for each note, with the measures and the number of layers that it concerns."""
    found: dict[tuple[str, str], list[tuple[int, str, str, str]]] = {}
    for status, note, *place in zip(*(table[name].tolist() for name in NOTED), strict=True):
        if isinstance(note, str) and note:
            found.setdefault((status, note), []).append(tuple(place))
    said = []
    for (status, note), places in found.items():
        titles = dict.fromkeys(probes[measure, variant].title for *_, measure, variant in places)
        where = shortened(layer for _, layer, *_ in sorted(places, key=lambda place: place[0]))
        kind = "" if status == "ok" else f" ({status})"
        said.append(f"{', '.join(titles)} at {where}: {note}{kind}.")
    return said

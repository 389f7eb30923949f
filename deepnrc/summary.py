"""The report in a terminal: warnings first, then a row a layer, then what it comes to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from deepnrc.table import NETWORK, NOISE, TAU, Judged, Table, described, findings, main_ones, opening, stages, words
from deepnrc.wording import shortened, shown
from probes import SUMMARY, Probe

LAYERS = 24  # rows, above which stages are folded
FIELDS = ("value", "status", "floor", "chance", "chance_high")
TOLD = ("layer", "depth", "measure", "variant", "value", "status")  # columns that sentences are made from
DOUBTED = ("status", "note", "depth", "layer", "measure")  # and warnings
MARKS = {"degenerate": "*", "below floor": "<"}
CHANCE = "~"  # before a value that chance reaches too
Provenance = Sequence[Mapping[str, Any]]
Rows = Sequence[Mapping[Any, Any]]
LEGEND = (
    "noise: share of variance outside the top k directions; rank: stable rank; align: feature-weight alignment; "
    "lin.: best affine map to the targets. * degenerate, ~ within the 99 % of chance, < below the numerical floor, "
    "- not defined."
)


@dataclass(frozen=True)
class Column:
    """What a column of the summary holds: a measure's value, floor or chance level, and how it is printed."""

    head: str
    measure: str
    field: str
    digits: str
    chance: bool = False  # whether a value that chance reaches is marked


def text(report: Table, tau: float = TAU, every: bool = False) -> str:
    """The summary of each run's last step, under one sentence on all.

    Args:
        every: whether to have a row for every layer; else those of more than ``LAYERS`` are the first, the middle and
            the last one of each stage.
    """
    last = report.at()
    parts = [_run(report, last, run, tau, every) for run in last.runs]
    return "\n\n".join(filter(None, [shown(opening(report, tau)), *parts, LEGEND]))


def warnings(table: pd.DataFrame) -> list[str]:
    """One sentence for each thing that makes values of one snapshot doubtful, with the layers it concerns."""
    doubtful: dict[str, list[tuple[int, str, str]]] = {}
    undefined: dict[str, set[str]] = {}
    told = table[list(DOUBTED)]
    for status, note, depth, layer, measure in zip(*(told[name].tolist() for name in DOUBTED), strict=True):
        if not (isinstance(note, str) and note):  # a table of rows that were given without
            continue
        if status == "degenerate":
            doubtful.setdefault(note, []).append((depth, layer, measure))
        elif status == "not defined" and layer == NETWORK:
            undefined.setdefault(note, set()).add(measure)
    found = []
    for note, rows in doubtful.items():
        measures = len({measure for *_, measure in rows})
        where = shortened(layer for _, layer, _ in sorted(rows, key=lambda row: row[0]))
        found.append(f"{where}: {note} ({measures} measure{'s' if measures > 1 else ''})")
    for note, names in undefined.items():  # one alone may be so by its nature, of a single target
        found += [f"what the network predicts: {note} ({len(names)} measures not defined)"] if len(names) > 1 else []
    return found


def samples(one: Table) -> int:
    """N, the samples of one snapshot: as recorded, or else the fewest rows of any of its layers, as a pooling that
    keeps positions or tokens makes several rows of a sample."""
    recorded = [record["samples"] for record in one.provenance if "samples" in record]
    return int(recorded[-1] if recorded else one.table["n_samples"].min())


def verdict(report: Table, run: str, tau: float = TAU, told: Judged | None = None) -> list[str]:
    """What the last step of a run comes to: sentences on collapse, then what the catalog has told of it.

    Args:
        told: what ``judged`` told of the run; None to ask it.
    """
    mine = report if report.runs == [run] else report.where(run=run)
    last = mine.at()
    known = (described(name, provenance=last.provenance) for name in last.measures)
    named = sorted((probe for probe in known if probe.told), key=lambda probe: (probe.order, probe.name))
    rows = last.table[list(TOLD)].to_dict("records")
    parts = (_facts(rows, named), _at_the_top(rows, named), _of_classes(rows, named))
    return [*findings(mine, run, tau, told), *(line for lines in parts for line in lines)]


def _facts(rows: Rows, told: Sequence[Probe]) -> list[str]:
    """A line on the network, and on the last layer that a measure was read at."""
    ordered = sorted(rows, key=lambda row: row["depth"])
    last = {row["measure"]: row["value"] for row in ordered if row["variant"] == "default"}
    plain = (probe for probe in told if probe.where != "top" and not probe.classes)
    known = ((probe, last.get(probe.name, math.nan)) for probe in plain)
    parts = [f"{probe.told} {_number(value, probe.digits)}" for probe, value in known if not math.isnan(value)]
    return ["; ".join(parts)] if parts else []


def _at_the_top(rows: Rows, told: Sequence[Probe]) -> list[str]:
    """A line for each top layer and family, with every variant of its measures."""
    known = {probe.name: probe for probe in told if probe.where == "top"}
    families: dict[tuple[str, str], list[Mapping[Any, Any]]] = {}
    for row in rows:
        if row["measure"] in known and (row["status"] in MARKS or not math.isnan(row["value"])):
            families.setdefault((row["layer"], row["measure"].partition(".")[0]), []).append(row)
    return [_line(part, known) for part in families.values()]


def _of_classes(rows: Rows, told: Sequence[Probe]) -> list[str]:
    """A line on how far the last features of a classifier have collapsed, and its accuracy; none for regression."""
    known = {probe.name: probe for probe in told if probe.classes}
    found = [
        row
        for row in sorted(rows, key=lambda row: (row["depth"], row["measure"]))
        if row["status"] in ("ok", "below floor") and row["variant"] == "default" and row["measure"] in known
    ]
    layered = [row for row in found if row["layer"] != NETWORK]
    parts = [_line([row for row in layered if row["depth"] == layered[-1]["depth"]], known)] if layered else []
    parts += [_value(row, known) for row in found if row["layer"] == NETWORK]
    return ["; ".join(parts)] if parts else []


def _line(rows: Rows, known: Mapping[str, Probe]) -> str:
    """What rows of one family say of one layer."""
    family, layer = rows[0]["measure"].partition(".")[0], rows[0]["layer"]
    return f"{family} at {layer}: {', '.join(_value(row, known) for row in rows)}"


def _value(row: Mapping[Any, Any], known: Mapping[str, Probe]) -> str:
    probe = known[row["measure"]]
    named = probe.told if row["variant"] == "default" else f"{probe.told} ({row['variant']})"
    return f"{named} {_printed(row['value'], row['status'], probe.digits)}"


def _printed(value: float, status: str, form: str) -> str:
    """A value with the mark of its status; the mark alone, or "-", where there is no value."""
    mark = MARKS.get(status, "")
    return f"{mark}{_number(value, form)}" if pd.notna(value) else mark or "-"


def _number(value: float, form: str) -> str:
    """A value as it is printed; what is larger than any number in a word."""
    return ("infinite" if value > 0 else "-infinite") if math.isinf(value) else f"{value:{form}}"


def _run(report: Table, last: Table, run: str, tau: float, every: bool) -> str:
    one = last.at(run=run)
    table = one.table
    first = table.iloc[0]
    lines = [f"! {warning}" for warning in warnings(table)]
    left_out = [pair for record in one.provenance for pair in record.get("left_out", [])]
    if left_out:
        names = shortened(name for name, _ in left_out)
        reasons = "; ".join(dict.fromkeys(reason for _, reason in left_out))
        lines.append(f"! left out: {names} ({reasons})")
    measured = report.table.loc[report.table["run"] == run, "step"].nunique()
    steps = f", last of {measured} steps" if measured > 1 else ""
    rank = "?" if pd.isna(first["rank"]) else int(first["rank"])
    n = first["target_dim"]
    lines.append(f"{run}, step {first['step']}{steps}: N = {samples(one)} samples, n = {n} targets, k = {rank}")
    lines += _layers(one, tau, every)
    return "\n".join(map(shown, [*lines, *verdict(report, run, tau)]))


def _layers(one: Table, tau: float, every: bool) -> list[str]:
    table, provenance = one.table, one.provenance
    rows = table[table["layer"] != NETWORK]
    names = rows.drop_duplicates("depth").sort_values("depth")
    columns = [column for probe in _listed(rows, provenance) for column in _columns(probe)]
    header = ["layer", "kind", "d", *(shown(column.head) for column in columns)]
    held = rows[(rows["variant"] == "default") & rows["measure"].isin({column.measure for column in columns})]
    records = held[["layer", "measure", *FIELDS]].to_dict("records")
    found = {(row["layer"], row["measure"]): row for row in reversed(records)}  # of two rows the first one counts
    body = [
        [shown(str(r.layer)), shown(str(r.kind)), str(r.dim), *_cells(found, str(r.layer), columns)]
        for r in names.itertuples()
    ]
    kept = [i for i in range(len(header)) if i < 3 or any(line[i] != "" for line in body)]
    grid = [[line[i] for i in kept] for line in [header, *body]]
    widths = [max(len(line[i]) for line in grid) for i in range(len(kept))]
    said = ["verdict", *_verdicts(one, names, tau)] if NOISE in one.measures else [""] * len(grid)
    lines = [_aligned(line, widths) for line in grid]
    head, *lines = [f"{line}  {last}" if last else line for line, last in zip(lines, said, strict=True)]
    called = list(names["layer"])
    return [head, *(lines if every or len(lines) <= LAYERS else _folded(lines, called))]


def _folded(lines: Sequence[str], layers: Sequence[str]) -> Iterator[str]:
    """The first, the middle and the last line of each stage, and how many are left out."""
    hidden = 0
    for _, place in stages(layers):
        kept = sorted({place[0], place[len(place) // 2], place[-1]})
        hidden += len(place) - len(kept)
        yield from (lines[i] for i in kept)
    yield f"({hidden} more of {len(lines)} layers: summary(all=True), or --all, has a row for each)"


def _verdicts(one: Table, names: pd.DataFrame, tau: float) -> list[str]:
    """What is to be said of each layer, in a word or two."""
    judged = one.verdicts(tau)
    low = judged["noise"].fillna(False).to_numpy(bool)
    said = {
        name: words(verdict, quiet)
        for name, verdict, quiet in zip(judged["layer"], judged["verdict"], low, strict=True)
    }
    return [said[name] for name in names["layer"]]


def _listed(rows: pd.DataFrame, provenance: Provenance) -> list[Probe]:
    """The main measures, or, where none of them was measured, those of every layer that have a short heading."""
    main = main_ones(rows, provenance, SUMMARY)
    if main:
        return main
    known = [described(name, provenance=provenance) for name in dict.fromkeys(rows["measure"])]
    return [probe for probe in known if probe.short]


def _columns(probe: Probe) -> list[Column]:
    """A measure's own column, and those of its floor and its chance level where it has them."""
    main = [Column(probe.short or probe.name, probe.name, "value", probe.digits, probe.better == "high")]
    if not probe.main:
        return main
    floor = [] if probe.floor is None else [Column("floor", probe.name, "floor", ".0e")]
    chance = [] if probe.chance is None else [Column("chance", probe.name, "chance", ".2f")]
    return [*main, *floor, *chance]


def _aligned(line: list[str], widths: list[int]) -> str:
    """Words to the left, numbers to the right."""
    left = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(line[2:], widths[2:], strict=True)]
    return "  ".join([*left, *right])


def _cells(found: Mapping[tuple[str, str], Mapping[Any, Any]], layer: str, columns: Sequence[Column]) -> list[str]:
    """What a layer's line holds: of each column's measure its value, "" where it was not measured."""
    rows = ((found.get((layer, column.measure)), column) for column in columns)
    return ["" if row is None else _cell(row, column) for row, column in rows]


def _cell(row: Mapping[Any, Any], column: Column) -> str:
    printed = _printed(row[column.field], row["status"] if column.field == "value" else "", column.digits)
    return f"{CHANCE}{printed}" if column.chance and row["value"] <= row["chance_high"] else printed

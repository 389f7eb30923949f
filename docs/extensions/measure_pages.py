"""A page for each measure, made from the catalog and from what the example networks read."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import examples
import matplotlib.pyplot as plt
import odd_inputs
import pandas as pd
from sphinx.util import logging

from deepnrc import CATALOG, Probe, Report

NUMBERED = re.compile(r"_\d+$")
LOG = logging.getLogger(__name__)
FAMILIES = {
    "deep": "Every layer: deep regression collapse",
    "nrc": "The last layer: NRC1 to NRC3",
    "nc": "Classifiers",
    "rank": "Directions in use",
    "features": "Units",
    "dimension": "Intrinsic dimension",
    "model": "The network itself",
}


def family_of(name: str) -> str:
    """The measures of a page: those whose names differ in a number at the end stand on one.

    >>> family_of("deep.direction_r2_3"), family_of("nrc.1")
    ('deep.direction_r2', 'nrc.1')
    """
    return NUMBERED.sub("", name)


def grouped() -> dict[str, list[Probe]]:
    """The catalog's rows by the page on which they stand."""
    found: dict[str, list[Probe]] = {}
    for probe in CATALOG:
        found.setdefault(family_of(probe.name), []).append(probe)
    return found


def write(folder: Path) -> None:
    """Write the pages, their pictures and the index that lists them."""
    folder.mkdir(parents=True, exist_ok=True)
    reports, read, pages = examples.reports(folder / "reports"), odd_inputs.answers(), grouped()
    for name, rows in pages.items():
        LOG.info("measure %s", name)
        picture = folder / f"{name}.png"
        _draw(rows, reports["classes" if rows[0].classes else "regression"], picture)
        (folder / f"{name}.md").write_text("\n".join(_page(name, rows, read, picture.is_file())), encoding="utf-8")
    (folder / "index.md").write_text("\n".join(_index(pages)), encoding="utf-8")


def _index(pages: dict[str, list[Probe]]) -> Iterator[str]:
    yield "# Measures\n\nOne page each: what it says, how it is computed, what a collapsed and an untrained"
    yield "network read, what chance reads, and what it answers to odd inputs. Rows are samples; H are a layer's"
    yield "input features, W its weight, Y the targets, k their rank; covariances are centred and divide by N.\n"
    yield "```{toctree}\n:hidden:\n\n/glossary\n" + "\n".join(pages) + "\n```\n"
    for family, title in FAMILIES.items():
        yield f"## {title}\n\n| measure | what | at collapse |\n|---|---|---|"
        for name, rows in pages.items():
            if name.split(".")[0] == family:
                yield f"| [`{name}`]({name}.md) | {_title(rows)} | {_collapsed(rows[0])} |"
        yield ""
    yield "The same words in three papers: [a glossary](/glossary.md)."


def _page(name: str, rows: Sequence[Probe], read: pd.DataFrame, drawn: bool) -> Iterator[str]:
    first = rows[0]
    yield f"# {_title(rows)}\n\n`{name}`\n\n{first.meaning}\n"
    yield f"```text\n{first.formula or 'no formula'}\n```\n"
    yield "| | |\n|---|---|"
    for key, value in _facts(first):
        yield f"| {key} | {_cell(value)} |"
    if drawn:
        yield f"\n![{first.title} of an untrained and of a collapsed network]({name}.png)\n"
        yield _caption(first)
    variants = [probe for probe in rows if family_of(probe.name) == name and probe.variant != "default"]
    if variants:
        yield "\n## Variants\n\n| variant | formula | what |\n|---|---|---|"
        for probe in {probe.variant: probe for probe in variants}.values():
            yield f"| {_cell(probe.variant)} | {_cell(probe.formula)} | {_cell(probe.meaning)} |"
    odd = list(odd_inputs.of(first.name, first.where, read))
    if odd:
        yield "\n## Odd inputs\n\nWhat it answered when this page was made. Where a value is missing there is none.\n"
        yield "| input | value | status | note |\n|---|---|---|---|"
        for row in odd:
            yield f"| {' | '.join(map(_cell, row))} |"
    yield ""


def _title(rows: Sequence[Probe]) -> str:
    names = {probe.name for probe in rows}
    return rows[0].title if len(names) == 1 else NUMBERED.sub("", rows[0].title.replace(" 1", "")) + "s"


def _facts(probe: Probe) -> Iterator[tuple[str, str]]:
    low, high = (f"{bound:g}" for bound in probe.bounds)
    yield "range", f"[{low}, {high}]".replace("inf]", "∞)")
    yield "at collapse", _collapsed(probe)
    yield "measured at", {"layer": "every layer", "top": "the last layer", "network": "the network, once"}[probe.where]
    yield (
        "measured",
        "by default" if probe.default else f'when named: `probes=["{probe.name}"]`',
    )
    if probe.classes:
        yield "targets", "classes"
    yield "chance", _documented(probe.chance) or "no level: compare with an untrained network"
    if probe.floor:
        yield "floor", _documented(probe.floor) or "what rounding of the features' own dtype could make"
    yield "held out", _documented(probe.held_out) or "no held-out form"
    yield "also called", probe.also
    yield "source", probe.source


def _collapsed(probe: Probe) -> str:
    if probe.collapsed is not None:
        return f"{probe.collapsed:g}"
    return probe.reference.words if probe.reference else probe.better or "no value of its own"


def _documented(function: Any) -> str:
    text = (getattr(function, "__doc__", None) or "").split("\n\n")[0]
    return " ".join(text.split())


def _caption(probe: Probe) -> str:
    drawn = "four classes" if probe.classes else "targets of rank 2 in R^10"
    line = ", with what chance gives dotted" if probe.chance else ""
    return f"*A network of seven layers on {drawn}, before training and after training with weight decay{line}.*"


def _cell(text: str) -> str:
    """Text that stands in a table's cell: bars would end it, and stars are no emphasis."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", " ") or " "


def _draw(rows: Sequence[Probe], report: Report, path: Path) -> None:
    """Layers across, a line a network; nothing for what has a single value or none."""
    first = rows[0]
    found = report.table[(report.table["measure"] == first.name) & report.table["value"].notna()]
    if path.is_file() or first.where != "layer" or found["layer"].nunique() < 2:
        return
    with warnings.catch_warnings(), plt.rc_context({"figure.figsize": (5.6, 3.2), "svg.fonttype": "none"}):
        warnings.simplefilter("ignore", UserWarning)
        report.lines(first.name, path=path)
    plt.close("all")


def _made(app: Any) -> None:
    write(Path(app.srcdir) / "_made" / "measures")


def setup(app: Any) -> dict[str, bool]:
    """Before any source is read."""
    app.connect("builder-inited", _made)
    return {"parallel_read_safe": True}

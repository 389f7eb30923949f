"""What is known of a measure: the catalog's entry, or that of a user's own probe in the record of a report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

import pandas as pd

from probes import CATALOG, Probe, Reference
from probes import HELD as HELD_OUT

HELD = (  # what a record holds of a user's own probe, beside its bounds and its reference
    "name",
    "variant",
    "title",
    "meaning",
    "formula",
    "source",
    "also",
    "collapsed",
    "better",
    "where",
    "log",
    "top_k",
    "main",
    "order",
    "shown",
    "short",
    "digits",
    "told",
)
LEVELS = {field.name for field in fields(Reference)}


def described(measure: str, variant: str = "default", provenance: Iterable[Mapping[str, Any]] = ()) -> Probe:
    """The catalog's entry, or that of a probe of the user's own in the records of a report; see ``own``.

    What neither knows has its name for a title, no direction and no bounds. A held-out value is described as the plain
    one is.
    """
    if variant.split(", ")[0] == HELD_OUT:
        plain = described(measure, variant.removeprefix(HELD_OUT).removeprefix(", ") or "default", provenance)
        return replace(plain, variant=variant, title=f"{plain.title}, {HELD_OUT}", main=False, held_out=None)
    for probe in CATALOG:
        if (probe.name, probe.variant) == (measure, variant):
            return probe
    for record in provenance:
        for entry in record.get("probes", ()):
            if (entry.get("name"), entry.get("variant", "default")) == (measure, variant):
                return own(entry)
    return own({"name": measure, "variant": variant})


def own(entry: Mapping[str, Any]) -> Probe:
    """A probe as a report's record describes it; it can be drawn and explained, not measured."""
    low, high = map(float, entry.get("bounds") or (-math.inf, math.inf))  # in words where JSON has no such number
    given = {key: entry[key] for key in HELD if key not in ("name", "title") and entry.get(key) is not None}
    if "shown" in given:
        given["shown"] = tuple(given["shown"])
    if entry.get("reference"):
        known = {key: value for key, value in entry["reference"].items() if key in LEVELS}
        given["reference"] = Reference(**known)
    title = entry.get("title") or entry["name"]
    given |= dict.fromkeys(entry.get("levels", ()), _unmeasured)
    return Probe(entry["name"], _unmeasured, title, bounds=(low, high), **given)


def as_record(probe: Probe) -> dict[str, Any]:
    """What a reader needs to know of a probe that the catalog does not hold, as plain values."""
    held = {name: getattr(probe, name) for name in HELD} | {"shown": list(probe.shown)}
    reference = None if probe.reference is None else asdict(probe.reference)
    levels = [name for name in ("chance", "floor") if getattr(probe, name) is not None]
    return held | {"levels": levels, "bounds": [str(bound) for bound in probe.bounds], "reference": reference}


def _unmeasured() -> float:
    """In place of a function that a record does not hold."""
    return math.nan


def main_ones(table: pd.DataFrame, provenance: Iterable[Mapping[str, Any]], shown: str) -> list[Probe]:
    """The main measures that a tidy frame has a value a layer of and that stand in ``shown``, in their order."""
    layered = table[(table["depth"] >= 0) & (table["variant"] == "default")]
    known = [described(name, provenance=provenance) for name in dict.fromkeys(layered["measure"])]
    return sorted((p for p in known if p.main and shown in p.shown), key=lambda p: p.order)

"""Curves of the papers' figures, read off point by point, and a table's values beside them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from deepnrc.errors import UsageError
from deepnrc.table.descriptions import described
from deepnrc.table.grouping import SILENT
from deepnrc.wording import did_you_mean, listing

CURVES = Path(__file__).with_name("published.csv")
Series = tuple[str, str]


@dataclass(frozen=True)
class PublishedCurve:
    """One measure of one network of a paper, read off its figure with an error below 1e-3 of an axis.

    Attributes:
        paper: its arXiv number.
        study, series: the data, and which of the networks that learned it; ``series`` is empty where the paper does
            not say.
        measure, variant: as the catalog calls them.
        k: the signal rank that fits the first layer, which depends on the data alone; None where there is none.
        note: what else is to be known.
        values: by layer, counted from 1; of layer 0 what belongs to the whole network. Layers that a figure does not
            show, or shows below its axis, are left out.
        layers: how many the network has.
    """

    paper: str
    study: str
    series: str
    measure: str
    variant: str
    k: int | None
    note: str
    values: Mapping[int, float]
    layers: int

    @property
    def told(self) -> str:
        """How a legend calls it."""
        named = f"published, {self.series}" if self.series else "published"
        return named if self.k is None or not described(self.measure, self.variant).top_k else f"{named}, k = {self.k}"


@cache
def published_curves() -> tuple[PublishedCurve, ...]:
    """Every published curve that there is, in the order of papers, studies and series."""
    found: dict[tuple[str, ...], dict[int, float]] = {}
    with CURVES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = tuple(row[name] for name in ("paper", "data", "setting", "measure", "k", "note"))
            found.setdefault(key, {})[int(row["layer"])] = float(row["value"])
    deepest = {study: max(max(values) for key, values in found.items() if key[1] == study) for _, study, *_ in found}
    return tuple(_curve(key, values, deepest[key[1]]) for key, values in found.items())


def _curve(key: tuple[str, ...], values: Mapping[int, float], layers: int) -> PublishedCurve:
    paper, study, series, measure, k, note = key
    name, _, variant = measure.partition(" (")
    rank = int(k) if k else None
    return PublishedCurve(paper, study, series, name, variant.rstrip(")") or "default", rank, note, values, layers)


def published_curve(measure: str, published: Series, variant: str = "default") -> PublishedCurve:
    """The curve of a measure in a study and series, such as ("synthetic, rank 2 in R^10", "good").

    Errors: UsageError for a study, series or measure that there is not, with what there is.
    """
    if not isinstance(published, tuple) or len(published) != 2:
        raise UsageError(
            "A published curve is named by its study and series, such as ('swimmer', 'wd 5e-3'); this is "
            f"{published!r}."
        )
    study, series = published
    of_study = [curve for curve in published_curves() if curve.study == study]
    if not of_study:
        known = list(dict.fromkeys(curve.study for curve in published_curves()))
        raise UsageError(
            f"Nothing is published of a study {study!r}.{did_you_mean(study, known)} Studies: {listing(known, 20)}."
        )
    mine = [curve for curve in of_study if curve.series == series]
    if not mine:
        known = list(dict.fromkeys(curve.series for curve in of_study))
        raise UsageError(
            f"{study!r} has no series {series!r}.{did_you_mean(series, known)} Series: {listing(known, 20)}."
        )
    for curve in mine:
        if (curve.measure, curve.variant) == (measure, variant):
            return curve
    there = [c.measure if c.variant == "default" else f"{c.measure} (variant {c.variant!r})" for c in mine]
    asked = measure if variant == "default" else f"{measure} (variant {variant!r})"
    raise UsageError(f"{study!r}, {series!r} has no curve of {asked}. It has: {listing(there, 20)}.")


def beside(rows: pd.DataFrame, curve: PublishedCurve) -> pd.DataFrame:
    """Values of one measure at the last step of each run beside a published curve, layer by layer.

    Args:
        rows: of one measure, as ``Table.values`` has them.
    Returns: run, depth, layer, published_layer (from 1), value, published, and relative, |value / published - 1|; a row
        for each layer that the curve shows.
    Errors: UsageError where the layers do not match one by one, or k is another.
    """
    rows = rows[rows["step"] == rows.groupby("run")["step"].transform("max")]
    parts = [_of_run(mine.sort_values("depth"), str(run), curve) for run, mine in rows.groupby("run", sort=False)]
    columns = ["run", "depth", "layer", "published_layer", "value", "published", "relative"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _of_run(rows: pd.DataFrame, run: str, curve: PublishedCurve) -> pd.DataFrame:
    whole = list(curve.values) == [0]
    if not whole and len(rows) != curve.layers:
        raise UsageError(
            f"The published network has {curve.layers} layers and {run!r} has {len(rows)} with a value of "
            f"{curve.measure}, so they cannot be paired. Take a network of as many layers, or choose as many with "
            "report.where(layer=[...])."
        )
    ranks = set(rows["rank"].dropna().astype(int))
    if curve.k is not None and described(curve.measure, curve.variant).top_k and ranks != {curve.k}:
        mine = listing([f"{rank}" for rank in sorted(ranks)])
        raise UsageError(
            f"The published curve of {curve.measure} is at k = {curve.k}, and {run!r} was measured at k = {mine}. "
            f"Probe with rank={curve.k}."
        )
    layers = [0] if whole else range(1, curve.layers + 1)
    value = rows["value"].where(~rows["status"].isin(SILENT))
    paired = rows.assign(published_layer=list(layers), value=value)
    paired = paired[paired["published_layer"].isin(list(curve.values))]
    published = paired["published_layer"].map(curve.values)
    return paired.assign(published=published, relative=np.abs(paired["value"] / published - 1))


def apart(paired: pd.DataFrame) -> str:
    """The median and the largest relative difference of what ``beside`` found, in words."""
    relative = paired["relative"].dropna()
    if relative.empty:
        return "no value to compare"
    return f"off: median {_share(relative.median())}, largest {_share(relative.max())}"


def _share(share: float) -> str:
    """A relative difference, as a percentage or, from ten times on, as a factor."""
    if share >= 10:
        return f"{share:.0f}-fold"
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"

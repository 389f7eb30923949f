"""From the tidy table to the cells of a heatmap: a row a layer in order of depth, a column a step, run or measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepnrc.errors import UsageError
from deepnrc.figures.words import labels
from deepnrc.table import COLLAPSE, LOW, NOISE, SILENT, TAU, Table, described
from deepnrc.wording import Either

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """One panel.

    Attributes:
        layers: names as they are printed, first layer first.
        columns: labels from left to right.
        values: (layers, columns), NaN where there is none.
        missing: where a layer has no value that says anything about collapse.
        absent: where there is no such layer: runs may differ in depth.
        below: where rounding alone could have made the value.
        floor: what rounding could make; NaN where unknown.
        onset: for each column, the row from which collapse holds to the last judged one, or None.
        low: for each column, the row from which noise is low to the last, or None.
        narrow: where the layer is too narrow, d < 2k, for the measure to tell anything.
    """

    layers: list[str]
    columns: list[str]
    values: Numbers
    missing: Flags
    absent: Flags
    below: Flags
    floor: Numbers
    onset: Sequence[int | None] = ()
    low: Sequence[int | None] = ()
    narrow: Flags = field(default_factory=lambda: np.zeros((0, 0), bool))

    def usable(self, column: int | None = None) -> Numbers:
        """Values that a scale must show, of one column or of all."""
        kept = ~(self.missing | self.absent | self.below)
        return self.values[kept] if column is None else self.values[:, column][kept[:, column]]


def by_layer(report: Table, measure: str, variant: str) -> pd.DataFrame:
    """The rows of a measure that has a value a layer.

    Errors: UsageError for a measure that belongs to the whole network.
    """
    rows = report.values(measure, variant)
    rows = rows[rows["depth"] >= 0]
    if rows.empty:
        raise UsageError(
            f"'{measure}' is one number for the whole network and not one a layer. ",
            Either(f"Draw it with lines(), or read it with report.values('{measure}').", "`deepnrc report` shows it."),
        )
    return rows


def grid(report: Table, measure: str, variant: str, across: str, log: bool, tau: float = TAU) -> Grid:
    """Layers by steps, or by runs, of one measure; the layers of several runs are paired by depth."""
    rows = by_layer(report, measure, variant)
    columns = list(dict.fromkeys(rows[across]))
    found = _onset_rows(report, across, columns, rows, tau) if (measure, variant) == (NOISE, "default") else {}
    return replace(_cells(rows, across, columns, log), onset=found.get(COLLAPSE, ()), low=found.get(LOW, ()))


def measures_grid(report: Table, chosen: Sequence[tuple[str, str]], logs: Sequence[bool]) -> Grid:
    """Layers by measures of one run and step; a measure that the run does not hold is a column without cells."""
    held = set(zip(report.table["measure"], report.table["variant"], strict=True))
    parts = [by_layer(report, *key).assign(column=i, log=logs[i]) for i, key in enumerate(chosen) if key in held]
    rows = pd.concat(parts) if parts else report.table.iloc[:0].assign(column=0, log=False)
    return _cells(rows, "column", list(range(len(chosen))), rows["log"].to_numpy(bool))


def _cells(rows: pd.DataFrame, across: str, columns: list[object], log: bool | Flags) -> Grid:
    names = rows.drop_duplicates(["depth", "layer"]).sort_values("depth").groupby("depth")["layer"].agg(list)
    layers = [same[0] if len(same) == 1 else f"depth {depth}" for depth, same in names.items()]
    places = (
        np.searchsorted(names.index.to_numpy(), rows["depth"].to_numpy()),
        pd.Index(columns).get_indexer(pd.Index(rows[across])),
    )
    value, least = rows["value"].to_numpy(), rows["floor"].to_numpy()
    narrow = _narrow(rows)
    grey = rows["value"].isna().to_numpy() | rows["status"].isin(SILENT).to_numpy() | narrow
    rounding = (rows["status"] == "below floor").to_numpy() | (value <= least) | (log & (value <= 0))
    return Grid(
        labels(layers),
        labels(columns),
        _placed(places, value, (len(layers), len(columns)), np.nan),
        _placed(places, grey, (len(layers), len(columns)), False),
        ~_placed(places, np.ones(len(rows), bool), (len(layers), len(columns)), False),
        _placed(places, rounding & ~grey, (len(layers), len(columns)), False),
        _placed(places, least, (len(layers), len(columns)), np.nan),
        narrow=_placed(places, narrow, (len(layers), len(columns)), False),
    )


def _narrow(rows: pd.DataFrame) -> Flags:
    """Which rows are of a measure of the top k directions in a layer of d < 2k, which has hardly any others."""
    known = {key: described(*key).top_k for key in set(zip(rows["measure"], rows["variant"], strict=True))}
    top_k = [known[key] for key in zip(rows["measure"], rows["variant"], strict=True)]
    return np.array(top_k, bool) & (rows["dim"] < 2 * rows["rank"]).fillna(False).to_numpy(bool)


def _placed(places: tuple[Any, Any], values: Any, shape: tuple[int, int], otherwise: float | bool) -> Any:
    cells = np.full(shape, otherwise)
    cells[places] = values
    return cells


def _onset_rows(
    report: Table, across: str, columns: list[object], rows: pd.DataFrame, tau: float
) -> dict[str, list[int | None]]:
    """By rule, the row of each column from which it holds; a rule that none has is left out."""
    order = sorted(set(rows["depth"]))
    found = {}
    for rule, part in report.onset(tau).groupby("rule"):
        starts = dict(zip(part[across], part["depth"], strict=True))
        places = [starts.get(column, pd.NA) for column in columns]
        found[str(rule)] = [None if pd.isna(depth) else order.index(int(depth)) for depth in places]
    return found

"""From the tidy table to the cells of a heatmap: a row a layer in order of depth, a column a step, run or measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepnrc.errors import UsageError
from deepnrc.figures.words import labels
from deepnrc.table import NOISE, SILENT, TAU, Table
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
        onset: for each column, the row from which collapse holds to the last, or None.
    """

    layers: list[str]
    columns: list[str]
    values: Numbers
    missing: Flags
    absent: Flags
    below: Flags
    floor: Numbers
    onset: Sequence[int | None] = ()

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
    return _cells(rows, across, columns, log, _onset_rows(report, measure, variant, across, columns, rows, tau))


def measures_grid(report: Table, chosen: Sequence[tuple[str, str]], logs: Sequence[bool]) -> Grid:
    """Layers by measures of one run and step; a measure that the run does not hold is a column without cells."""
    held = set(zip(report.table["measure"], report.table["variant"], strict=True))
    parts = [by_layer(report, *key).assign(column=i, log=logs[i]) for i, key in enumerate(chosen) if key in held]
    rows = pd.concat(parts) if parts else report.table.iloc[:0].assign(column=0, log=False)
    return _cells(rows, "column", list(range(len(chosen))), rows["log"].to_numpy(bool))


def _cells(
    rows: pd.DataFrame, across: str, columns: list[object], log: bool | Flags, onset: Sequence[int | None] = ()
) -> Grid:
    names = rows.drop_duplicates(["depth", "layer"]).sort_values("depth").groupby("depth")["layer"].agg(list)
    layers = [same[0] if len(same) == 1 else f"depth {depth}" for depth, same in names.items()]
    places = (
        np.searchsorted(names.index.to_numpy(), rows["depth"].to_numpy()),
        pd.Index(columns).get_indexer(pd.Index(rows[across])),
    )
    value, least = rows["value"].to_numpy(), rows["floor"].to_numpy()
    grey = rows["value"].isna().to_numpy() | rows["status"].isin(SILENT).to_numpy()
    rounding = (rows["status"] == "below floor").to_numpy() | (value <= least) | (log & (value <= 0))
    return Grid(
        labels(layers),
        labels(columns),
        _placed(places, value, (len(layers), len(columns)), np.nan),
        _placed(places, grey, (len(layers), len(columns)), False),
        ~_placed(places, np.ones(len(rows), bool), (len(layers), len(columns)), False),
        _placed(places, rounding & ~grey, (len(layers), len(columns)), False),
        _placed(places, least, (len(layers), len(columns)), np.nan),
        onset,
    )


def _placed(places: tuple[Any, Any], values: Any, shape: tuple[int, int], otherwise: float | bool) -> Any:
    cells = np.full(shape, otherwise)
    cells[places] = values
    return cells


def _onset_rows(
    report: Table, measure: str, variant: str, across: str, columns: list[object], rows: pd.DataFrame, tau: float
) -> Sequence[int | None]:
    if (measure, variant) != (NOISE, "default"):
        return ()
    noise = report.onset(tau).query("rule == 'noise'")
    starts = dict(zip(noise[across], noise["depth"], strict=True))
    order = sorted(set(rows["depth"]))
    return [None if pd.isna(starts[column]) else order.index(int(starts[column])) for column in columns]

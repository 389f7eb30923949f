"""The columns of the two tables: values, and the spectra behind them; one row, one value."""

from __future__ import annotations

from typing import Any

import pandas as pd

NETWORK = "(network)"  # in place of a layer, for what belongs to none
COLUMNS = {
    "run": "str",
    "step": "int64",
    "depth": "int64",
    "layer": "str",
    "kind": "str",
    "measure": "str",
    "variant": "str",
    "value": "float64",
    "status": "str",
    "note": "str",
    "n_samples": "int64",
    "dim": "int64",
    "target_dim": "int64",
    "rank": "Int64",
    "pool": "str",
    "chance": "float64",
    "floor": "float64",
    "chance_high": "float64",
    "corrected": "float64",
    "low": "float64",
    "high": "float64",
    "reference": "float64",
}
SPECTRA = {
    "run": "str",
    "step": "int64",
    "depth": "int64",
    "layer": "str",
    "spectrum": "str",
    "index": "int64",
    "value": "float64",
    "rank": "Int64",
    "count": "int64",
    "rest": "float64",
    "floor": "float64",
}
# What version 0.1 wrote, and what every saved table must hold. A column that joins those above is filled where an older
# table lacks it, so it must be of a kind that has a missing value, or words, which are then empty.
FIRST = frozenset([
    "run", "step", "depth", "layer", "kind", "measure", "variant", "value", "status", "note", "n_samples", "dim",
    "target_dim", "rank", "pool", "chance", "floor", "spectrum", "index", "count", "rest",
])  # fmt: skip
FILLS = {"str": "", "float64": float("nan"), "Int64": pd.NA, "boolean": pd.NA, "string": pd.NA}
SPECTRA_NAMES = ("features", "targets", "weight", "cross", "cosines", "residuals")
FEATURES, TARGETS, WEIGHT, CROSS, COSINES, RESIDUALS = SPECTRA_NAMES


def no_spectra() -> pd.DataFrame:
    """The table of spectra without a row."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in SPECTRA.items()})


def distinct(column: pd.Series[Any]) -> list[Any]:
    """The values of a column, each once, in the order of their first rows."""
    return column.unique().tolist()


def completed(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """A saved frame with all columns, of their kinds and in their order; those of later versions filled.

    Errors: KeyError for a column that every version wrote.
    """
    late = {name for name in columns if name not in frame and name not in FIRST}
    filled = {name: FILLS[columns[name]] if name in late else frame[name] for name in columns}
    return typed(pd.DataFrame(filled, index=frame.index), columns)


def typed(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """A frame with its columns of their kinds; words that are missing are empty, which some releases of pandas would
    make the word "nan"."""
    words = [frame[name] for name, kind in columns.items() if kind == "str"]
    filled = {str(x.name): x.astype(object).where(x.notna(), "") for x in words if x.isna().any()}
    return frame.assign(**filled).astype(columns)

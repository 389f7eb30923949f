"""What a value is to be held against: the level that its probe names, and chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepnrc.table import TAU
from probes import Probe, Reference

CHANCE = Reference("chance")


@dataclass(frozen=True)
class Mark:
    """A reference level, or the range in which it lies over layers and runs."""

    held: Reference
    low: float
    high: float

    @property
    def chance(self) -> bool:
        """Whether it is what chance gives."""
        return self.held is CHANCE


def marks(table: pd.DataFrame, probe: Probe, tau: float = TAU) -> list[Mark]:
    """The reference levels of one measure in the rows of a table; those that it does not hold are left out."""
    rows = table[(table["measure"] == probe.name) & (table["variant"] == probe.variant)]
    own = [] if probe.reference is None else _mark(probe.reference, levels(table, probe.reference, tau))
    return [*own, *_mark(CHANCE, rows["chance"])]


def levels(table: pd.DataFrame, reference: Reference, tau: float = TAU) -> pd.Series[float]:
    """The level by run, or one for all of them; what is measured, at each run's last step.

    At an earlier one an untrained network's own error would stretch every scale.
    """
    if reference.threshold:
        return pd.Series([tau])
    if not reference.measure:
        return pd.Series([reference.level], dtype=float)
    key = (table["measure"] == reference.measure) & (table["variant"] == reference.variant) & (table["depth"] < 0)
    rows = table[key].sort_values("step", kind="stable").drop_duplicates("run", keep="last").set_index("run")["value"]
    return rows[np.isfinite(rows)]  # a scale cannot reach infinity


def _mark(held: Reference, values: pd.Series[float]) -> list[Mark]:
    known = values[np.isfinite(values)]
    return [Mark(held, float(known.min()), float(known.max()))] if len(known) else []

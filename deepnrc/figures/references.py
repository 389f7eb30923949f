"""What a value is to be held against: the target's stable rank, chance, rounding, the network's own error, tau."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepnrc.table import TAU

TARGET, OWN_ERROR = "target stable rank", "network MSE"


@dataclass(frozen=True)
class Mark:
    """A reference level, or the range in which it lies over layers, runs and steps."""

    words: str
    low: float
    high: float

    @property
    def short(self) -> str:
        """One word, for a tick."""
        return self.words.split()[0]


def marks(table: pd.DataFrame, measure: str, variant: str, tau: float = TAU) -> list[Mark]:
    """The reference levels of one measure in the rows of a report; those that it does not hold are left out.

    The network's own error is that of each run's last step: an untrained one would stretch every scale.
    """
    if measure == "deep.noise_fraction":
        return [Mark("τ", tau, tau)]
    if measure in ("deep.feature_stable_rank", "deep.weight_stable_rank"):
        return _mark(TARGET, network(table, "deep.target_stable_rank", variant)["value"])
    if measure == "deep.linear_mse":
        own = network(table, "model.mse")
        last = own["step"] == own.groupby("run")["step"].transform("max")
        return [Mark(OWN_ERROR, 1, 1)] if variant == "ratio" else _mark(OWN_ERROR, own.loc[last, "value"])
    rows = table[(table["measure"] == measure) & (table["variant"] == variant)]
    return _mark("chance", rows["chance"])


def network(table: pd.DataFrame, measure: str, variant: str = "default") -> pd.DataFrame:
    """Rows of a measure that belongs to the whole network."""
    return table[(table["measure"] == measure) & (table["variant"] == variant) & (table["depth"] < 0)]


def _mark(words: str, levels: pd.Series[float]) -> list[Mark]:
    known = levels[np.isfinite(levels)]  # a scale cannot reach infinity
    return [Mark(words, float(known.min()), float(known.max()))] if len(known) else []

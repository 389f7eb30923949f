"""Claims about residual networks, each read off the layers in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from experiments.claims.sweeps import (
    DEEP,
    TOP,
    collapsed_layers,
    learned_every_direction,
    upper_layers_collapse,
    weight_decay_orders,
)
from experiments.runner.results import Results
from experiments.runner.study import Claim

TIRER = "Tirer & Bruna 2022"
FIRST_COLLAPSED = "layer4.0.conv2"


def regression_claims(decays: int) -> tuple[Claim, ...]:
    """What the papers say of regression from images, at the largest of so many weight decays, and over them."""
    swept = (
        (*weight_decay_orders(branches=True), falls_at_the_top("nrc.1"), falls_at_the_top("nrc.2"))
        if decays > 1
        else ()
    )
    return (*swept, *upper_layers_collapse(), onset(), similarity_rises())


def falls_at_the_top(measure: str) -> Claim:
    """A measure of the last layer, its rows centred, with weight decay and without."""
    return Claim(
        f"{measure} (rows centred) falls with weight decay: last layer, largest weight decay over none",
        TOP, lambda r: top_ratio(r, f"{measure}_centred"), "<", 0.5,
    )  # fmt: skip


def onset(setting: Callable[[Results], int | None] = lambda results: -1, told: str = "") -> Claim:
    """Where the collapse begins, against where it is published to; not measurable without a setting to judge."""
    return Claim(
        f"Collapse from {FIRST_COLLAPSED} on{told}: layers by which the onset (noise <= 0.2) lies behind it",
        DEEP, lambda r: behind(r, FIRST_COLLAPSED, setting(r)), "<", 0.5,
    )  # fmt: skip


def similarity_rises() -> Claim:
    """CKA with the targets over depth."""
    return Claim(
        "Signal-target alignment (CKA) rises towards the top: rank correlation with depth, largest weight decay",
        DEEP, lambda r: with_depth(r.by_layer("deep.cka").iloc[:, -1]), ">", 0.7,
    )  # fmt: skip


def classifier_claims(loss: str) -> tuple[Claim, ...]:
    """What is published of classifiers across depth, at the largest weight decay of this loss."""

    def column(results: Results) -> int | None:
        return decayed(results, loss)

    def curve(results: Results, measure: str, variant: str = "default") -> pd.Series[float]:
        table, at = results.by_layer(measure, variant), column(results)
        return pd.Series(dtype=float) if at is None else table.iloc[:, at].dropna()

    return (
        Claim(
            f"Variability within classes falls gradually with depth ({loss}): rank correlation of nc.1 with depth",
            TIRER, lambda r: with_depth(curve(r, "nc.1")), "<", -0.9,
        ),
        Claim(
            f"It falls by orders of magnitude ({loss}): decades of nc.1 between the first layer and the last",
            TIRER, lambda r: decades(curve(r, "nc.1")), ">", 2,
        ),
        Claim(
            f"Class means form a simplex only in the deepest features ({loss}): nc.2 of the last layer over the median "
            "of the first half",
            TIRER, lambda r: last_over_early(curve(r, "nc.2")), "<", 0.25,
        ),
        Claim(
            f"The last weight is the dual of the class means ({loss}): nc.3 of the last layer",
            TIRER, lambda r: last(curve(r, "nc.3")), "<", 0.1,
        ),
        onset(column, f" ({loss}, k = K - 1)"),
        Claim(
            f"The regression measure tells the same of the upper half of the layers ({loss}): rank correlation of the "
            "noise fraction with nc.1 as a share",
            "our comparison", lambda r: alike(upper(curve(r, "deep.noise_fraction")), curve(r, "nc.1", "total")),
            ">", 0.8,
        ),
    )  # fmt: skip


def decayed(results: Results, loss: str) -> int | None:
    """Position among the swept settings of this loss's largest weight decay; None if all of its are 0."""
    mine = {s.label: s.facts["weight decay"] for s in results.study.settings if s.facts.get("loss") == loss}
    label = max(mine, key=lambda name: mine[name], default=None)
    return results.swept.index(label) if label is not None and mine[label] > 0 else None


def behind(results: Results, layer: str, setting: int | None = -1) -> float:
    """Layers from the named one to the onset of low noise, negative if that comes first; the onset of a network that
    does not collapse lies one past its last layer.

    NaN without that layer, without a setting, and for one whose noise is not known or that has not learned its targets
    (see ``learned_every_direction``).
    """
    if setting is None:
        return np.nan
    rows = results.last("deep.noise_fraction")
    rows = rows[rows["setting"] == results.swept[setting]].dropna(subset="value")
    depths = dict(zip(rows["layer"], rows["depth"], strict=True))
    if layer not in depths or not learned_every_direction(results, setting):
        return np.nan
    collapsed = collapsed_layers(results, setting)
    return float((collapsed[0] if collapsed else max(depths.values()) + 1) - depths[layer])


def top_ratio(results: Results, measure: str) -> float:
    """A measure of the last layer with the largest weight decay, over that with none; NaN if either was not run."""
    decays = {s.label: s.facts["weight decay"] for s in results.study.settings}
    least, most = (choose(decays, key=lambda name: decays[name]) for choose in (min, max))
    if decays[least] != 0 or decays[most] == 0:
        return np.nan
    values = results.top(measure)
    return float(values[most] / values[least])


def with_depth(curve: pd.Series[float]) -> float:
    """Rank correlation of values by layer with depth, in [-1, 1]; NaN for fewer than three layers."""
    return alike(curve, pd.Series(curve.index, curve.index, dtype=float))


def alike(one: pd.Series[float], other: pd.Series[float]) -> float:
    """Rank correlation of two measures over the layers that have both, in [-1, 1]; NaN for fewer than three."""
    both = pd.concat([one, other], axis=1).dropna().rank().to_numpy()
    return float(np.corrcoef(both, rowvar=False)[0, 1]) if len(both) > 2 else np.nan


def upper(curve: pd.Series[float]) -> pd.Series[float]:
    """The upper half; lower layers are hardly wider than K - 1 and have little noise, collapsed or not."""
    return curve.iloc[len(curve) // 2 :]


def decades(curve: pd.Series[float]) -> float:
    """log10 of the first layer's value over the last's."""
    return float(np.log10(curve.iloc[0] / curve.iloc[-1])) if len(curve) > 1 else np.nan


def last_over_early(curve: pd.Series[float]) -> float:
    """The last layer's value over the median of the first half of the layers."""
    return float(curve.iloc[-1] / curve.iloc[: len(curve) // 2].median()) if len(curve) > 1 else np.nan


def last(curve: pd.Series[float]) -> float:
    """The last layer's value."""
    return float(curve.iloc[-1]) if len(curve) else np.nan

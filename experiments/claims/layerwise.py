"""What is read off the layers of a sweep, in the order in which they run: where they collapse, and which way a measure
goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepnrc.table import JUDGED, TAU, collapse_onset, verdicts
from experiments.claims.learning import learned_every_direction
from experiments.runner import Results

SMALLEST, LEARNED_ALONG = "model.direction_r2_smallest", "model.direction_r2_{}"


@dataclass(frozen=True)
class Judged:
    """The layers of a setting by their verdicts on the mean over the seeds: depths of the collapsed ones from onset to
    the last judged one, and how many were judged; 0 where no verdict can be told."""

    collapsed: list[int]
    of: int


def judged(results: Results, setting: int = -1, tau: float = TAU, signal: int | None = None) -> Judged:
    """What the verdicts say of a setting of the sweep, where learning is asked of every direction of the targets or,
    given ``signal``, of so many of the strongest: the others may be noise that nobody can learn."""
    label = results.swept[setting]
    runs = {run: label for run, name in results.runs().items() if name == label}
    if not runs:
        return Judged([], 0)
    table = results.report.means(runs).at().table
    found = verdicts(table if signal is None else _of_signal(table, signal), tau)
    onset = collapse_onset(found).iloc[0]
    after = found[found["verdict"].isin(JUDGED) & (found["depth"] >= onset["depth"])] if onset["layers"] else found[:0]
    return Judged(sorted(int(depth) for depth in after["depth"]), int(onset["of"]))


def _of_signal(table: pd.DataFrame, directions: int) -> pd.DataFrame:
    """The table with the network's R2 along its first directions for that along all of them."""
    kept = [LEARNED_ALONG.format(i) for i in range(1, directions + 1)]
    rows = table[table["measure"].isin(kept) & (table["variant"] == "default")]
    smallest = (table["measure"] == SMALLEST) & (table["variant"] == "default")
    return table.assign(value=table["value"].mask(smallest, table["run"].map(rows.groupby("run")["value"].min())))


def onset_share(results: Results, setting: int = -1, signal: int | None = None) -> float:
    """Share of the judged layers from collapse onset to the last; NaN where no verdict can be told."""
    found = judged(results, setting, signal=signal)
    return len(found.collapsed) / found.of if found.of else np.nan


def rank_mismatch(results: Results, setting: int = -1, signal: int | None = None) -> float:
    """Largest relative difference of the features' stable rank to the targets', over collapsed layers;
    NaN without such layers, and if the rank of one is not known."""
    layers = judged(results, setting, signal=signal).collapsed
    ranks = _defined(results, setting, layers, "deep.feature_stable_rank")
    if not len(ranks):
        return np.nan
    target = float(results.by_layer("deep.target_stable_rank").to_numpy()[0, setting])
    return float((ranks / target - 1).abs().max(skipna=False))


def largest_gap(results: Results, setting: int = -1, tau: float = TAU) -> float:
    """Largest R2 that the best affine map from a layer falls short of the network's along a target direction, over the
    layers that are low in noise up to the last, collapsed or not; NaN without such layers, or with one unknown."""
    noise = results.by_layer("deep.noise_fraction").iloc[:, setting].dropna()
    gaps = results.by_layer("deep.direction_r2_gap").iloc[:, setting].reindex(noise.index)
    low = (noise <= tau)[::-1].cummin()[::-1]
    return float(gaps[low].max(skipna=False)) if low.any() else np.nan


def _defined(
    results: Results, setting: int, layers: list[int], measure: str, variant: str = "default"
) -> pd.Series[float]:
    """Means over seeds at those of the layers for which the measure is defined, NaN where it is degenerate."""
    rows = results.last(measure, variant)
    defined = set(rows.loc[rows["setting"] == results.swept[setting], "depth"])
    return results.by_layer(measure, variant).iloc[:, setting].loc[[depth for depth in layers if depth in defined]]


def behind(results: Results, layer: str, setting: int = -1) -> float:
    """Layers from the named one to collapse onset, negative if that comes first; the onset of a network that does not
    collapse lies one past its last layer.

    NaN without that layer, and for a setting of which no verdict can be told or that has not learned its targets
    (see ``learned_every_direction``).
    """
    rows = results.last("deep.noise_fraction")
    rows = rows[rows["setting"] == results.swept[setting]].dropna(subset="value")
    depths = dict(zip(rows["layer"], rows["depth"], strict=True))
    found = judged(results, setting)
    if layer not in depths or not found.of or not learned_every_direction(results, setting):
        return np.nan
    return float((found.collapsed[0] if found.collapsed else max(depths.values()) + 1) - depths[layer])


def varying(table: pd.DataFrame) -> pd.DataFrame:
    """Layers (rows) with a value in every setting (columns); all layers if those are fewer than half."""
    known = table.dropna()
    return known if 2 * len(known) >= len(table) else table


def lower_at_most(table: pd.DataFrame) -> float:
    """Share of layers (rows) whose value at the last setting (column) is below that at the first, in [0, 1].

    NaN where there is nothing to compare: no rows, fewer than two columns, or a value that is not known.
    """
    values = table.to_numpy(dtype=float)
    return float(np.mean(values[:, -1] < values[:, 0])) if _comparable(values) else np.nan


def rank_correlation(table: pd.DataFrame) -> float:
    """Rank correlation of a layer's values with the order of settings (columns), mean over layers (rows), in [-1, 1].

    A layer that does not change counts as 0. NaN with fewer than three settings, and as for ``lower_at_most``.
    """
    values = table.to_numpy(dtype=float)
    if not _comparable(values) or values.shape[1] < 3:
        return np.nan
    order = pd.Series(range(values.shape[1]), dtype=float)
    return float(np.mean([pd.Series(row).rank().corr(order) if np.ptp(row) else 0.0 for row in values]))


def _comparable(values: NDArray[np.float64]) -> bool:
    return len(values) > 0 and values.shape[1] > 1 and not np.isnan(values).any()


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

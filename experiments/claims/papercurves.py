"""What the claims' numbers are on the published curves: the papers' own networks, judged as ours are."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from deepnrc.table import TAU, PublishedCurve, published_curves
from experiments.claims.layerwise import lower_at_most, rank_correlation

ALIGNED = 0.8  # as a verdict has it
GAP = 0.05
WORDS = {"zero": 0.0, "low": 1.0, "good": 2.0, "high (1e-3)": 3.0}  # in the order of weight decay, which is not told
Series = tuple[str, str]


def _curve(published: Series, measure: str, variant: str = "default") -> pd.Series[float]:
    """Values by layer; empty where there is no such curve."""
    for curve in published_curves():
        if (curve.study, curve.series, curve.measure, curve.variant) == (*published, measure, variant):
            return pd.Series(dict(curve.values), dtype=float)
    return pd.Series(dtype=float)


def onset_share(published: Series | None) -> float | None:
    """Share of the layers from the onset of collapse to the last, by noise and alignment, and by the gap of linear
    prediction where there is such a curve; None where noise or alignment is not published of all layers."""
    where = pd.Series(dtype=bool) if published is None else _collapsed(published)
    return float(where.mean()) if len(where) else None


def _collapsed(published: Series) -> pd.Series[bool]:
    """By layer, whether it and all behind it are collapsed; empty where that is not published of all layers."""
    noise, aligned = (_curve(published, f"deep.{name}") for name in ("noise_fraction", "feature_weight_alignment"))
    layers = max((c.layers for c in published_curves() if c.study == published[0]), default=0)
    if not layers or len(noise) < layers or len(aligned) < layers:
        return pd.Series(dtype=bool)
    gaps = linear_gaps(published).reindex(noise.index)
    return ((noise <= TAU) & (aligned >= ALIGNED) & ~(gaps > GAP))[::-1].cummin()[::-1]


def linear_gaps(published: Series) -> pd.Series[float]:
    """By layer, what R2 of the targets the best linear map falls short of the network's: the targets are standardised,
    so the difference of the errors; empty where either is not published."""
    network = _curve((published[0], ""), "model.mse")
    mse = _curve(published, "deep.linear_mse")
    return mse - network.iloc[0] if len(network) and published[0] != "utkface" else pd.Series(dtype=float)


def largest_gap(published: Series | None) -> float | None:
    """The largest of them over the layers that are low in noise up to the last; None where nothing is published."""
    if published is None:
        return None
    noise = _curve(published, "deep.noise_fraction")
    low = (noise <= TAU)[::-1].cummin()[::-1]
    gaps = linear_gaps(published).reindex(noise.index[low]).dropna()
    return float(gaps.max()) if len(gaps) else None


def over_decays(study: str, measure: str) -> pd.DataFrame:
    """A layer a row, a weight decay a column in ascending order, of the layers that are published at several.

    Of whole curves only inner layers count, as with ours.
    """
    found: dict[float, dict[int, float]] = {}
    for curve in published_curves():
        if (curve.study, curve.measure, curve.variant) == (study, measure, "default") and curve.k is not None:
            inner = {at: v for at, v in curve.values.items() if len(curve.values) == 1 or 1 < at < curve.layers}
            found.setdefault(_decay(curve), {}).update(inner)
    table = pd.DataFrame({decay: pd.Series(found[decay], dtype=float) for decay in sorted(found)})
    return table[table.notna().sum(axis=1) > 1].dropna(axis=1, how="all")


def _decay(curve: PublishedCurve) -> float:
    told = re.match(r"wd ([0-9.e-]+)", curve.series)
    return float(told[1]) if told else WORDS[curve.series]


def share_ordered(study: str, measure: str, sign: int) -> float | None:
    """Share of the published layers in which the value at the largest weight decay is above that at the least, or,
    with a ``sign`` of -1, below."""
    ends = [-sign * row.dropna().to_numpy()[[0, -1]] for _, row in over_decays(study, measure).iterrows()]
    return lower_at_most(pd.DataFrame(ends)) if ends else None


def correlation(study: str, measure: str) -> float | None:
    """Mean rank correlation with weight decay of the published layers with three values or more."""
    rows = [row.dropna().to_numpy() for _, row in over_decays(study, measure).iterrows()]
    found = [rank_correlation(pd.DataFrame([row])) for row in rows if len(row) > 2]
    return float(np.mean(found)) if found else None


def rank_mismatch(published: Series | None) -> float | None:
    """Largest relative difference of the features' stable rank to the targets', in the covariance form, over the
    collapsed layers; None where either is not published."""
    if published is None:
        return None
    ranks = _curve(published, "deep.feature_stable_rank", "covariance")
    target = _curve((published[0], ""), "deep.target_stable_rank", "covariance")
    where = _collapsed(published)
    found = ranks.reindex(where.index[where])
    return float((found / target.iloc[0] - 1).abs().max()) if len(found.dropna()) and len(target) else None

"""What Rangamani & Unal (2026) claim of deep neural regression collapse, read off a sweep over weight decay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from experiments.claims.claim import Claim
from experiments.claims.layerwise import (
    behind,
    falls,
    onset_share,
    rank_mismatch,
    rises,
    varying,
    with_depth,
    worst_prediction,
)
from experiments.claims.learning import learned, learned_every_direction
from experiments.runner import Results

DEEP = "Rangamani & Unal 2026"
FIRST_COLLAPSED = "layer4.0.conv2"


def weight_decay_orders(branches: bool = False) -> tuple[Claim, ...]:
    """Raising weight decay lowers noise, raises alignment and lowers the weights' stable rank, layer by layer; not
    measurable if a setting has not learned the strongest target direction. A weaker one may be dropped: orders are
    about what decay does, and much of it does that too.

    Args:
        branches: whether a shortcut passes the layers, so that weight decay can switch one off and leave its features
            constant; those that are constant in a setting are then left out, if they are no more than half.
    """
    told = " (of those whose features vary in every setting)" if branches else ""

    def inner(results: Results, measure: str) -> pd.DataFrame:
        table = results.inner(measure)
        if not all(learned(results, at) for at in range(len(results.swept))):
            return table.iloc[:0]
        return varying(table) if branches else table

    return (
        Claim(
            f"Raising weight decay lowers the noise fraction: share of inner layers{told} where it falls at every step",
            DEEP, lambda r: falls(inner(r, "deep.noise_fraction")), ">", 0.99,
        ),
        Claim(
            f"Raising weight decay raises feature-weight alignment: share of inner layers{told} where it rises at "
            "every step",
            DEEP, lambda r: rises(inner(r, "deep.feature_weight_alignment")), ">", 0.99,
        ),
        Claim(
            f"Raising weight decay lowers the weights' stable rank: share of inner layers{told} where it falls at "
            "every step",
            DEEP, lambda r: falls(inner(r, "deep.weight_stable_rank")), ">", 0.99,
        ),
    )  # fmt: skip


def upper_layers_collapse(setting: int = -1) -> tuple[Claim, ...]:
    """What collapsed layers look like, at the setting of that position; not measurable if it has not learned every
    target direction up to the signal rank: collapse is onto all of them, and features that miss one are narrow anyway.
    """

    def judged(read: Callable[[Results, int], float]) -> Callable[[Results], float]:
        return lambda results: read(results, setting) if learned_every_direction(results, setting) else np.nan

    return (
        Claim(
            "The upper layers collapse (by verdict): share of the judged layers from the onset to the last",
            DEEP, judged(onset_share), ">", 0.3,
        ),
        Claim(
            "Features in collapsed layers (by verdict) are as wide as the targets: largest relative difference of the "
            "stable ranks",
            DEEP, judged(rank_mismatch), "<", 0.25,
        ),
        Claim(
            "A linear map from any collapsed layer (by verdict) predicts the targets no worse than the network: "
            "largest linear MSE over network MSE",
            DEEP, judged(worst_prediction), "<", 1.5,
        ),
    )  # fmt: skip


def learned_dimension(tolerance: float = 0.25) -> tuple[Claim, ...]:
    """The last features' stable rank against the targets', over all settings of a sweep; not measurable if one of
    them has no value, or has not learned the strongest target direction. A weaker one that was dropped counts against
    the claim: it is a dimension that was not learned."""

    def mismatch(results: Results) -> float:
        if not all(learned(results, at) for at in range(len(results.swept))):
            return np.nan
        ranks = results.top("deep.feature_stable_rank")[results.swept]
        return float((ranks / results.top("deep.target_stable_rank")[results.swept] - 1).abs().max(skipna=False))

    return (
        Claim(
            "The dimension learned is that of the targets: largest relative difference of stable ranks, last layer",
            DEEP, mismatch, "<", tolerance,
        ),
    )  # fmt: skip


def onset(told: str = "") -> Claim:
    """Where the collapse begins at the largest weight decay, against where it is published to."""
    return Claim(
        f"Collapse from {FIRST_COLLAPSED} on{told}: layers by which the onset (by verdict) lies behind it",
        DEEP, lambda r: behind(r, FIRST_COLLAPSED), "<", 0.5,
    )  # fmt: skip


def similarity_rises() -> Claim:
    """CKA with the targets over depth."""
    return Claim(
        "Signal-target alignment (CKA) rises towards the top: rank correlation with depth, largest weight decay",
        DEEP, lambda r: with_depth(r.by_layer("deep.cka").iloc[:, -1]), ">", 0.7,
    )  # fmt: skip

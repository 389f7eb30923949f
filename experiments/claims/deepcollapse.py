"""What Rangamani & Unal (2026) claim of deep neural regression collapse, read off a sweep over weight decay."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from experiments.claims import papercurves
from experiments.claims.claim import Claim
from experiments.claims.layerwise import (
    behind,
    largest_gap,
    lower_at_most,
    onset_share,
    rank_correlation,
    rank_mismatch,
    varying,
    with_depth,
)
from experiments.claims.learning import NOTHING, learned, learned_every_direction, why_unread
from experiments.runner import Results

DEEP = "Rangamani & Unal 2026"
MOST_LAYERS, CORRELATED = 0.5, 0.5  # more than half of the layers; a clear rank correlation
FIRST_COLLAPSED = "layer4.0.conv2"


ORDERED = (  # measure, which way raising weight decay takes it, and how that is said
    ("deep.noise_fraction", -1, "lowers the noise fraction"),
    ("deep.feature_weight_alignment", 1, "raises feature-weight alignment"),
    ("deep.weight_stable_rank", -1, "lowers the weights' stable rank"),
)


def weight_decay_orders(decays: int, branches: bool = False, published: str = "") -> tuple[Claim, ...]:
    """Raising weight decay lowers noise, raises alignment and lowers the weights' stable rank: by layer, the largest
    decay against the least, and the rank correlation with decay over all of them.

    Not read if a setting has not learned the strongest target direction. A weaker one may be dropped: orders are about
    what decay does, and much of it does that too.

    Args:
        decays: how many are run: with one there is nothing to compare, with two no rank correlation.
        branches: whether a shortcut passes the layers, so that weight decay can switch one off and leave its features
            constant; those that are constant in a setting are then left out, if they are no more than half.
        published: the study whose published curves are judged beside; "" for none.
    """
    told = " (of those whose features vary in every setting)" if branches else ""

    def inner(results: Results, measure: str, sign: int) -> pd.DataFrame:
        table = results.inner(measure)
        if not all(learned(results, at) for at in range(len(results.swept))):
            return table.iloc[:0]
        return -sign * (varying(table) if branches else table)

    def share(measure: str, sign: int) -> Callable[[Results], float]:
        return lambda results: lower_at_most(inner(results, measure, sign))

    def correlated(measure: str, sign: int) -> Callable[[Results], float]:
        return lambda results: -sign * rank_correlation(inner(results, measure, sign))

    return tuple(
        claim
        for measure, sign, words in ORDERED
        for claim in (
            Claim(
                f"Raising weight decay {words}: share of inner layers{told} in which the largest does so against the "
                "least",
                DEEP, share(measure, sign), ">", MOST_LAYERS,
                published=papercurves.share_ordered(published, measure, sign),
            ),
            Claim(
                f"Raising weight decay {words}: rank correlation with weight decay, mean over inner layers{told}",
                DEEP, correlated(measure, sign),
                "<" if sign < 0 else ">", CORRELATED * sign,
                published=papercurves.correlation(published, measure),
            ),
        )[: max(0, decays - 1)]
    )  # fmt: skip


def upper_layers_collapse(
    setting: int = -1, published: tuple[str, str] | None = None, signal: int | None = None
) -> tuple[Claim, ...]:
    """What collapsed layers look like, at the setting of that position; not read if it has not learned every target
    direction up to the signal rank: collapse is onto all of them, and features that miss one are narrow anyway.

    Args:
        published: study and series of the published curves that are judged beside.
        signal: how many directions of the targets a verdict asks to be learned, where the others are noise; all, if not
            given.
    """
    strongest = "strongest target direction" if signal == 1 else f"{signal} strongest target directions"
    verdict = "by verdict" if signal is None else f"by verdict, on the {strongest} alone"

    def judged(read: Callable[[Results, int], float]) -> Callable[[Results], float]:
        return lambda results: read(results, setting) if learned_every_direction(results, setting) else np.nan

    return (
        Claim(
            f"The upper layers collapse ({verdict}): share of the judged layers from the onset to the last",
            DEEP, judged(partial(onset_share, signal=signal)), ">", 0.3, published=papercurves.onset_share(published),
        ),
        Claim(
            f"Features in collapsed layers ({verdict}) are as wide as the targets: largest relative difference of the "
            "stable ranks",
            DEEP, judged(partial(rank_mismatch, signal=signal)), "<", 0.25,
            published=papercurves.rank_mismatch(published), unread=_none_collapsed,
        ),
        Claim(
            "A linear map from any layer of low noise predicts the targets no worse than the network: largest gap of "
            "R2 along a target direction",
            DEEP, judged(largest_gap), "<", 0.05, published=papercurves.largest_gap(published),
        ),
    )  # fmt: skip


def _none_collapsed(results: Results) -> str:
    said = why_unread(results)
    return "no layer is collapsed" if said == NOTHING else said


def learned_dimension(tolerance: float = 0.25) -> tuple[Claim, ...]:
    """The last features' stable rank against the targets', over all settings of a sweep; not read if one of
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

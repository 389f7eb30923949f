"""What Tirer & Bruna (2022) and others claim of classifiers across depth, and how the regression measures compare."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from experiments.claims.claim import Claim
from experiments.claims.deepcollapse import onset
from experiments.claims.layerwise import alike, decades, last, last_over_early, upper, with_depth
from experiments.runner import Results

TIRER = "Tirer & Bruna 2022"


def classifier_claims() -> tuple[Claim, ...]:
    """What is published of classifiers across depth, at the largest weight decay; not read without any."""

    def curve(results: Results, measure: str, variant: str = "default") -> pd.Series[float]:
        return results.by_layer(measure, variant)[results.most_decayed].dropna()

    claims = (
        Claim(
            "Variability within classes falls gradually with depth: rank correlation of nc.1 with depth",
            TIRER, lambda r: with_depth(curve(r, "nc.1")), "<", -0.9,
        ),
        Claim(
            "It falls by orders of magnitude: decades of nc.1 between the first layer and the last",
            TIRER, lambda r: decades(curve(r, "nc.1")), ">", 2,
        ),
        Claim(
            "Class means form a simplex only in the deepest features: nc.2 of the last layer over the median of the "
            "first half",
            TIRER, lambda r: last_over_early(curve(r, "nc.2")), "<", 0.25,
        ),
        Claim(
            "The last weight is the dual of the class means: nc.3 of the last layer",
            TIRER, lambda r: last(curve(r, "nc.3")), "<", 0.1,
        ),
        onset(" (k = K - 1)"),
        Claim(
            "The regression measure tells the same of the upper half of the layers: rank correlation of the noise "
            "fraction with nc.1 as a share",
            "our comparison", lambda r: alike(upper(curve(r, "deep.noise_fraction")), curve(r, "nc.1", "total")),
            ">", 0.8,
        ),
    )  # fmt: skip
    return tuple(replace(claim, read=where_decayed(claim.read)) for claim in claims)


def where_decayed(read: Callable[[Results], float]) -> Callable[[Results], float]:
    """The same reading, NaN where no network was trained with weight decay."""
    return lambda results: math.nan if results.most_decayed is None else read(results)

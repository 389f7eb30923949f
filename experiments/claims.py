"""Claims that several studies check, each read off the results of a sweep over weight decay, in ascending order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.results import Results, falls, rises
from experiments.study import Claim

DEEP = "Rangamani & Unal 2026"
TOP = "Andriopoulos et al. 2024"


def weight_decay_orders() -> tuple[Claim, ...]:
    """Raising weight decay lowers noise, raises alignment and lowers the weights' stable rank, layer by layer."""
    return (
        Claim(
            "Raising weight decay lowers the noise fraction: share of inner layers where it falls at every step",
            DEEP, lambda r: falls(r.inner("deep.noise_fraction")), ">", 0.99,
        ),
        Claim(
            "Raising weight decay raises feature-weight alignment: share of inner layers where it rises at every step",
            DEEP, lambda r: rises(r.inner("deep.feature_weight_alignment")), ">", 0.99,
        ),
        Claim(
            "Raising weight decay lowers the weights' stable rank: share of inner layers where it falls at every step",
            DEEP, lambda r: falls(r.inner("deep.weight_stable_rank")), ">", 0.99,
        ),
    )  # fmt: skip


def upper_layers_collapse(setting: int = -1) -> tuple[Claim, ...]:
    """What collapsed layers look like, at the setting of that position."""
    return (
        Claim(
            "The upper layers collapse: share of layers from the onset (noise <= 0.2) to the last",
            DEEP, lambda r: onset_share(r, setting), ">", 0.3,
        ),
        Claim(
            "Features in collapsed layers are as wide as the targets: largest relative difference of the stable ranks",
            DEEP, lambda r: rank_mismatch(r, setting), "<", 0.25,
        ),
        Claim(
            "Collapsed layers predict linearly what the network predicts: largest linear MSE over network MSE",
            DEEP, lambda r: worst_prediction(r, setting), "<", 1.5,
        ),
    )  # fmt: skip


def top_layer_collapses(settings: str, low: float = 1e-4, high: float = 0.1) -> tuple[Claim, ...]:
    """nrc.1 and nrc.2 with the largest weight decay and with none, over the settings whose labels begin so."""

    def chosen(measure: str, decayed: bool) -> Callable[[Results], float]:
        return lambda results: top_value(results, measure, settings, decayed)

    return tuple(
        claim
        for measure in ("nrc.1", "nrc.2")
        for claim in (
            Claim(f"{measure} vanishes with weight decay ({settings})", TOP, chosen(measure, True), "<", low),
            Claim(
                f"{measure} does not vanish without weight decay ({settings})", TOP, chosen(measure, False), ">", high
            ),
        )
    )


def top_value(results: Results, measure: str, settings: str, decayed: bool) -> float:
    """A top-layer measure with the largest weight decay, or without any; NaN if no such setting was run."""
    decays = {s.label: s.facts["weight decay"] for s in results.study.settings if s.label.startswith(settings)}
    label = max(decays, key=lambda name: decays[name], default=None)
    if not decayed:
        label = next((name for name, decay in decays.items() if decay == 0), None)
    elif label is not None and decays[label] == 0:
        label = None
    return np.nan if label is None else float(results.top(measure)[label])


def collapsed_layers(results: Results, setting: int = -1, tau: float = 0.2) -> list[int]:
    """Depths from which the mean noise fraction stays at or below tau up to the last layer."""
    noise = results.by_layer("deep.noise_fraction").iloc[:, setting]
    found: list[int] = []
    for depth in reversed(noise.index):
        if not noise[depth] <= tau:
            break
        found.insert(0, int(depth))
    return found


def onset_share(results: Results, setting: int = -1) -> float:
    """Share of layers that are collapsed; NaN if the noise fraction is not known."""
    noise = results.by_layer("deep.noise_fraction").iloc[:, setting].dropna()
    return len(collapsed_layers(results, setting)) / len(noise) if len(noise) else np.nan


def rank_mismatch(results: Results, setting: int = -1) -> float:
    """Largest relative difference between the features' stable rank and the targets', over collapsed layers."""
    ranks = results.by_layer("deep.feature_stable_rank").iloc[:, setting].loc[collapsed_layers(results, setting)]
    if not len(ranks):
        return np.nan
    target = float(results.by_layer("deep.target_stable_rank").to_numpy()[0, setting])
    return float((ranks / target - 1).abs().max())


def worst_prediction(results: Results, setting: int = -1) -> float:
    """Largest ratio of linear MSE to the network's own, over collapsed layers."""
    ratios = results.by_layer("deep.linear_mse", "ratio").iloc[:, setting].loc[collapsed_layers(results, setting)]
    return float(ratios.max()) if len(ratios) else np.nan

"""Claims that several studies check, each read off the results of a sweep over weight decay, in ascending order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from deepnrc.onset import ALIGNED, PREDICTS, TAU, unbroken
from experiments.results import Results, falls, rises
from experiments.study import Claim

DEEP = "Rangamani & Unal 2026"
TOP = "Andriopoulos et al. 2024"
FITTED = 0.5  # share of a target direction's variance; below, a network has not learned it


def within(beginning: str, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The same claims, read off the settings whose labels begin so."""

    def only(claim: Claim) -> Claim:
        return replace(
            claim,
            statement=f"{claim.statement} ({beginning})",
            measured=lambda results: claim.measured(results.only(beginning)),
        )

    return tuple(map(only, claims))


def weight_decay_orders(branches: bool = False) -> tuple[Claim, ...]:
    """Raising weight decay lowers noise, raises alignment and lowers the weights' stable rank, layer by layer; not
    measurable if a setting has not learned.

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


def varying(table: pd.DataFrame) -> pd.DataFrame:
    """Layers (rows) with a value in every setting (columns); all layers if those are fewer than half."""
    known = table.dropna()
    return known if 2 * len(known) >= len(table) else table


def upper_layers_collapse(setting: int = -1) -> tuple[Claim, ...]:
    """What collapsed layers look like, at the setting of that position; not measurable if it has not learned."""
    return (
        Claim(
            "The upper layers collapse: share of layers from the onset (noise <= 0.2) to the last",
            DEEP, lambda r: onset_share(r, setting) if learned(r, setting) else np.nan, ">", 0.3,
        ),
        Claim(
            "Features in collapsed layers (joint rule) are as wide as the targets: largest relative difference of the "
            "stable ranks",
            DEEP, lambda r: rank_mismatch(r, setting) if learned(r, setting) else np.nan, "<", 0.25,
        ),
        Claim(
            "Layers from the onset on predict linearly what the network predicts: largest linear MSE over network MSE",
            DEEP, lambda r: worst_prediction(r, setting) if learned(r, setting) else np.nan, "<", 1.5,
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


def gram_falls(settings: str, factor: float = 10) -> Claim:
    """nrc.3 without weight decay over nrc.3 with the largest, over the settings whose labels begin so."""

    def ratio(results: Results) -> float:
        without, decayed = (top_value(results, "nrc.3", settings, decayed) for decayed in (False, True))
        return without / decayed

    return Claim(
        f"nrc.3 falls at least {factor:g}-fold with weight decay on targets of their own scale ({settings})",
        TOP, ratio, ">", factor,
    )  # fmt: skip


def drops_a_direction(settings: str) -> Claim:
    """With too much weight decay the network leaves the weakest target direction out, and learns the strongest."""

    def share(results: Results) -> float:
        shares = [r["explained"] for r in results.records if r["label"].startswith(settings) and r["explained"]]
        strongest, weakest = (np.mean([found[at] for found in shares] or [np.nan]) for at in (0, -1))
        return float(weakest) if strongest >= FITTED else np.nan

    return Claim(
        f"Too much weight decay drops a target direction: share of the weakest that is explained ({settings})",
        TOP, share, "<", 0.1,
    )  # fmt: skip


def learned_dimension(tolerance: float = 0.25) -> tuple[Claim, ...]:
    """The last features' stable rank against the targets', over all settings of a sweep."""

    def mismatch(results: Results) -> float:
        learned = results.top("deep.feature_stable_rank")[results.swept]
        return float((learned / results.top("deep.target_stable_rank")[results.swept] - 1).abs().max())

    return (
        Claim(
            "The dimension learned is that of the targets: largest relative difference of stable ranks, last layer",
            DEEP, mismatch, "<", tolerance,
        ),
    )  # fmt: skip


def top_value(results: Results, measure: str, settings: str, decayed: bool) -> float:
    """A top-layer measure with the largest weight decay, or without any; NaN if no such setting was run."""
    decays = {s.label: s.facts["weight decay"] for s in results.study.settings if s.label.startswith(settings)}
    label = max(decays, key=lambda name: decays[name], default=None)
    if not decayed:
        label = next((name for name, decay in decays.items() if decay == 0), None)
    elif label is not None and decays[label] == 0:
        label = None
    return np.nan if label is None else float(results.top(measure)[label])


def learned(results: Results, setting: int = -1) -> bool:
    """Whether the networks of a setting explain half of the targets' strongest direction, in the mean over seeds:
    features of one that does not are as low-dimensional as they like. Classifiers are not judged so."""
    label = results.swept[setting]
    shares = [r["explained"][0] for r in results.records if r["label"] == label and r["explained"]]
    return not shares or float(np.mean(shares)) >= FITTED


def collapsed_layers(results: Results, setting: int = -1, tau: float = TAU, joint: bool = False) -> list[int]:
    """Depths from which the mean noise fraction stays at or below tau up to the last layer; with ``joint`` the other
    conditions of the joint rule hold there too."""
    layers = results.layers(setting)

    def curve(measure: str, variant: str = "default") -> pd.Series[float]:
        return results.by_layer(measure, variant).iloc[:, setting].reindex(layers)

    met = curve("deep.noise_fraction") <= tau
    if joint:
        met &= curve("deep.feature_weight_alignment") >= ALIGNED
        met &= curve("deep.linear_mse", "ratio") <= PREDICTS
    start = unbroken(met)
    return [] if start is None else layers[start:]


def onset_share(results: Results, setting: int = -1) -> float:
    """Share of layers that are collapsed; NaN if no noise fraction is known."""
    known = results.by_layer("deep.noise_fraction").iloc[:, setting].notna().any()
    return len(collapsed_layers(results, setting)) / len(results.layers(setting)) if known else np.nan


def rank_mismatch(results: Results, setting: int = -1) -> float:
    """Largest relative difference of the features' stable rank to the targets', over collapsed layers (joint rule)."""
    layers = collapsed_layers(results, setting, joint=True)
    ranks = results.by_layer("deep.feature_stable_rank").iloc[:, setting].loc[layers]
    if not len(ranks):
        return np.nan
    target = float(results.by_layer("deep.target_stable_rank").to_numpy()[0, setting])
    return float((ranks / target - 1).abs().max())


def worst_prediction(results: Results, setting: int = -1) -> float:
    """Largest ratio of linear MSE to the network's own, over layers from the onset of low noise on."""
    ratios = results.by_layer("deep.linear_mse", "ratio").iloc[:, setting].loc[collapsed_layers(results, setting)]
    return float(ratios.max()) if len(ratios) else np.nan

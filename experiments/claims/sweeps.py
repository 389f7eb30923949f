"""Claims that several studies check, each read off the results of a sweep over weight decay, in ascending order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from deepnrc.table import ALIGNED, PREDICTS, TAU, unbroken
from experiments.runner.results import Results, falls, rises
from experiments.runner.study import Claim

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


def varying(table: pd.DataFrame) -> pd.DataFrame:
    """Layers (rows) with a value in every setting (columns); all layers if those are fewer than half."""
    known = table.dropna()
    return known if 2 * len(known) >= len(table) else table


def upper_layers_collapse(setting: int = -1) -> tuple[Claim, ...]:
    """What collapsed layers look like, at the setting of that position; not measurable if it has not learned every
    target direction up to the signal rank: collapse is onto all of them, and features that miss one are narrow anyway.
    """

    def judged(read: Callable[[Results, int], float]) -> Callable[[Results], float]:
        return lambda results: read(results, setting) if learned_every_direction(results, setting) else np.nan

    return (
        Claim(
            "The upper layers collapse: share of layers from the onset (noise <= 0.2) to the last",
            DEEP, judged(onset_share), ">", 0.3,
        ),
        Claim(
            "Features in collapsed layers (joint rule) are as wide as the targets: largest relative difference of the "
            "stable ranks",
            DEEP, judged(rank_mismatch), "<", 0.25,
        ),
        Claim(
            "A linear map from any layer from the onset on predicts the targets no worse than the network: largest "
            "linear MSE over network MSE",
            DEEP, judged(worst_prediction), "<", 1.5,
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
    """With too much weight decay the network leaves the weakest target direction out; not measurable unless it
    learns the strongest."""

    def share(results: Results) -> float:
        shares = [r["explained"] for r in results.records if r["label"].startswith(settings) and r["explained"]]
        strongest, weakest = (np.mean([found[at] for found in shares] or [np.nan]) for at in (0, -1))
        return float(weakest) if strongest >= FITTED else np.nan

    return Claim(
        f"Too much weight decay drops a target direction: share of the weakest that is explained ({settings})",
        TOP, share, "<", 0.1,
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
    """Whether the networks of a setting explain half of the targets' strongest direction, in the mean over the seeds
    that did not diverge: features of one that does not are as low-dimensional as they like. False if all diverged;
    classifiers are not judged so."""
    found = _explained(results, setting)
    return found is not None and all(share >= FITTED for share in found[:1])


def learned_every_direction(results: Results, setting: int = -1) -> bool:
    """As ``learned``, for each target direction up to the signal rank."""
    found = _explained(results, setting)
    return found is not None and all(share >= FITTED for share in found)


def _explained(results: Results, setting: int) -> list[float] | None:
    """R^2 by target direction, the strongest first, in the mean over the seeds that did not diverge and have that
    direction; empty for classifiers, None if all diverged."""
    label = results.swept[setting]
    seeds = [r["explained"] for r in results.records if r["label"] == label and not r["diverged"]]
    longest = max(map(len, seeds), default=0)
    means = [float(np.mean([shares[at] for shares in seeds if len(shares) > at])) for at in range(longest)]
    return means if seeds else None


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
    """Largest relative difference of the features' stable rank to the targets', over collapsed layers (joint rule);
    NaN without such layers, and if the rank of one is not known."""
    layers = collapsed_layers(results, setting, joint=True)
    ranks = _defined(results, setting, layers, "deep.feature_stable_rank")
    if not len(ranks):
        return np.nan
    target = float(results.by_layer("deep.target_stable_rank").to_numpy()[0, setting])
    return float((ranks / target - 1).abs().max(skipna=False))


def worst_prediction(results: Results, setting: int = -1) -> float:
    """Largest ratio of a layer's linear MSE to the targets over the network's own, over layers from the onset of low
    noise on; NaN without such layers, and if the ratio of one is not known."""
    ratios = _defined(results, setting, collapsed_layers(results, setting), "deep.linear_mse", "ratio")
    return float(ratios.max(skipna=False))


def _defined(
    results: Results, setting: int, layers: list[int], measure: str, variant: str = "default"
) -> pd.Series[float]:
    """Means over seeds at those of the layers for which the measure is defined, NaN where it is degenerate."""
    rows = results.last(measure, variant)
    defined = set(rows.loc[rows["setting"] == results.swept[setting], "depth"])
    return results.by_layer(measure, variant).iloc[:, setting].loc[[depth for depth in layers if depth in defined]]

"""What Andriopoulos et al. (2024) claim of the last layer, with weight decay and without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from experiments.claims.claim import Claim
from experiments.claims.learning import FITTED, learned_every_direction
from experiments.runner import Results

TOP = "Andriopoulos et al. 2024"
OURS = "ours: features behind a ReLU are not negative"
LITERAL, CENTRED = ("nrc.1", "nrc.2"), ("nrc.1_centred", "nrc.2_centred")


def top_layer_collapses(low: float = 1e-4, high: float = 0.1) -> tuple[Claim, ...]:
    """nrc.1 and nrc.2 with the largest weight decay and with none."""

    def chosen(measure: str, decayed: bool) -> Callable[[Results], float]:
        return lambda results: top_value(results, measure, decayed)

    return tuple(
        claim
        for measure in ("nrc.1", "nrc.2")
        for claim in (
            Claim(f"{measure} vanishes with weight decay", TOP, chosen(measure, True), "<", low),
            Claim(f"{measure} does not vanish without weight decay", TOP, chosen(measure, False), ">", high),
        )
    )


def gram_falls(factor: float = 10) -> Claim:
    """nrc.3 without weight decay over nrc.3 with the largest."""
    return Claim(
        f"nrc.3 falls at least {factor:g}-fold with weight decay on targets of their own scale",
        TOP, lambda r: top_value(r, "nrc.3", decayed=False) / top_value(r, "nrc.3", decayed=True), ">", factor,
    )  # fmt: skip


def all_in_one_network(literal: bool, low: float = 0.1, fall: float = 0.5) -> tuple[Claim, ...]:
    """nrc.1, nrc.2 and nrc.3 of one and the same network, that with the largest weight decay, seed by seed; not read
    unless it has learned every target direction.

    Args:
        literal: nrc.1 and nrc.2 as defined; otherwise those of centred rows.
    """
    measures = (*(LITERAL if literal else CENTRED), "nrc.3")
    told = "nrc.1, nrc.2 and nrc.3" if literal else "nrc.1 and nrc.2 of centred rows and nrc.3"
    claims = (
        Claim(
            f"All three in one network: {told} vanish, the largest of them with the largest weight decay",
            TOP, lambda r: float(np.max(_values(r, measures))), "<", low,
        ),
        Claim(
            f"All three in one network: {told} fall against the same network without weight decay, largest ratio",
            TOP, lambda r: float(np.max([top_ratio(r, measure) for measure in measures])), "<", fall,
        ),
    )  # fmt: skip
    return tuple(replace(claim, read=_where_learned(claim.read)) for claim in claims)


def stays_literal(high: float = 0.1) -> Claim:
    """The smaller one of the literal nrc.1 and nrc.2 of the network with the largest weight decay."""
    return Claim(
        "Behind a ReLU, with signed targets, the literal nrc.1 and nrc.2 do not vanish with weight decay: the smaller "
        "one, in that network",
        OURS, lambda r: float(np.min(_values(r, LITERAL))), ">", high,
    )  # fmt: skip


def _values(results: Results, measures: Sequence[str]) -> list[float]:
    """Of the last layer, with the largest weight decay."""
    return [top_value(results, measure, decayed=True) for measure in measures]


def _where_learned(read: Callable[[Results], float]) -> Callable[[Results], float]:
    return lambda results: read(results) if learned_every_direction(results) else np.nan


def drops_a_direction() -> Claim:
    """With too much weight decay the network leaves the weakest target direction out; not read unless it
    learns the strongest."""

    def share(results: Results) -> float:
        shares = [record["explained"] for record in results.records if record["explained"]]
        strongest, weakest = (np.mean([found[at] for found in shares] or [np.nan]) for at in (0, -1))
        return float(weakest) if strongest >= FITTED else np.nan

    return Claim(
        "Too much weight decay drops a target direction: share of the weakest that is explained", TOP, share, "<", 0.1
    )


def falls_at_the_top(measure: str) -> Claim:
    """A measure of the last layer, its rows centred, with weight decay and without."""
    return Claim(
        f"{measure} (rows centred) falls with weight decay: last layer, largest weight decay over none",
        TOP, lambda r: top_ratio(r, f"{measure}_centred"), "<", 0.5,
    )  # fmt: skip


def top_ratio(results: Results, measure: str) -> float:
    """A measure of the last layer with the largest weight decay, over that with none; NaN if either was not run."""
    return top_value(results, measure, decayed=True) / top_value(results, measure, decayed=False)


def top_value(results: Results, measure: str, decayed: bool) -> float:
    """A top-layer measure with the largest weight decay, or without any; NaN if no such setting was run."""
    label = results.most_decayed if decayed else results.undecayed
    return np.nan if label is None else float(results.top(measure)[label])

"""How sure a value is: the delete-a-group jackknife, with groups of any sizes.

Notation: x the value of all N samples, x_(-g) that of all but group g of m_g samples, h_g = N/m_g, G groups.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from probes.catalog.probe import Probe
from probes.outcome import BELOW_FLOOR, DEGENERATE, NOT_DEFINED, OK, NotDefinedError, Outcome, defined
from probes.snapshot import OF_WEIGHT, Snapshot
from probes.streaming.classes import Classes

from .student import quantile

LEVEL = 0.95
AFTER_MEANS = "it rests on means of all samples, which no group can be taken out of"


@dataclass(frozen=True)
class Interval:
    """A value less its bias, and the ends between which the truth lies in 95 % of such samples."""

    corrected: float
    low: float
    high: float


def interval(
    whole: float,
    without: Sequence[float],
    sizes: Sequence[int],
    bounds: tuple[float, float] = (-math.inf, math.inf),
    log: bool = False,
) -> Interval:
    """The interval of x from the values without each group, cut to the measure's bounds.

    Pseudo-values p_g = h_g x - (h_g - 1) x_(-g); their mean, weighed by m_g, is the value less its bias, and the mean
    of (p_g - mean)^2 / (h_g - 1) its variance (Busing, Meijer & van der Leeden 1999; with equal groups the plain
    jackknife, Quenouille 1956, Tukey 1958). Student's t of G - 1 degrees makes the ends.

    Args:
        without: x_(-g), one a group.
        sizes: m_g, likewise.
        bounds: smallest and largest value that the measure can have.
        log: take it of the logarithm, for measures that span decades.
    Errors: NotDefinedError for a value that has no logarithm; ValueError for fewer than two groups.
    """
    if len(without) < 2 or len(without) != len(sizes):
        raise ValueError(f"{len(without)} values without a group of {len(sizes)} make no interval: two or more do.")
    if log and not (whole > 0 and min(without) > 0):
        raise NotDefinedError("at 0 there is no logarithm")
    x, rest = (math.log(whole), [math.log(one) for one in without]) if log else (whole, list(without))
    total = sum(sizes)
    shares = [total / size for size in sizes]
    pseudo = [h * x - (h - 1) * one for h, one in zip(shares, rest, strict=True)]
    mean = sum(p / h for p, h in zip(pseudo, shares, strict=True))
    variance = sum((p - mean) ** 2 / (h - 1) for p, h in zip(pseudo, shares, strict=True)) / len(sizes)
    reach = quantile(len(sizes) - 1, LEVEL) * math.sqrt(variance)
    ends = (mean, mean - reach, mean + reach)
    return Interval(*(min(max(_raised(end) if log else end, bounds[0]), bounds[1]) for end in ends))


def without(whole: Snapshot, statistics: Mapping[str, Any], **network: Any) -> Snapshot:
    """The layer with some of its samples left out; k, the targets' rank, the classes that appear and the cut of the
    affine map stay those of all samples.

    Args:
        statistics: of the samples that are left. One that is not among them rests on means that were found first.
        network: what the network's outputs tell of them: ``network_mse`` and the like.
    """
    left = dict(statistics)
    gone = {name: AFTER_MEANS for name in whole.statistics if name not in left}
    there, classes = whole.statistics.get("classes"), left.get("classes")
    if isinstance(there, Classes) and isinstance(classes, Classes) and not torch.equal(there.present, classes.present):
        gone["classes"] = "a class appears in this group alone"
        del left["classes"]
    fit, k, r = defined(lambda: whole.linear_fit), defined(lambda: whole.k), defined(lambda: whole.target_rank)
    rest = replace(
        whole,
        statistics=left,
        rank=whole.rank if k is None else k,
        missing={**whole.missing, **gone},
        most_used=None if fit is None else fit.used,
        **network,
    )
    if r is not None:
        rest.target_rank = r
    # what the weight alone decides is the same, and dear
    vars(rest).update({name: vars(whole)[name] for name in OF_WEIGHT if name in vars(whole)})
    return rest


def measured(
    probe: Probe, outcome: Outcome, left: Sequence[Outcome], sizes: Sequence[int]
) -> Interval | NotDefinedError | None:
    """The interval of a measure; the reason why it has none; or None where the value itself says nothing.

    Args:
        outcome: what the probe said of all samples.
        left: what it said of the samples without each group, as ``without`` makes them.
        sizes: samples of each group.
    """
    if outcome.status in (DEGENERATE, NOT_DEFINED):
        return None
    if outcome.status == BELOW_FLOOR:
        return NotDefinedError("the value is below its floor")
    if probe.counts:
        return NotDefinedError("a count has none")
    if not math.isfinite(outcome.value):
        return NotDefinedError("the value is not finite")
    rest = []
    for group, found in enumerate(left, 1):
        if found.status != OK or not math.isfinite(found.value):
            return NotDefinedError(f"without group {group} of {len(left)}: {found.note or found.status}")
        rest.append(found.value)
    try:
        return interval(outcome.value, rest, sizes, probe.bounds, probe.log)
    except NotDefinedError as reason:
        return reason


def _raised(power: float) -> float:
    try:
        return math.exp(power)
    except OverflowError:
        return math.inf

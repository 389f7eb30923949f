"""Collapsed: which layers are, which are only low in noise, and which cannot be judged; read off the table."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from deepnrc.arguments import TAU, check_tau
from deepnrc.errors import UsageError
from deepnrc.table.reference import with_reference
from deepnrc.table.schema import NETWORK
from probes import HELD, SKETCH

NOISE = "deep.noise_fraction"
ALIGNED = 0.8  # cosine from which features and weight are called aligned
SHORT = 0.05  # of R2 by which a layer may stay below the network
LEARNED = 0.5  # of R2 along each direction that a network must reach to have learned
HALF = 0.5  # of the reference's noise that a collapsed layer may keep

COLLAPSED, LOW_NOISE, NOISY, NARROW, UNKNOWN, UNLEARNED, SKETCHED = VERDICTS = (
    "collapsed", "low noise", "not collapsed", "too narrow to tell", "not measured", "not learned", "sketched",
)  # fmt: skip
COLUMNS = ["run", "step", "depth", "layer", "verdict", "reason", "noise", "aligned", "predicts", "learned", "tau"]
PLACE = ["run", "step", "depth", "layer", "dim", "rank", "pool"]
JUDGED = (COLLAPSED, LOW_NOISE, NOISY, UNLEARNED)  # the verdicts on layers that could be judged
ALIGNMENT, GAP, SMALLEST, ACCURACY = (
    "deep.feature_weight_alignment", "deep.direction_r2_gap", "model.direction_r2_smallest", "model.accuracy",
)  # fmt: skip
DIRECTIONS = "rank.numerical"  # which only layers behind a narrow one need
RESTS_ON = (NOISE, ALIGNMENT, GAP, SMALLEST)  # what must have been measured; of classes the last may be the accuracy
BOTH_ROUNDING = "the reference's is rounding alone, which leaves no noise to lose"
READ = (*RESTS_ON, ACCURACY, DIRECTIONS)
NUMBERS = ("value", "reference", "floor", "chance_high")  # columns that they are read from
ONLY_SKETCHED = "only a sketch of the features was kept, which does not tell all conditions"
NEVER, CLOSED = "no layer can be judged", "collapse cannot be told"


@dataclass
class Seen:
    """What the verdicts of a run's step rest on.

    Attributes:
        layers: by measure, variant and column, the number of each layer, NaN where it is degenerate.
        network: by measure, what is known of the network.
        targets: how many there are.
    """

    layers: dict[tuple[str, str, str], dict[str, float]] = field(default_factory=dict)
    network: dict[str, float] = field(default_factory=dict)
    targets: int = 0

    def of(self, measure: str, column: str, variant: str = "default") -> dict[str, float]:
        """A column of one measure by layer; {} where that was not measured."""
        return self.layers.get((measure, variant, column), {})


@dataclass(frozen=True)
class Network:
    """What a network learned: whether enough, None where that is not known, and the reason in words."""

    learned: bool | None
    reason: str


def verdicts(table: pd.DataFrame, tau: float = TAU, reference: pd.DataFrame | None = None) -> pd.DataFrame:
    """What is to be said of every layer of every run and step, with the conditions that it rests on.

    A layer is collapsed where all of this holds. Noise: its noise fraction is at most tau (1 - k/d), the second factor
    being what isotropic features have, and at most half of the reference's. Aligned: its feature-weight alignment is at
    least .8 and above the 99 % quantile of its null. Predicts: along no direction of the targets does its best affine
    map explain .05 less than the network does, by adjusted R2, or on held-out samples where there are any. Learned: the
    network's R2 is above .5 along each direction, of classifiers the accuracy more than half way from 1/K to 1. A layer
    of d < 2k is too narrow to tell, and so is one of low noise behind it that has no more directions than that: linear
    layers cannot but hand them on. What is low in noise alone is called so: raw inputs and untrained networks may be.

    Args:
        tau: in (0, 1).
        reference: the table of an untrained network of the same shape, or the part of a tracker's at step 0; None for
            the one that the table holds, if it was measured beside one.
    Returns: columns run, step, depth, layer, verdict, reason, tau, and noise, aligned, predicts, learned, which are
        true, false, or NA where they could not be read. A table of an older version, which lacks what this rests on,
        has "not measured" throughout, and layers of which only a sketch was kept have "sketched".
    """
    check_tau(tau)
    table = table if reference is None else with_reference(table, reference, NOISE)
    seen = _seen(table)
    layers = table.loc[table["layer"] != NETWORK, PLACE].drop_duplicates(["run", "step", "layer"])
    rows = [
        row
        for place, part in layers.groupby(["run", "step"], sort=False)
        for row in _rows(part.sort_values("depth", kind="stable"), seen.get(place, Seen()), tau)
    ]
    kinds = dict.fromkeys(["noise", "aligned", "predicts", "learned"], "boolean")
    return pd.DataFrame(rows, columns=COLUMNS).astype(kinds)


def collapse_onset(judged: pd.DataFrame) -> pd.DataFrame:
    """Collapse onset of each run and step: the first judged layer from which all are collapsed to the last judged one.

    Args:
        judged: what ``verdicts`` gave.
    Returns: columns run, step, depth, layer (both NA where there is none), layers (how many are collapsed from there
        on), of (how many are judged), said (in words). Where no layer can be judged, or layers of low noise or sketched
        ones behind the last judged one could not be, there is no verdict: of is 0.
    """
    rows = []
    ordered = judged.sort_values("depth", kind="stable")
    told = zip(
        *(ordered[name].tolist() for name in ("run", "step", "depth", "layer", "verdict", "noise")),
        strict=True,
    )
    parts: dict[tuple[object, object], list[tuple[int, str, str, bool]]] = {
        place: [] for place in zip(judged["run"].tolist(), judged["step"].tolist(), strict=True)
    }
    for run, step, depth, name, verdict, noise in told:
        parts[run, step].append((depth, name, verdict, noise is True or verdict == SKETCHED))
    for place, part in parts.items():
        known = [layer for layer in part if layer[2] in JUDGED]
        first = unbroken([verdict == COLLAPSED for _, _, verdict, _ in known])
        layers, of = 0 if first is None else len(known) - first, len(known)
        said = (
            NEVER if not known
            else f"collapsed from {known[first][1]} on" if first is not None
            else CLOSED if _open(part, known[-1][0])
            else "not collapsed"
        )  # fmt: skip
        start = (None, None) if first is None else known[first][:2]
        rows.append((*place, *start, layers, 0 if said == CLOSED else of, said))
    columns = ["run", "step", "depth", "layer", "layers", "of", "said"]
    return pd.DataFrame(rows, columns=columns).astype({"depth": "Int64", "layer": "string"})


def _open(part: Sequence[tuple[int, str, str, bool]], last: int) -> bool:
    """Whether layers behind the last judged one, of low noise or sketched, might be collapsed, were the rest known."""
    return any(low for depth, _, verdict, low in part if depth > last and verdict in (UNKNOWN, SKETCHED))


def _seen(table: pd.DataFrame) -> dict[tuple[Hashable, ...], Seen]:
    """By run and step. One look at the table, of which the verdicts read few rows: there may be hundreds of steps."""
    for column in NUMBERS:
        if len(table) and column not in table:
            raise UsageError(f"The table has no column {column!r}, which a verdict rests on.")
    found: dict[tuple[Hashable, ...], Seen] = {}
    names = ["run", "step", "layer", "measure", "variant", "status", "target_dim", *NUMBERS]
    read = table.loc[table["measure"].isin(READ), names]
    for run, step, layer, measure, variant, status, targets, *numbers in zip(
        *(read[name].tolist() for name in names), strict=True
    ):
        seen = found.setdefault((run, step), Seen(targets=int(targets)))
        if layer != NETWORK:
            for column, number in zip(NUMBERS, numbers, strict=True):
                known = math.nan if status == "degenerate" else float(number)
                seen.layers.setdefault((measure, variant, column), {})[layer] = known
        elif variant == "default":
            seen.network[measure] = float(numbers[0])
    return found


def _rows(layers: pd.DataFrame, seen: Seen, tau: float) -> Iterator[tuple[object, ...]]:
    network = _network(seen)
    noises, untrained, floors = (seen.of(NOISE, column) for column in ("value", "reference", "floor"))
    alignments, high = (seen.of(ALIGNMENT, column) for column in ("value", "chance_high"))
    # on held-out samples, where there are any
    gaps = seen.of(GAP, "value", HELD) or seen.of(GAP, "value")
    sketched = seen.of(NOISE, "value", SKETCH)
    directions, narrowest = seen.of(DIRECTIONS, "value"), math.inf
    for run, step, depth, name, d, rank, pool in layers[PLACE].to_numpy(object):
        k = None if pd.isna(rank) else int(rank)
        noise, alignment, gap = (values.get(name, math.nan) for values in (noises, alignments, gaps))
        null = high.get(name, math.nan)
        low = _holds(noise, noise <= tau * (1 - (k or 0) / d))
        held = untrained.get(name, math.nan)
        # of two values that are rounding alone neither is the larger: such a reference has no noise to lose
        rounding = held <= floors.get(name, math.nan)
        lower = not (noise > HALF * held or rounding)
        aligned = _holds(alignment + null, alignment >= ALIGNED and alignment > null)
        predicts = _holds(gap, gap <= SHORT)
        width = d if directions.get(name, 0.0) > narrowest else min(d, narrowest)
        if name in sketched:  # read from above: that it is low is sure, and that it is not is not
            low = True if sketched[name] <= tau * (1 - (k or 0) / d) else None
            verdict, reason = SKETCHED, ONLY_SKETCHED
        else:
            verdict, reason = _verdict(k, d, width, low, lower, aligned, predicts, network, rounding)
        yield run, step, depth, name, verdict, reason, low and lower, aligned, predicts, network.learned, tau
        narrowest = min(narrowest, d) if pool == "none" else narrowest  # a pooled map is wider than its channels


def _verdict(
    k: int | None,
    d: int,
    width: float,
    low: bool | None,
    lower: bool,
    aligned: bool | None,
    predicts: bool | None,
    network: Network,
    rounding: bool,
) -> tuple[str, str]:
    if low is None or k is None:
        return UNKNOWN, "its noise fraction is degenerate or was not measured"
    if d < 2 * k:
        return NARROW, f"d = {d} < 2 k = {2 * k}{'; it has no noise to lose' if d <= k else ''}"
    if not low:
        return NOISY, "noise is above its threshold"
    if width < 2 * k:
        return (
            NARROW,
            f"a layer before it has d = {width:g} < 2 k = {2 * k}, and it is not known to have more directions",
        )
    if network.learned is False:
        return UNLEARNED, f"noise is low, and {network.reason}"
    conditions = {
        BOTH_ROUNDING if rounding else "it is more than half of the reference's": lower,
        "it is not aligned with its weight": aligned,
        "it does not predict as the network does": predicts,
        "what the network learned": network.learned,
    }
    broken = [words for words, holds in conditions.items() if holds is False]
    if broken:
        return LOW_NOISE, f"noise is low; {' and '.join(broken)}"
    if None in conditions.values():
        return UNKNOWN, "noise is low; alignment, R2 by direction or what the network learned could not be read"
    return COLLAPSED, "all conditions hold"


def _network(seen: Seen) -> Network:
    accuracy = seen.network.get(ACCURACY, math.nan)
    if not math.isnan(accuracy):
        needed = (1 + 1 / seen.targets) / 2
        return Network(bool(accuracy > needed), f"accuracy {accuracy:.3g} is not above {needed:.3g}")
    smallest = seen.network.get(SMALLEST, math.nan)
    if math.isnan(smallest):
        return Network(None, "the network's R2 could not be read")
    return Network(bool(smallest > LEARNED), f"R2 is {smallest:.3g} along a direction of the targets")


def _holds(value: float, condition: bool) -> bool | None:
    """Whether a condition holds, None where the value that it is about is not known."""
    return None if math.isnan(value) else bool(condition)


def unbroken(holds: Iterable[bool]) -> int | None:
    """Position of the first of the unbroken run of True that ends the series; None if it ends with False."""
    told = [bool(one) for one in holds]
    position = len(told)
    while position and told[position - 1]:
        position -= 1
    return position if position < len(told) else None

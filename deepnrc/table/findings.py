"""What a run's last step comes to, in sentences: collapsed or not and why, which directions it learned, what is low."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from deepnrc.arguments import TAU
from deepnrc.table.collapse import (
    ACCURACY,
    BOTH_ROUNDING,
    CLOSED,
    JUDGED,
    LEARNED,
    LOW_NOISE,
    NARROW,
    NOISE,
    NOISY,
    ONLY_SKETCHED,
    RESTS_ON,
    SHORT,
    SKETCHED,
    SMALLEST,
    UNKNOWN,
    UNLEARNED,
    collapse_onset,
)
from deepnrc.table.onset import COLLAPSE, LOW, onsets, since
from deepnrc.table.schema import NETWORK
from deepnrc.table.tidy import Table
from deepnrc.wording import listing, shortened

DIRECTION = "model.direction_r2_"


@dataclass(frozen=True)
class Judged:
    """What ``verdicts`` and ``onsets`` tell of every step of a run."""

    verdicts: pd.DataFrame
    onsets: pd.DataFrame


def judged(report: Table, tau: float = TAU) -> dict[str, Judged]:
    """What is told of each run of a report whose noise fraction was measured, all read in one go; nothing of others."""
    if NOISE not in report.measures:
        return {}
    every = report.verdicts(tau)
    found = dict(iter(onsets(report.table, tau, every).groupby("run", sort=False)))
    return {str(run): Judged(rows, found[run]) for run, rows in every.groupby("run", sort=False) if run in found}


def findings(report: Table, run: str, tau: float = TAU, told: Judged | None = None) -> list[str]:
    """Sentences on collapse at a run's last step; none where the noise fraction was not measured.

    Args:
        told: what ``judged`` told of the run; None to ask it.
    """
    mine = report if report.runs == [run] else report.where(run=run)
    told = judged(mine, tau).get(run) if told is None else told
    if told is None:
        return []
    last = mine.at()
    if NOISE not in last.measures:
        return []
    now = told.verdicts[told.verdicts["step"] == last.steps[0]]
    return [*_verdict(last, now, told.onsets, tau), *_low(last, told.onsets, tau), *_aside(now), *directions(last)]


def words(verdict: str, low: bool | None) -> str:
    """A layer's verdict for a table; where its noise is low and only the rest of it unknown, that is told."""
    return f"{LOW_NOISE}, rest unknown" if verdict in (UNKNOWN, SKETCHED) and low else verdict


def directions(last: Table) -> list[str]:
    """The network's R2 along the target directions, with those that it dropped by number and the rank that is left;
    nothing for classes."""
    network = last.table[(last.table["layer"] == NETWORK) & (last.table["variant"] == "default")]
    found = network.set_index("measure")["value"]
    if ACCURACY in found and not math.isnan(found[ACCURACY]):
        return []
    shares = {
        int(str(name).removeprefix(DIRECTION)): float(value)
        for name, value in found.dropna().items()
        if str(name).startswith(DIRECTION) and name != SMALLEST
    }
    if not shares:
        return []
    smallest = found.get(SMALLEST, math.nan)
    values = [f"{shares[i]:.3g}" for i in sorted(shares)]
    beyond = "" if smallest >= min(shares.values()) or math.isnan(smallest) else f" .. (smallest {smallest:.3g})"
    line = f"network R2 along the target directions, strongest first: {', '.join(values)}{beyond}"
    dropped = [i for i in sorted(shares) if shares[i] <= SHORT]
    weak = [i for i in sorted(shares) if SHORT < shares[i] <= LEARNED]
    if weak:
        line += f"; not learned: {_numbered(weak)}"
    if dropped:
        line += f"; dropped: {_numbered(dropped)}" if len(dropped) < len(shares) else "; none was learned"
    left = min(dropped, default=0) - 1
    if left > 0 and not beyond and dropped == list(range(left + 1, max(shares) + 1)):
        line += f". rank={left} measures the directions that are left"
    return [line]


def _verdict(last: Table, judged: pd.DataFrame, found: pd.DataFrame, tau: float) -> list[str]:
    onset = collapse_onset(judged).iloc[0]
    if onset["layers"]:
        start = since(found, judged["run"].iloc[0], COLLAPSE) if found["step"].nunique() > 1 else None
        when = "" if start is None else f", since step {start}"
        return [
            f"collapsed from {onset['layer']} on ({onset['layers']} of {onset['of']} judged layers{when}): noise <= "
            f"{tau:g} (1 - k/d), aligned with its weight, and an affine map from it predicts what the network learned"
        ]
    if not onset["of"]:
        return [_no_verdict(last, judged)]
    unlearned = judged[judged["verdict"] == UNLEARNED]
    if len(unlearned):
        reason = unlearned["reason"].iloc[0].removeprefix("noise is low, and ")
        return [f"not learned: {reason}; low noise at {_layers(unlearned)} is no collapse"]
    return [f"not collapsed: {'; '.join(_reasons(judged, tau))}"]


def _reasons(judged: pd.DataFrame, tau: float) -> Iterable[str]:
    low = judged[judged["verdict"] == LOW_NOISE]
    kept = low[low["noise"].eq(False).fillna(False)]
    rounding = kept["reason"].str.contains(BOTH_ROUNDING, regex=False)
    for said, layers in (
        (f"noise is above {tau:g} (1 - k/d) at", judged[judged["verdict"] == NOISY]),
        ("noise is more than half of the reference's at", kept[~rounding]),
        ("noise is low in the reference too, down to rounding, at", kept[rounding]),
        ("not aligned with the weight at", low[low["aligned"].eq(False).fillna(False)]),
        ("no affine map predicts as the network does from", low[low["predicts"].eq(False).fillna(False)]),
    ):
        if len(layers):
            yield f"{said} {_layers(layers)}"


def _no_verdict(last: Table, judged: pd.DataFrame) -> str:
    unknown = judged["verdict"].isin((UNKNOWN, SKETCHED)) & judged["noise"].fillna(False)
    if not (judged["verdict"].isin(JUDGED).any() or unknown.any()):
        return "no verdict: no layer can be judged"
    sketched = judged[judged["verdict"] == SKETCHED]
    if len(sketched):
        return f"{CLOSED}: of {_layers(sketched)} {ONLY_SKETCHED}"
    return f"{CLOSED}: {_unread(last)}"


def _unread(last: Table) -> str:
    """What keeps a verdict from being told."""
    there = last.measures
    needed = [name for name in RESTS_ON if name != SMALLEST or ACCURACY not in there]
    missing = [name for name in needed if name not in there]
    if missing and last.table["chance"].notna().any() and last.table["chance_high"].isna().all():
        versions = {record.get("versions", {}).get("deepnrc") for record in last.provenance} - {None}
        by = f" by DeepNRC {', '.join(sorted(versions))}" if versions else ""
        return f"measured{by} before it read R2 by direction and null levels; low noise can be told, collapse cannot"
    if missing:
        return f"{listing(missing)} {'was' if len(missing) == 1 else 'were'} not measured"
    own = last.table[(last.table["measure"] == SMALLEST) & last.table["value"].isna()]
    if len(own) and own["note"].iloc[0]:
        return f"the network's R2 is unknown: {own['note'].iloc[0]}"
    return "alignment or R2 by direction could not be read where noise is low"


def _low(last: Table, found: pd.DataFrame, tau: float) -> list[str]:
    """Where low noise begins, if it begins elsewhere than collapse."""
    run = last.runs[0]
    now = found[found["step"] == found["step"].max()].set_index("rule")
    low, collapsed = now.loc[LOW], now.loc[COLLAPSE] if COLLAPSE in now.index else None
    if not low["layers"] or (collapsed is not None and collapsed["layers"] == low["layers"]):
        return []
    begun = since(found, run, LOW) if found["step"].nunique() > 1 else None
    several = "" if begun is None else f", since step {begun}"
    start = low["layer"] if low["depth"] else _first(last, str(low["layer"]))
    return [f"low noise from {start} on ({low['layers']} of {low['of']} layers{several}): noise <= {tau:g}"]


def _first(last: Table, layer: str) -> str:
    """What to call the first layer: among all weights it reads the network's own input, where low noise says nothing
    of the network."""
    chosen = {str(record.get("arguments", {}).get("layers", "weights")) for record in last.provenance[-1:]}
    return "the input" if chosen <= {"weights", "['weights']"} else f"{layer}, the first one read,"


def _aside(judged: pd.DataFrame) -> list[str]:
    narrow = judged[judged["verdict"] == NARROW]
    return [f"too narrow to tell, d < 2k: {_layers(narrow)}"] if len(narrow) else []


def _layers(rows: pd.DataFrame) -> str:
    return shortened(rows.sort_values("depth")["layer"])


def _numbered(found: list[int]) -> str:
    return f"direction{'s' if len(found) > 1 else ''} {', '.join(map(str, found))}"

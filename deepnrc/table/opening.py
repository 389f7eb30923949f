"""`opening`: one sentence that says what a report comes to, to somebody who has not read the papers."""

from __future__ import annotations

import pandas as pd

from deepnrc.arguments import TAU
from deepnrc.table.collapse import (
    CLOSED,
    COLLAPSED,
    JUDGED,
    LOW_NOISE,
    NARROW,
    NOISE,
    NOISY,
    UNLEARNED,
    collapse_onset,
)
from deepnrc.table.tidy import Table

MANY = 4  # runs, above which they are counted


def opening(report: Table, tau: float = TAU) -> str:
    """What each run's last step comes to, in one sentence: which layers are collapsed, if any, and how much of its
    variance the last layer that can be judged keeps outside the directions of the targets. Nothing where the noise
    fraction was not measured.

    Errors: UsageError for an empty report.
    """
    last = report.at()
    if NOISE not in last.measures:
        return ""
    judged = last.verdicts(tau)
    if len(report.runs) > MANY:
        return _counted(judged)
    several = len(report.runs) > 1
    clauses = []
    for run in report.runs:
        mine = judged[judged["run"] == run]
        steps = report.table.loc[report.table["run"] == run, "step"].nunique()
        when = f"at step {mine['step'].iloc[0]} " if steps > 1 and len(mine) else ""
        where = f"in '{run}' " if several else ""
        clauses.append(f"{where}{when}{_clause(last.where(run=run), mine)}")
    said = "; ".join(clauses)
    return f"{said[0].upper()}{said[1:]}."


def _clause(last: Table, judged: pd.DataFrame) -> str:
    known = judged[judged["verdict"].isin(JUDGED)].sort_values("depth")
    onset = collapse_onset(judged).iloc[0] if len(judged) else None
    if onset is None or known.empty or not onset["of"]:
        narrow = len(judged) > 0 and judged["verdict"].eq(NARROW).all()
        why = "all are too narrow to tell, d < 2k" if narrow else "what that rests on could not all be read"
        return f"{CLOSED}: {why}" if not narrow else f"no layer can be judged: {why}"
    end = str(known["layer"].iloc[-1])
    keeps = f"layer {end} keeps {_kept(last, end)}"
    if onset["layers"]:
        names = list(known["layer"].iloc[len(known) - int(onset["layers"]) :])
        return f"{keeps}, and {_named(names)} collapsed"
    unlearned = known[known["verdict"] == UNLEARNED]
    if len(unlearned):
        why = unlearned["reason"].iloc[0].partition(", and ")[2]
        return f"no layer is called collapsed, as the network has not learned: {why}"
    among = list(known.loc[known["verdict"] == COLLAPSED, "layer"])
    if among:
        return f"{_named(among, apart=True)} collapsed, but not the layers up to the last one: {keeps}{_but(known)}"
    return f"no layer is collapsed: {keeps}{_but(known)}"


def _kept(last: Table, layer: str) -> str:
    """The share of variance that a layer keeps outside the k directions, in words."""
    rows = last.values(NOISE)
    row = rows[rows["layer"] == layer].iloc[0]
    k = int(row["rank"])
    directions = "the one direction" if k == 1 else f"the {k} directions"
    below = row["status"] == "below floor" or row["value"] <= row["floor"]
    value = f"at most {_short(max(row['value'], row['floor']))}" if below else _short(row["value"])
    return f"{value} of its variance outside {directions} of the targets"


def _but(known: pd.DataFrame) -> str:
    """Why the last judged layer is not collapsed though its noise is low."""
    end = known.iloc[-1]
    if end["verdict"] == NOISY:
        return ""
    return f" ({end['reason']})" if end["verdict"] == LOW_NOISE else ""


def _named(names: list[str], *, apart: bool = False) -> str:
    """Layers with their verb."""
    if len(names) == 1:
        return f"layer {names[0]} is"
    if apart and len(names) > 2:
        return f"{len(names)} layers, {names[0]} the first of them, are"
    return f"layers {names[0]} {'and' if apart or len(names) == 2 else 'to'} {names[-1]} are"


def _short(value: float) -> str:
    """Two digits that count, without zeros in the exponent."""
    if 1e-3 <= value < 1 or value == 0:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _counted(judged: pd.DataFrame) -> str:
    onsets = collapse_onset(judged)
    found = onsets[onsets["layers"] > 0]
    closed = int((onsets["of"] == 0).sum())
    rest = f", and in {closed} it cannot be told" if closed else ""
    if found.empty:
        return f"In none of {len(onsets)} runs is the network collapsed{rest}."
    most = found.iloc[int(found["layers"].to_numpy(int).argmax())]
    return (
        f"In {len(found)} of {len(onsets)} runs layers are collapsed up to the last one that can be judged, the most "
        f"in '{most['run']}': {most['layers']} of {most['of']}, from {most['layer']} on{rest}."
    )

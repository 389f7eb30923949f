"""Onset: the layer from which noise is low, and from which layers are collapsed, up to the last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from deepnrc.arguments import TAU, check_tau
from deepnrc.errors import UsageError
from deepnrc.table.collapse import NOISE, collapse_onset, unbroken, verdicts
from deepnrc.table.schema import NETWORK
from deepnrc.wording import Remedy

COLUMNS = ["run", "step", "rule", "tau", "depth", "layer", "layers", "of"]
LOW, COLLAPSE = RULES = ("noise", "collapsed")


def onsets(table: pd.DataFrame, tau: float = TAU, judged: pd.DataFrame | None = None) -> pd.DataFrame:
    """The first layer from which each rule holds without a break up to the last layer, for every run and step.

    Rule "noise": noise fraction <= tau. That is low noise, which raw inputs and untrained networks may have too, and
    says nothing of collapse. Rule "collapsed": the layer is collapsed as ``verdicts`` tells, among the layers that can
    be judged; it is left out where no verdict can be told. A value that is missing or degenerate does not hold. The
    thresholds are ours: no threshold reproduces the lines that the papers draw by hand.

    Args:
        tau: in (0, 1).
        judged: what ``verdicts`` gave of this table and tau; None to ask it.
    Returns: columns run, step, rule, tau, depth, layer (both NA where the rule does not hold at the last layer),
        layers (how many have it), of (how many there are).
    """
    check_tau(tau)
    if not (table["measure"] == NOISE).any():
        raise UsageError(
            f"Collapse onset needs {NOISE}, which was not measured. Add it to ", Remedy("probes", [...]), "."
        )
    found = collapse_onset(verdicts(table, tau) if judged is None else judged)
    told = found[found["of"] > 0].assign(rule=COLLAPSE, tau=tau)
    low = pd.DataFrame(list(_low(table, tau)), columns=COLUMNS).astype({"depth": "Int64", "layer": "string"})
    both = pd.concat([low, told[COLUMNS]]) if len(told) else low
    order = {key: i for i, key in enumerate(low[["run", "step"]].itertuples(index=False, name=None))}
    places = [order[key] for key in both[["run", "step"]].itertuples(index=False, name=None)]
    return both.assign(place=places).sort_values("place", kind="stable").drop(columns="place").reset_index(drop=True)


def since(onsets: pd.DataFrame, run: str, rule: str = LOW) -> int | None:
    """The first measured step from which as many layers as at the last step kept to a rule; None if none do, and where
    nothing tells whether they did at the step before."""
    mine = onsets[onsets["run"] == run]
    rows = mine[mine["rule"] == rule].sort_values("step")
    final = int(rows["layers"].iloc[-1]) if len(rows) else 0
    first = unbroken(rows["layers"] >= final) if final else None
    if first is None:
        return None
    step = int(rows["step"].iloc[first])
    before = mine.loc[mine["step"] < step, "step"].max()
    return step if pd.isna(before) or before in set(rows["step"]) else None


def _low(table: pd.DataFrame, tau: float) -> Iterator[dict[str, Any]]:
    read = (table["measure"] == NOISE) & (table["variant"] == "default") & (table["layer"] != NETWORK)
    rows = table.loc[read, ["run", "step", "depth", "layer", "status", "value"]]
    parts: dict[tuple[Any, Any], list[tuple[int, str, bool]]] = {
        place: [] for place in zip(rows["run"].tolist(), rows["step"].tolist(), strict=True)
    }
    rows = rows.sort_values("depth", kind="stable")
    low = ((rows["status"] != "degenerate") & (rows["value"] <= tau)).tolist()
    for run, step, depth, layer, holds in zip(
        *(rows[name].tolist() for name in ("run", "step", "depth", "layer")), low, strict=True
    ):
        parts[run, step].append((depth, layer, holds))
    for place, part in parts.items():
        first = unbroken(holds for *_, holds in part)
        start = (None, None) if first is None else part[first][:2]
        layers = 0 if first is None else len(part) - first
        yield dict(zip(COLUMNS, (*place, LOW, tau, *start, layers, len(part)), strict=True))

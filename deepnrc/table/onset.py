"""Collapse onset: the layer from which a network is collapsed, up to its last."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from deepnrc.arguments import TAU
from deepnrc.errors import UsageError
from deepnrc.table.schema import NETWORK
from deepnrc.wording import Argument, Remedy

NOISE, ALIGNMENT, PREDICTION, OWN = (  # what the rules read
    "deep.noise_fraction",
    "deep.feature_weight_alignment",
    "deep.linear_mse",
    "model.mse",
)
ALIGNED = 0.8
PREDICTS = 1.1


def check_tau(tau: float) -> None:
    """Refuse a threshold that is no noise fraction."""
    try:
        fits = bool(0 < tau < 1)
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise UsageError(Argument("tau", tau), f" is a noise fraction and must lie between 0 and 1; it is {tau!r}.")


def onsets(table: pd.DataFrame, tau: float = TAU) -> pd.DataFrame:
    """The first layer from which each rule holds without a break up to the last layer, for every run and step.

    Rule "noise": noise fraction <= tau. Rule "joint": that, and feature-weight alignment >= 0.8, and linear MSE <= 1.1
    times the network's own; it is left out where the network's error could not be read. A value that is missing or
    degenerate does not hold. The thresholds are ours: no threshold reproduces the lines that the papers draw by hand.

    Args:
        tau: in (0, 1).
    Returns: columns run, step, rule, tau, depth, layer (both NA where the rule does not hold at the last layer),
        layers (how many have it), of (how many there are).
    """
    check_tau(tau)
    if not (table["measure"] == NOISE).any():
        raise UsageError(
            f"Collapse onset needs {NOISE}, which was not measured. Add it to ", Remedy("probes", [...]), "."
        )
    columns = ["run", "step", "rule", "tau", "depth", "layer", "layers", "of"]
    return pd.DataFrame(list(_rows(table, tau)), columns=columns).astype({"depth": "Int64", "layer": "string"})


def since(onsets: pd.DataFrame, run: str, rule: str = "noise") -> int | None:
    """The first measured step from which as many layers as at the last step stayed collapsed; None if none are."""
    rows = onsets[(onsets["run"] == run) & (onsets["rule"] == rule)].sort_values("step")
    final = int(rows["layers"].iloc[-1]) if len(rows) else 0
    if not final:
        return None
    first = unbroken(rows["layers"] >= final)
    return None if first is None else int(rows["step"].iloc[first])


def _rows(table: pd.DataFrame, tau: float) -> Iterator[dict[str, Any]]:
    for (run, step), part in table.groupby(["run", "step"], sort=False):
        if NOISE not in set(part["measure"]):
            continue
        for rule, holds in _rules(part, tau).items():
            depth = unbroken(holds)
            layers = holds.index.get_level_values("layer")
            yield {
                "run": run,
                "step": step,
                "rule": rule,
                "tau": tau,
                "depth": None if depth is None else int(holds.index.get_level_values("depth")[depth]),
                "layer": None if depth is None else layers[depth],
                "layers": 0 if depth is None else len(holds) - depth,
                "of": len(holds),
            }


def _rules(part: pd.DataFrame, tau: float) -> dict[str, pd.Series[bool]]:
    noise = _by_depth(part, NOISE) <= tau
    rules = {"noise": noise}
    measures = set(part["measure"])
    if {ALIGNMENT, PREDICTION, OWN} <= measures:
        own = part.loc[(part["measure"] == OWN) & (part["layer"] == NETWORK), "value"].iloc[0]
        if not math.isnan(own):
            aligned = _by_depth(part, ALIGNMENT) >= ALIGNED
            predicts = _by_depth(part, PREDICTION) <= PREDICTS * own
            rules["joint"] = noise & aligned & predicts
    return rules


def _by_depth(part: pd.DataFrame, measure: str) -> pd.Series[float]:
    rows = part[(part["measure"] == measure) & (part["variant"] == "default")].sort_values("depth")
    usable = rows["value"].where(rows["status"] != "degenerate")
    return pd.Series(usable.to_numpy(), index=pd.MultiIndex.from_frame(rows[["depth", "layer"]]))


def unbroken(holds: pd.Series[bool]) -> int | None:
    """Position of the first of the unbroken run of True that ends the series; None if it ends with False."""
    position = len(holds)
    while position and bool(holds.iloc[position - 1]):
        position -= 1
    return position if position < len(holds) else None

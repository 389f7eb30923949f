"""What is read off a table along a network's depth: whether a measure is monotone, and where an error stays low."""

from __future__ import annotations

import pandas as pd

from deepnrc.errors import UsageError
from deepnrc.table.collapse import unbroken
from deepnrc.table.schema import NETWORK
from deepnrc.wording import Argument

NEAREST = "nc.ncc_error"


def monotonicity(rows: pd.DataFrame) -> pd.DataFrame:
    """Spearman's rank correlation of a measure with depth, in [-1, 1], for every run and step.

    1 where it grows from each layer to the next, -1 where it falls. Layers where it is degenerate or not defined take
    no part; ties take their mean rank.

    Args:
        rows: those of one measure and variant, as ``Table.values`` gives them.
    Returns: columns run, step, correlation (NA for fewer than two layers, or where all are alike), layers.
    Errors: UsageError for a measure of the whole network, which has no depth.
    """
    rows = rows[rows["layer"] != NETWORK]
    if rows.empty:
        raise UsageError("The measure belongs to the whole network and has no depth. Choose one of the layers'.")
    usable = rows[rows["value"].notna() & ~rows["status"].isin(["degenerate", "not defined"])]
    found = [
        {"run": run, "step": step, "correlation": _spearman(part), "layers": len(part)}
        for (run, step), part in ((key, usable[_of(usable, key)]) for key in _moments(rows))
    ]
    return pd.DataFrame(found).astype({"correlation": "Float64", "layers": "int64"})


def effective_depth(rows: pd.DataFrame, eps: float) -> pd.DataFrame:
    """The first layer from which the nearest-class-mean error stays at or below eps up to the last layer, for every
    run and step. Galanti et al. 2022.

    Args:
        rows: those of ``nc.ncc_error``.
        eps: in [0, 1).
    Returns: columns run, step, eps, depth, layer; both NA where the error at the last layer is above eps.
    Errors: UsageError for an eps that is no share.
    """
    if not 0 <= eps < 1:
        raise UsageError(Argument("eps", eps), f" is a share of samples from 0 to below 1; it is {eps!r}.")
    found = []
    for run, step in _moments(rows):
        part = rows[_of(rows, (run, step))].sort_values("depth")
        first = unbroken(pd.Series((part["value"] <= eps).to_numpy()))
        depth, layer = (None, None) if first is None else part[["depth", "layer"]].iloc[first]
        found.append({"run": run, "step": step, "eps": eps, "depth": depth, "layer": layer})
    return pd.DataFrame(found).astype({"depth": "Int64", "layer": "string"})


def _moments(rows: pd.DataFrame) -> list[tuple[str, int]]:
    return list(rows[["run", "step"]].drop_duplicates().itertuples(index=False, name=None))


def _of(rows: pd.DataFrame, moment: tuple[str, int]) -> pd.Series[bool]:
    return (rows["run"] == moment[0]) & (rows["step"] == moment[1])


def _spearman(part: pd.DataFrame) -> float | None:
    if len(part) < 2 or part["value"].nunique() < 2:
        return None
    return float(part["depth"].rank().corr(part["value"].rank()))

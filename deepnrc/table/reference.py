"""A reference beside each value: what the same measure reads in an untrained network of the same shape."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from deepnrc.errors import UsageError
from deepnrc.table.schema import NETWORK
from deepnrc.wording import Given, Remedy, listing

PLACE = ["layer", "measure", "variant"]
SHAPE = ["dim", "rank"]


def with_reference(table: pd.DataFrame, reference: pd.DataFrame, required: str = "") -> pd.DataFrame:
    """The table with the reference's values in the column ``reference``, where both read the same of the same layer.

    Args:
        reference: of one run and step; what is degenerate there is no reference.
        required: the measure that the reference must have of every layer of which the table has it, at the same width
            and rank; "" for none.
    Errors: UsageError for a reference of several runs or steps, and for one that lacks what is required.
    """
    snapshots = reference[["run", "step"]].drop_duplicates()
    if len(snapshots) > 1:
        shown = listing([f"{run}, step {step}" for run, step in snapshots.itertuples(index=False)], 4)
        raise UsageError(
            "A reference is one run at one step, and this report holds several: ", shown, ". Choose one with ",
            "report.at(step, run)."
        )  # fmt: skip
    _check(table, reference, required)
    usable = reference[~reference["status"].isin(["degenerate", "not defined"])].drop_duplicates(PLACE)
    values = dict(zip(_keys(usable), usable["value"].tolist(), strict=True))
    return table.assign(reference=[float(values.get(key, math.nan)) for key in _keys(table)])


def _keys(table: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    """Place and shape of each row. A tracker asks for them at every step, and no index of pandas' is as cheap."""
    ranks = [None if pd.isna(rank) else int(rank) for rank in table["rank"].tolist()]
    return zip(*(table[name].tolist() for name in [*PLACE, "dim"]), ranks, strict=True)


def _check(table: pd.DataFrame, reference: pd.DataFrame, required: str) -> None:
    if not required:
        return
    mine, theirs = (
        frame[(frame["measure"] == required) & (frame["variant"] == "default") & (frame["layer"] != NETWORK)]
        for frame in (table, reference)
    )
    known = theirs.drop_duplicates("layer").set_index("layer")[SHAPE]
    missing = [name for name in dict.fromkeys(mine["layer"]) if name not in known.index]
    if missing:
        raise UsageError(
            Given("reference", ...), f" has no {required} of {listing(missing, 4)}. A reference is a network of the "
            "same shape, read at the same layers; ", Remedy("reference", "untrained"), " builds one."
        )  # fmt: skip
    for name, d, k in mine.drop_duplicates("layer")[["layer", *SHAPE]].itertuples(index=False):
        width, rank = known.loc[name]
        if d != width or (pd.notna(k) and pd.notna(rank) and k != rank):
            raise UsageError(
                Given("reference", ...), f" has d = {width} and k = {rank} at '{name}', where d = {d} and k = {k}. A "
                "reference is a network of the same shape on the same targets, read at the same rank."
            )  # fmt: skip

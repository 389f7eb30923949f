"""Runs that repeat one another, such as the seeds of one setting, as one: the mean of their values, and its spread."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from deepnrc.errors import UsageError
from deepnrc.wording import Argument, did_you_mean, listing

DEEPEST, WRAPPED = 3, 0.9  # parts of a name to look into; share of layers under one that wraps a network
BANDS = ("range", "sd")
INTERVAL = ("corrected", "low", "high")  # of one run's samples, which a mean of runs does not have
SILENT = ("degenerate", "not defined")
AVERAGED = ["value", "chance", "floor", "chance_high", "reference"]
CELL = ["run", "step", "depth", "layer", "kind", "measure", "variant", "pool"]


def labelled_by(rows: pd.DataFrame, groups: Mapping[str, str]) -> pd.DataFrame:
    """Rows whose run is the label of its group, in the groups' order; runs of no group are left out.

    Errors: UsageError for a group of a run that is not there, and where no run is of any.
    """
    if not isinstance(groups, Mapping):
        raise UsageError(f"groups gives the label of its group for each run, as a mapping; it is {groups!r}.")
    runs = list(dict.fromkeys(rows["run"]))
    for run in groups:
        if run not in runs:
            raise UsageError(f"groups names the run {run!r}, which is not there.{did_you_mean(run, runs)}")
    if not groups:
        raise UsageError(f"groups={{}} leaves nothing to draw. Give each run its group; runs: {listing(runs)}.")
    order = {label: i for i, label in enumerate(dict.fromkeys(map(str, groups.values())))}
    kept = rows[rows["run"].isin(list(groups))]
    kept = kept.assign(run=kept["run"].map({run: str(label) for run, label in groups.items()}))
    return kept.sort_values("run", key=lambda labels: labels.map(order), kind="stable")


def spread(rows: pd.DataFrame, keys: Sequence[str], band: str = "range") -> pd.DataFrame:
    """A row for each combination of ``keys``: the mean of the values in it, and ``low`` and ``high``, their spread.

    What is degenerate or not defined counts in no mean; where nothing else is there, the value is missing and its
    status and note are the first's. Every other column is that of the first row.

    Args:
        band: "range" (least and largest) or "sd" (the mean less and plus the standard deviation, 0 for one value).
    Errors: UsageError for another band.
    """
    if band not in BANDS:
        raise UsageError(Argument("band", band), f" must be one of {listing(BANDS)}; it is {band!r}.")
    said = ~rows["status"].isin(SILENT)
    by = list(keys)
    known = rows.assign(value=rows["value"].where(said))
    sets = known.groupby(by, sort=False, dropna=False)
    best = rows.assign(silent=~said).sort_values("silent", kind="stable").groupby(by, sort=False, dropna=False)
    taken = {*by, *AVERAGED, *INTERVAL}
    first = best[[name for name in rows if name not in taken]].first()
    means = sets[[name for name in AVERAGED if name in rows]].mean()
    sd = sets["value"].std().fillna(0)
    ends = (sets["value"].min(), sets["value"].max()) if band == "range" else (means["value"] - sd, means["value"] + sd)
    return means.assign(low=ends[0], high=ends[1]).join(first).reset_index()


def means(rows: pd.DataFrame, groups: Mapping[str, str]) -> pd.DataFrame:
    """The tidy frame with a run a group, whose values are the means over its runs."""
    of_runs = spread(labelled_by(rows, groups), CELL).assign(**dict.fromkeys(INTERVAL, float("nan")))
    return of_runs[list(rows)].astype(rows.dtypes.to_dict())


def stages(layers: Sequence[str]) -> list[tuple[str, range]]:
    """Layers that follow one another under one name, such as a ResNet's "layer1", with their positions.

    >>> stages(["conv1", "layer1.0.conv1", "layer1.1.conv1", "fc"])
    [('conv1', range(0, 1)), ('layer1', range(1, 3)), ('fc', range(3, 4))]
    >>> stages(["net.0", "net.2", "blocks.0.a", "blocks.1.a"])
    [('net', range(0, 2)), ('blocks', range(2, 4))]
    """
    part = 0
    while part < DEEPEST and _mostly_one(keys := [_under(name, part) for name in layers]):
        part += 1
    keys = [_under(name, part) for name in layers]
    found, start = [], 0
    for name, same in itertools.groupby(keys):
        stop = start + len(list(same))
        found.append((name, range(start, stop)))
        start = stop
    return found


def _under(name: str, part: int) -> str:
    """The first parts of a dotted name, up to a number."""
    words = list(itertools.takewhile(lambda word: not word.isdigit(), name.split(".")))
    return ".".join(words[: part + 1])


def _mostly_one(keys: Sequence[str]) -> bool:
    """Whether nearly all layers lie under one name, as in a network that wraps another."""
    return max(map(keys.count, set(keys)), default=0) > WRAPPED * len(keys)


def by_run(
    table: pd.DataFrame, provenance: Sequence[Mapping[str, Any]], spectra: pd.DataFrame
) -> Iterator[tuple[pd.DataFrame, tuple[Mapping[str, Any], ...], pd.DataFrame]]:
    """The rows of each run, in their order, with its records and its spectra."""
    behind = dict(iter(spectra.groupby("run", sort=False)))
    for run, rows in table.groupby("run", sort=False):
        records = tuple(record for record in provenance if record["run"] == run)
        yield rows.reset_index(drop=True), records, behind.get(run, spectra.iloc[:0]).reset_index(drop=True)

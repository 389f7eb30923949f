"""What is said of collapse and of samples that no network was trained on: that it helps, and that it harms."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from experiments.claims.claim import Claim
from experiments.claims.deepcollapse import DEEP
from experiments.claims.learning import NOTHING, learned_every_direction, why_unread
from experiments.runner import DECAY, Results

GEOMETRY = "Andriopoulos et al. 2025"
COLLAPSED = "collapsed"  # column of the results: whether the cell's network is collapsed, by verdict
READ = {  # columns of `read_networks`: measure and variant
    "error": ("model.mse", "default"),
    "held-out error": ("model.mse", "held out"),
    "noise": ("deep.noise_fraction", "default"),
    "held-out noise": ("deep.noise_fraction", "held out"),
    "dimension": ("dimension.two_nn", "default"),
    "targets' dimension": ("dimension.two_nn", "targets"),
}
Read = Callable[[Results], float]

LOCAL = (
    "Two-NN is local: targets whose samples lie along curves have a dimension of nearly 1, and features of as few "
    "directions as the targets may well have more."
)
SAMPLES = (
    "What weight decay does to the held-out error depends on the samples: it raises both errors of pairs without noise "
    "that a simpler network could leave out, and lowers the held-out one where samples are few for what is learned."
)


def read_networks(results: Results) -> pd.DataFrame:
    """A row a network of the sweep, by weight decay and seed: whether it is collapsed by verdict, its errors, noise
    fractions of its last hidden layer, and two-NN of that layer's features and of the targets; NaN for what is not
    defined."""
    table = results.trained[results.trained["setting"].isin(results.swept)]
    keys = ["setting", DECAY, "seed", COLLAPSED]
    found = table[keys].drop_duplicates().set_index(keys)
    for column, (measure, variant) in READ.items():
        rows = results.last(measure, variant)
        rows = rows[rows["depth"] == rows.groupby(["setting", "seed"])["depth"].transform("max")]
        found[column] = rows[rows["setting"].isin(results.swept)].set_index(keys)["value"].astype(float)
    return found.reset_index().sort_values([DECAY, "seed"], ignore_index=True)


def generalisation() -> tuple[Claim, ...]:
    """Both readings, of networks with the largest weight decay of a sweep against those with the least; the former are
    read where they are collapsed by verdict."""
    told = (
        (
            "A collapsed network's features have a lower intrinsic dimension than the targets: two-NN of the last "
            "hidden layer over the targets'",
            GEOMETRY, collapsed(dimension_share), "<", 1.0,
        ),
        (
            "A collapsed network learns the targets' intrinsic dimension: the same, as a relative difference",
            DEEP, collapsed(lambda results: abs(dimension_share(results) - 1)), "<", 0.25,
        ),
        (
            "With the least weight decay the features keep a higher intrinsic dimension than the targets: two-NN of "
            "the last hidden layer over the targets'",
            GEOMETRY, lambda results: dimension_share(results, 0), ">", 1.0,
        ),
        (
            "Collapse harms: held-out error with the largest weight decay over that with the least",
            GEOMETRY, collapsed(error_ratio), ">", 1.0,
        ),
        (
            "Collapse helps: held-out error with the largest weight decay over that with the least",
            DEEP, collapsed(error_ratio), "<", 1.0,
        ),
        (
            "Collapse holds on other samples too: noise fraction of the last hidden layer on held-out samples over "
            "that on training samples",
            DEEP, collapsed(lambda results: quotient(results, "held-out noise", "noise")), "<", 2.0,
        ),
    )  # fmt: skip
    return tuple(
        Claim(
            statement,
            source,
            read,
            relation,
            level,
            unread=why_dimension if "dimension" in statement else why,
            why=LOCAL if "dimension" in statement else SAMPLES,
        )
        for statement, source, read, relation, level in told
    )


def dimension_share(results: Results, setting: int = -1) -> float:
    """Two-NN of the last hidden layer's features over that of the targets."""
    if not learned_every_direction(results, setting):
        return math.nan
    return quotient(results, "dimension", "targets' dimension", setting)


def error_ratio(results: Results) -> float:
    """Held-out error with the largest weight decay over that with the least."""
    if len(results.swept) < 2 or not learned_every_direction(results, 0):
        return math.nan
    return quotient(results, "held-out error", "held-out error", of=0)


def quotient(results: Results, one: str, other: str, setting: int = -1, of: int | None = None) -> float:
    """A column over another, means over the networks of a setting; of the setting at the place ``of``, if given."""
    above, below = (results.top(*READ[column])[results.swept] for column in (one, other))
    return float(above.iloc[setting] / below.iloc[setting if of is None else of])


def is_collapsed(results: Results) -> bool:
    """Whether every network with the largest weight decay is collapsed."""
    return bool(results.table.loc[results.table["setting"] == results.swept[-1], COLLAPSED].all())


def collapsed(read: Read) -> Read:
    """The same reading, NaN where the network with the largest weight decay is not collapsed."""
    return lambda results: read(results) if is_collapsed(results) else math.nan


def why(results: Results) -> str:
    """Why an error or a noise could not be read off one seed."""
    said = why_unread(results)
    return f"{results.swept[-1]} is not collapsed" if said == NOTHING and not is_collapsed(results) else said


def why_dimension(results: Results) -> str:
    """Why a dimension could not be."""
    wanted = READ["targets' dimension"]
    rows = results.table
    none = rows[(rows["measure"] == wanted[0]) & (rows["variant"] == wanted[1]) & (rows["status"] != "ok")]
    return why(results) if none.empty else f"the targets have no intrinsic dimension: {none['note'].iloc[0]}"

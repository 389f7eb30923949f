"""What rank was learned: the last features' stable rank against the targets', over the ranks of a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns

from deepnrc.figures import INK, picture
from experiments.claims import bootstrap
from experiments.runner import Results
from experiments.theory import linear_rank

RANK = "target_rank"  # the fact that is swept
BLUE, ORANGE = sns.color_palette("colorblind")[:2]


@dataclass(frozen=True)
class LearnedRank:
    """One rank of the sweep: the targets' stable rank, the last features' in the mean over seeds with its interval, and
    what the closed form gives; stable ranks in the plain form."""

    rank: int
    targets: float
    learned: float
    low: float
    high: float
    predicted: float


def learned_ranks(results: Results) -> list[LearnedRank]:
    """A row a rank, ascending; ranks whose every network diverged are left out."""
    of = {setting.label: setting for setting in results.study.settings if setting.label in results.swept}
    targets = results.top("deep.target_stable_rank")
    found = []
    for label, setting in of.items():
        values = _last_layer(results, label)
        if len(values):
            data = setting.data.load(results.study.seeds[0])
            layers = int(results.last("deep.feature_stable_rank").query("setting == @label")["depth"].nunique())
            predicted = linear_rank(data.y, layers, setting.recipe.weight_decay)
            mean, interval = float(values.mean()), bootstrap(values.tolist())
            rank = int(setting.apart[RANK])
            found.append(LearnedRank(rank, float(targets[label]), mean, *interval, predicted))
    return sorted(found, key=lambda one: one.rank)


def _last_layer(results: Results, label: str) -> pd.Series[float]:
    """A value a seed."""
    rows = results.last("deep.feature_stable_rank").query("setting == @label").dropna(subset="value")
    return rows[rows["depth"] == rows.groupby("seed")["depth"].transform("max")]["value"]


def draw_ranks(found: list[LearnedRank], path: Path) -> None:
    """Marks are the mean over seeds with its interval; the line of equality, and the deep linear closed form."""
    x, y = (np.array([getattr(one, name) for one in found]) for name in ("targets", "learned"))
    below, above = (np.array([getattr(one, end) for one in found]) for end in ("low", "high"))
    spans = np.nan_to_num(np.abs([y - below, above - y]))
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(3.9, 3.4)
        ax = figure.subplots()
        most = 1.08 * max(x.max(), y.max(), *(one.predicted for one in found))
        ax.plot([0, most], [0, most], color="0.6", linewidth=0.9, linestyle=":", label="as wide as the targets")
        ax.plot(x, [one.predicted for one in found], color=ORANGE, linewidth=1.3, label="deep linear closed form")
        ax.errorbar(
            x, y, spans, color=BLUE, linestyle="", marker="o", markersize=4, capsize=2, linewidth=1.2,
            label="learned, mean over seeds and interval",
        )  # fmt: skip
        for one in found:
            ax.annotate(str(one.rank), (one.targets, one.learned), (4, -8), textcoords="offset points", fontsize=6.5,
                        color=INK)  # fmt: skip
        ax.set(
            xlabel="stable rank of the targets",
            ylabel="stable rank of the last features",
            xlim=(0, most),
            ylim=(0, most),
        )
        figure.legend(loc="outside lower center", frameon=False, ncols=1)
        sns.despine(ax=ax)

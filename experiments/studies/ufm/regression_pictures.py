"""Pictures of the regression model: nrc.1-3 over descent, and rank against the penalties."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns

from deepnrc.figures import INK, picture
from experiments.studies.ufm import regression
from experiments.studies.ufm.agreement import END
from experiments.studies.ufm.looks import COLOURS, MARKS, ROUNDING, THEORY


def training(table: pd.DataFrame, path: Path) -> None:
    """One panel a measure, one line a pair of penalties, both axes logarithmic."""
    mine = table[(table["part"] == regression.NAME) & table["measure"].isin(regression.WATCHED)]
    means = mine.groupby(["setting", "measure", "iteration"])["value"].mean()
    last = int(mine["iteration"].max())
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(7.4, 3.1)
        axes = figure.subplots(1, 3, sharex=True, sharey=True)
        for ax, measure in zip(axes, regression.WATCHED, strict=True):
            for (h, w), look in zip(regression.FOLLOWED, _pair_looks(), strict=True):
                line = means[regression.label(h, w), measure]
                seen = line.drop(END)
                seen = seen[(seen > ROUNDING).cummin()]
                ax.plot(seen.index + 1, seen, **look)
                end = max(float(line[END]), 2 * ROUNDING)
                ax.plot([3 * last], [end], **look | {"marker": "o", "markersize": 3.5})
            ax.set(xscale="log", yscale="log", title=measure, xlabel="iteration + 1", ylim=(ROUNDING, 10))
            sns.despine(ax=ax)
        names = [f"{h:g}, {w:g}" if h else "no penalties" for h, w in regression.FOLLOWED]
        figure.legend(
            axes[0].lines[::2], names, title="lambda_h, lambda_w", loc="outside lower center", ncols=4, frameon=False
        )


def _pair_looks() -> Iterator[dict[str, Any]]:
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.85, len(regression.LAMBDAS)))
    for h, w in regression.FOLLOWED:
        if h == w and h:
            yield {"color": shades[regression.LAMBDAS.index(h)], "linewidth": 1.4}
        elif h:
            yield {"color": COLOURS[3 if h > w else 1], "linewidth": 1.2, "linestyle": (0, (4, 2))}
        else:
            yield {"color": INK, "linewidth": 1.6, "linestyle": ":"}


def rank(table: pd.DataFrame, path: Path) -> None:
    """The grid of penalties with the measured rank at every point, and the theory's boundaries."""
    mine = table[(table["part"] == regression.NAME) & (table["measure"] == "rank")]
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(4.2, 3.4)
        ax = figure.subplots()
        shades = mpl.colormaps["cividis"](np.linspace(0.95, 0.05, 4))
        for rank in range(4):
            rows = mine[mine["value"] == rank]
            ax.plot(
                rows["lambda_h"], rows["lambda_w"], linestyle="", marker=MARKS[rank], color=shades[rank], markersize=5,
                markeredgecolor=INK, markeredgewidth=0.4, label=str(rank),
            )  # fmt: skip
        low, high = mine["lambda_h"].min() / 1.6, mine["lambda_h"].max() * 1.6
        for i, value in enumerate(regression.PHASES, 1):
            h = np.array([max(low, value / high), min(high, value / low)])
            ax.plot(h, value / h, **THEORY)
            ax.annotate(
                f"$l_{i}$ = {value:g}", (high, value / high), xytext=(3, 0), textcoords="offset points", va="center"
            )
        ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), xlabel="lambda_h", ylabel="lambda_w")
        figure.legend(title="measured rank", loc="outside lower center", ncols=4, frameon=False)
        sns.despine(ax=ax)

"""Pictures of the deep linear model: singular values by factor, and directions that fall out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns

from deepnrc.figures import picture
from experiments.data import covariance, spread
from experiments.studies.ufm import linear
from experiments.studies.ufm.looks import COLOURS, MARKS, THEORY, legend
from probes.ufm import LinearMinimum


def singular_values(table: pd.DataFrame, path: Path) -> None:
    """One panel a depth: factors along the axis, one mark a direction."""
    mine = table[(table["part"] == linear.NAME) & table["measure"].str.startswith("singular")]
    settings = list(dict.fromkeys(mine["setting"]))[1:]
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(7.4, 2.7)
        wide = [mine[mine["setting"] == setting]["layer"].nunique() for setting in settings]
        axes = figure.subplots(1, len(settings), sharey=True, width_ratios=wide, squeeze=False)[0]
        for ax, setting in zip(axes, settings, strict=True):
            rows = mine[mine["setting"] == setting]
            factors = list(dict.fromkeys(rows["layer"]))
            for i in range(1, len(linear.EIGENVALUES) + 1):
                own = rows[rows["measure"] == f"singular value {i}"]
                x = np.arange(len(factors))
                ax.hlines(own["predicted"], x - 0.38, x + 0.38, **THEORY)
                ax.plot(
                    x, own["value"], linestyle="", marker=MARKS[i - 1], markersize=4.5, markerfacecolor="none",
                    markeredgecolor=COLOURS[i - 1], markeredgewidth=1.3, label=f"direction {i}",
                )  # fmt: skip
            ax.set_xticks(range(len(factors)), [r"H/$\sqrt{N}$" if f == "H" else f for f in factors])
            ax.set(title=setting.split(",")[0], xlim=(-0.6, len(factors) - 0.4))
            sns.despine(ax=ax)
        axes[0].set_ylabel("singular value")
        legend(figure, axes[0], "predicted")


def thresholds(table: pd.DataFrame, path: Path) -> None:
    """One panel a depth: what the outputs keep of each direction against the penalty, which is on a log axis."""
    mine = table[(table["part"] == linear.NAME) & table["measure"].str.startswith("image")]
    S_Y = covariance(spread(linear.EIGENVALUES, linear.N))
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(7.4, 2.7)
        axes = figure.subplots(1, len(linear.CROSSED), sharey=True)
        for ax, depth in zip(axes, linear.CROSSED, strict=True):
            rows = mine[mine["setting"] == f"L = {depth}"]
            dense = np.geomspace(rows["lambda_h"].min(), rows["lambda_h"].max(), 400)
            theory = np.array([LinearMinimum(S_Y, v, (v,) * depth).image.tolist() for v in dense])
            for i in range(1, len(linear.EIGENVALUES) + 1):
                own = rows[rows["measure"] == f"image {i}"]
                ax.plot(dense, theory[:, i - 1], **THEORY)
                ax.plot(
                    own["lambda_h"], own["value"], linestyle="", marker=MARKS[i - 1], markersize=4,
                    markerfacecolor="white", markeredgecolor=COLOURS[i - 1], markeredgewidth=1.2,
                    label=f"direction {i}",
                )  # fmt: skip
            layers = "1 layer" if depth == 1 else f"{depth} layers"
            ax.set(xscale="log", title=layers, xlabel="every penalty", ylim=(-0.04, 1.04))
            sns.despine(ax=ax)
        axes[0].set_ylabel(r"singular value of the outputs/$\sqrt{N}$")
        legend(figure, axes[0], "predicted")

"""Pictures of the classifiers: both levels over descent, and the frame against the bias's penalty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from deepnrc.figures import picture
from experiments.studies.ufm import classes
from experiments.studies.ufm.levels import WATCHED
from experiments.studies.ufm.looks import COLOURS, ROUNDING, THEORY
from probes.ufm import ClassMinimum


def two_levels(table: pd.DataFrame, K: int, path: Path) -> None:
    """Above without, below with a ReLU: the loss with the predicted one, and nc.1-3 of both levels."""
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(7.4, 4.1)
        axes = figure.subplots(2, 4, sharex=True)
        for line, kind in zip(axes, ("linear", "ReLU"), strict=True):
            rows = table[(table["part"] == classes.NAME) & (table["setting"] == f"K = {K}, {kind}")]
            rows = rows[rows["iteration"] >= 0]
            _loss(line[0], rows)
            for ax, (measure, variant) in zip(line[1:], WATCHED, strict=True):
                for level, colour, dashes in (("1", COLOURS[1], "--"), ("2", COLOURS[0], "-")):
                    _band(
                        ax,
                        rows[(rows["measure"] == measure) & (rows["layer"] == level)],
                        color=colour,
                        linestyle=dashes,
                    )
                ax.set(yscale="log")
                ax.set_ylim(bottom=max(ax.get_ylim()[0], ROUNDING))
                if kind == "linear":
                    ax.set_title(measure + (f"\n({variant})" if variant != "default" else "\n"))
            line[0].set_ylabel({"linear": "linear levels", "ReLU": "ReLU between levels"}[kind])
            if kind == "ReLU":
                for ax in line:
                    ax.set_xlabel("iteration + 1")
        for ax in axes.ravel():
            ax.set_xscale("log")
            sns.despine(ax=ax)
        figure.legend(
            [axes[0, 0].lines[1], *axes[0, 1].lines[:2]],
            ["predicted loss", "level 1: the features, under W2 W1", "level 2: the deepest features, under W2"],
            loc="outside lower center", ncols=3, frameon=False,
        )  # fmt: skip


def _loss(ax: Axes, rows: pd.DataFrame) -> None:
    """The loss itself, with the predicted one as a line."""
    mine = rows[rows["measure"] == "loss"]
    _band(ax, mine, color=COLOURS[2])
    predicted = float(mine["predicted"].iloc[0])
    ax.axhline(predicted, linestyle=":", **THEORY | {"zorder": 3})
    ax.annotate(
        f"L* = {predicted:.5f}", (0.03, predicted), xycoords=("axes fraction", "data"), xytext=(0, 3),
        textcoords="offset points", fontsize=7,
    )  # fmt: skip
    ax.set(ylim=(0, None), title="loss\n" if "linear" in mine["setting"].iloc[0] else "")


def _band(ax: Axes, rows: pd.DataFrame, **look: Any) -> None:
    """The mean over seeds on a log axis, and their range."""
    over = rows.groupby("iteration")["value"]
    x = np.array(sorted(set(rows["iteration"]))) + 1
    ax.plot(x, over.mean(), linewidth=1.4, **look)
    ax.fill_between(x, over.min(), over.max(), color=look["color"], alpha=0.2, linewidth=0)


def bias(table: pd.DataFrame, path: Path) -> None:
    """Distance from an orthogonal frame against lambda_b, with the end of the simplex marked."""
    mine = table[(table["part"] == classes.NAME) & (table["measure"] == "frame error")]
    penalty = float(mine["lambda_h"].iloc[0])
    dense = np.geomspace(mine["lambda_w"].min(), mine["lambda_w"].max(), 400)
    a = ClassMinimum(4, 50, penalty, (penalty,)).a
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(4.2, 2.8)
        ax = figure.subplots()
        theory = [ClassMinimum(4, 50, penalty, (penalty,), bias=float(v)).frame_error(1) for v in dense]
        ax.plot(dense, theory, **THEORY, label="predicted")
        ax.plot(
            mine["lambda_w"], mine["value"], linestyle="", marker="o", markersize=4.5, markerfacecolor="white",
            markeredgecolor=COLOURS[0], markeredgewidth=1.3, label="measured",
        )  # fmt: skip
        ax.axvline(a / (1 - a), color="0.5", linestyle=":", linewidth=1)
        ax.annotate("simplex", (a / (1 - a), 0.2), xytext=(-4, 0), textcoords="offset points", ha="right")
        ax.annotate("towards the\northogonal frame", (a / (1 - a), 0.42), xytext=(28, 0), textcoords="offset points")
        ax.set(xscale="log", xlabel="lambda_b", ylabel="nc.2 (orthogonal frame)", ylim=(0, None))
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        sns.despine(ax=ax)

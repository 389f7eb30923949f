"""The pictures of the closed forms: what was measured as marks and coloured lines, theory as black lines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from deepnrc.figures import INK, picture
from experiments.data import covariance, spread
from experiments.pages import Drawn, drawn
from experiments.studies.ufm import classes, linear, regression
from experiments.studies.ufm.agreement import END
from experiments.studies.ufm.levels import WATCHED
from probes.ufm import ClassMinimum, LinearMinimum

THEORY: dict[str, Any] = {"color": INK, "linewidth": 1.2, "zorder": 1}
COLOURS = sns.color_palette("colorblind")
MARKS = "osD^v"
ROUNDING = 1e-16  # what float64 leaves of nc.1-3 and nrc.1-3; below it curves say nothing
TRAINING = (
    "Regression model: nrc.1, nrc.2 and nrc.3 over plain gradient descent for several penalties (lambda_h, lambda_w), "
    "mean over seeds; marks at the right: after L-BFGS. Below 1e-16 is rounding. Without penalties nothing collapses."
)
RANK = "Regression model: rank of W where descent ends; black: the closed form, lambda_h lambda_w = eigenvalues of S_Y"
SINGULAR = "Deep linear models: singular values of every factor, measured (marks) and predicted (black lines)"
THRESHOLDS = (
    "Deep linear models: what remains of each target direction as all penalties rise together; lowest of several "
    "starts (marks) and prediction (black lines). Two factors fade out, more of them drop at once."
)
TWO_LEVELS = (
    "Classifier with two levels, K = {K}, plain gradient descent: loss, and nc.1-3 of both levels (mean "
    "and range over seeds), without and with a ReLU between them. Linear: both levels collapse at once."
)
BIAS = "Classifier of one level: distance of the class means from an orthogonal frame as the bias is penalised"


def draw_all(table: pd.DataFrame, folder: Path) -> Iterator[Drawn]:
    """Draw what the finished parts have values for."""
    parts = dict(list(table.groupby("part")))
    if (rows := parts.get(regression.NAME)) is not None:
        yield drawn(folder, "regression-training", TRAINING, training, rows)
        yield drawn(folder, "regression-rank", RANK, rank, rows)
    if (rows := parts.get(linear.NAME)) is not None:
        yield drawn(folder, "linear-singular-values", SINGULAR, singular_values, rows)
        yield drawn(folder, "linear-thresholds", THRESHOLDS, thresholds, rows)
    if (rows := parts.get(classes.NAME)) is not None:
        for K in (4, 5):
            yield drawn(folder, f"classes-{K}", TWO_LEVELS.format(K=K), two_levels, rows, K)
        yield drawn(folder, "classes-bias", BIAS, bias, rows)


@contextlib.contextmanager
def _panels(
    path: Path, size: tuple[float, float], rows: int = 1, columns: int = 1, **options: Any
) -> Iterator[tuple[Figure, NDArray[Any]]]:
    """A figure of this size in inches, and its panels (rows, columns)."""
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(size)
        axes = figure.subplots(rows, columns, squeeze=False, **options)
        yield figure, axes
        for ax in axes.ravel():
            sns.despine(ax=ax)


def _below(figure: Figure, handles: list[Any], names: list[str], columns: int = 4, **options: Any) -> None:
    """One legend for all panels, below them."""
    figure.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False, **options)


def _directions(figure: Figure, ax: Axes) -> None:
    """The legend of panels with a mark a direction, and the theory's line."""
    marks, names = ax.get_legend_handles_labels()
    _below(figure, [*marks, Line2D([], [], **THEORY)], [*names, "predicted"])


def _open(index: int, size: float = 4.5) -> dict[str, Any]:
    """Marks without lines, through which the theory's line is seen."""
    return {
        "linestyle": "", "marker": MARKS[index], "markersize": size, "markerfacecolor": "white",
        "markeredgecolor": COLOURS[index], "markeredgewidth": 1.3,
    }  # fmt: skip


def training(rows: pd.DataFrame, path: Path) -> None:
    """One panel a measure, one line a pair of penalties, both axes logarithmic."""
    mine = rows[rows["measure"].isin(regression.WATCHED)]
    means = mine.groupby(["setting", "measure", "iteration"])["value"].mean()
    last = int(mine["iteration"].max())
    with _panels(path, (7.4, 3.1), 1, 3, sharex=True, sharey=True) as (figure, axes):
        for ax, measure in zip(axes[0], regression.WATCHED, strict=True):
            for (h, w), look in zip(regression.FOLLOWED, _pair_looks(), strict=True):
                line = means[regression.label(h, w), measure]
                seen = line.drop(END)
                seen = seen[(seen > ROUNDING).cummin()]
                ax.plot(seen.index + 1, seen, **look)
                end = max(float(line[END]), 2 * ROUNDING)
                ax.plot([3 * last], [end], **look | {"marker": "o", "markersize": 3.5})
            ax.set(xscale="log", yscale="log", title=measure, xlabel="iteration + 1", ylim=(ROUNDING, 10))
        names = [f"{h:g}, {w:g}" if h else "no penalties" for h, w in regression.FOLLOWED]
        _below(figure, list(axes[0, 0].lines[::2]), names, title="lambda_h, lambda_w")


def _pair_looks() -> Iterator[dict[str, Any]]:
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.85, len(regression.LAMBDAS)))
    for h, w in regression.FOLLOWED:
        if h == w and h:
            yield {"color": shades[regression.LAMBDAS.index(h)], "linewidth": 1.4}
        elif h:
            yield {"color": COLOURS[3 if h > w else 1], "linewidth": 1.2, "linestyle": (0, (4, 2))}
        else:
            yield {"color": INK, "linewidth": 1.6, "linestyle": ":"}


def rank(rows: pd.DataFrame, path: Path) -> None:
    """The grid of penalties with the measured rank at every point, and the theory's boundaries."""
    mine = rows[rows["measure"] == "rank"]
    shades = mpl.colormaps["cividis"](np.linspace(0.95, 0.05, 4))
    with _panels(path, (4.2, 3.4)) as (figure, ((ax,),)):
        for rank in range(4):
            at = mine[mine["value"] == rank]
            ax.plot(
                at["lambda_h"], at["lambda_w"], linestyle="", marker=MARKS[rank], color=shades[rank], markersize=5,
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
        _below(figure, *ax.get_legend_handles_labels(), title="measured rank")


def singular_values(rows: pd.DataFrame, path: Path) -> None:
    """One panel a depth: factors along the axis, one mark a direction."""
    mine = rows[rows["measure"].str.startswith("singular")]
    settings = list(dict.fromkeys(mine["setting"]))[1:]
    wide = [mine[mine["setting"] == setting]["layer"].nunique() for setting in settings]
    with _panels(path, (7.4, 2.7), 1, len(settings), sharey=True, width_ratios=wide) as (figure, axes):
        for ax, setting in zip(axes[0], settings, strict=True):
            at = mine[mine["setting"] == setting]
            factors = list(dict.fromkeys(at["layer"]))
            for i in range(len(linear.EIGENVALUES)):
                own = at[at["measure"] == f"singular value {i + 1}"]
                x = np.arange(len(factors))
                ax.hlines(own["predicted"], x - 0.38, x + 0.38, **THEORY)
                ax.plot(x, own["value"], **_open(i) | {"markerfacecolor": "none"}, label=f"direction {i + 1}")
            ax.set_xticks(range(len(factors)), [r"H/$\sqrt{N}$" if f == "H" else f for f in factors])
            ax.set(title=setting.split(",")[0], xlim=(-0.6, len(factors) - 0.4))
        axes[0, 0].set_ylabel("singular value")
        _directions(figure, axes[0, 0])


def thresholds(rows: pd.DataFrame, path: Path) -> None:
    """One panel a depth: what the outputs keep of each direction against the penalty, which is on a log axis."""
    mine = rows[rows["measure"].str.startswith("image")]
    S_Y = covariance(spread(linear.EIGENVALUES, linear.N))
    with _panels(path, (7.4, 2.7), 1, len(linear.CROSSED), sharey=True) as (figure, axes):
        for ax, depth in zip(axes[0], linear.CROSSED, strict=True):
            at = mine[mine["setting"] == f"L = {depth}"]
            dense = np.geomspace(at["lambda_h"].min(), at["lambda_h"].max(), 400)
            theory = np.array([LinearMinimum(S_Y, v, (v,) * depth).image.tolist() for v in dense])
            for i in range(len(linear.EIGENVALUES)):
                own = at[at["measure"] == f"image {i + 1}"]
                ax.plot(dense, theory[:, i], **THEORY)
                ax.plot(own["lambda_h"], own["value"], **_open(i, 4), label=f"direction {i + 1}")
            layers = "1 layer" if depth == 1 else f"{depth} layers"
            ax.set(xscale="log", title=layers, xlabel="every penalty", ylim=(-0.04, 1.04))
        axes[0, 0].set_ylabel(r"singular value of the outputs/$\sqrt{N}$")
        _directions(figure, axes[0, 0])


def two_levels(rows: pd.DataFrame, K: int, path: Path) -> None:
    """Above without, below with a ReLU: the loss with the predicted one, and nc.1-3 of both levels."""
    with _panels(path, (7.4, 4.1), 2, 4, sharex=True) as (figure, axes):
        for line, kind in zip(axes, ("linear", "ReLU"), strict=True):
            mine = rows[(rows["setting"] == f"K = {K}, {kind}") & (rows["iteration"] >= 0)]
            _loss(line[0], mine[mine["measure"] == "loss"], "loss\n" if kind == "linear" else "")
            for ax, (measure, variant) in zip(line[1:], WATCHED, strict=True):
                for level, colour, dashes in (("1", COLOURS[1], "--"), ("2", COLOURS[0], "-")):
                    own = mine[(mine["measure"] == measure) & (mine["layer"] == level)]
                    _band(ax, own, color=colour, linestyle=dashes)
                ax.set(yscale="log")
                ax.set_ylim(bottom=max(ax.get_ylim()[0], ROUNDING))
                if kind == "linear":
                    ax.set_title(measure + (f"\n({variant})" if variant != "default" else "\n"))
            line[0].set_ylabel({"linear": "linear levels", "ReLU": "ReLU between levels"}[kind])
        for ax in axes[1]:
            ax.set(xlabel="iteration + 1", xscale="log")
        names = ["predicted loss", "level 1: the features, under W2 W1", "level 2: the deepest features, under W2"]
        _below(figure, [axes[0, 0].lines[1], *axes[0, 1].lines[:2]], names, 3)


def _loss(ax: Axes, rows: pd.DataFrame, title: str) -> None:
    """The loss itself, with the predicted one as a line."""
    _band(ax, rows, color=COLOURS[2])
    predicted = float(rows["predicted"].iloc[0])
    ax.axhline(predicted, linestyle=":", **THEORY | {"zorder": 3})
    ax.annotate(
        f"L* = {predicted:.5f}", (0.03, predicted), xycoords=("axes fraction", "data"), xytext=(0, 3),
        textcoords="offset points", fontsize=7,
    )  # fmt: skip
    ax.set(ylim=(0, None), title=title)


def _band(ax: Axes, rows: pd.DataFrame, **look: Any) -> None:
    """The mean over seeds on a log axis, and their range."""
    over = rows.groupby("iteration")["value"]
    x = np.array(sorted(set(rows["iteration"]))) + 1
    ax.plot(x, over.mean(), linewidth=1.4, **look)
    ax.fill_between(x, over.min(), over.max(), color=look["color"], alpha=0.2, linewidth=0)


def bias(rows: pd.DataFrame, path: Path) -> None:
    """Distance from an orthogonal frame against lambda_b, with the end of the simplex marked."""
    mine = rows[rows["measure"] == "frame error"]
    penalty = float(mine["lambda_h"].iloc[0])
    dense = np.geomspace(mine["lambda_w"].min(), mine["lambda_w"].max(), 400)
    theory = [ClassMinimum(4, 50, penalty, (penalty,), bias=float(v)).frame_error(1) for v in dense]
    a = ClassMinimum(4, 50, penalty, (penalty,)).a
    end = a / (1 - a)
    with _panels(path, (4.2, 2.8)) as (figure, ((ax,),)):
        ax.plot(dense, theory, **THEORY, label="predicted")
        ax.plot(mine["lambda_w"], mine["value"], **_open(0), label="measured")
        ax.axvline(end, color="0.5", linestyle=":", linewidth=1)
        ax.annotate("simplex", (end, 0.2), xytext=(-4, 0), textcoords="offset points", ha="right")
        ax.annotate("towards the\northogonal frame", (end, 0.42), xytext=(28, 0), textcoords="offset points")
        ax.set(xscale="log", xlabel="lambda_b", ylabel="nc.2 (orthogonal frame)", ylim=(0, None))
        marks, names = ax.get_legend_handles_labels()
        _below(figure, marks, names, 2)

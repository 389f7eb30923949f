"""The pictures of a study: curves by depth and over training with the spread over seeds, and heatmaps of the mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes

from deepnrc import figures
from deepnrc.figures.canvas import picture
from deepnrc.page.pictures import inline
from deepnrc.report import Report
from experiments.results import Results
from probes import CATALOG

KNOWN = {probe.name: probe for probe in CATALOG if probe.variant == "default"}


@dataclass(frozen=True)
class Drawn:
    """A picture in the study's folder and on its page."""

    caption: str
    file: Path
    svg: Markup


def draw_all(results: Results, folder: Path) -> Iterator[Drawn]:
    """Draw what the study's measures call for."""
    layered = [m for m in results.study.measures if (results.last(m)["depth"] >= 0).any() and _layers(results, m) > 1]
    top = [m for m in results.study.measures if m not in layered and not results.last(m).empty]
    if layered:
        yield _drawn(
            folder, "overview", "By depth after training: mean and range over seeds", by_depth, results, layered
        )
    if top:
        yield _drawn(
            folder, "training", "The last layer over training: mean and range over seeds", over_training, results, top
        )
    trained = _tracked(results.overall(results.study.seeds[0]))
    mean = results.overall()
    for measure in layered[:4]:
        title = KNOWN[measure].title if measure in KNOWN else measure
        name = measure.replace(".", "-")
        yield _drawn(
            folder, f"{name}-sweep", f"{title}: layers by setting, mean over seeds",
            lambda path, m=measure: figures.heatmap(mean, m, across="run", path=path),
        )  # fmt: skip
        if trained.runs and measure in layered[:2]:
            yield _drawn(
                folder, f"{name}-training", f"{title}: layers by epoch, first seed",
                lambda path, m=measure: figures.heatmap(trained, m, across="step", path=path),
            )  # fmt: skip


def by_depth(results: Results, measures: list[str], path: Path) -> None:
    """One panel a measure, one line a setting, the range over seeds as a band."""
    with picture(path) as figure:
        axes = _grid(figure, len(measures))
        for ax, measure in zip(axes, measures, strict=False):
            rows = results.last(measure).astype({"depth": int})
            _lines(ax, rows, "depth", measure, legend=ax is axes[0])
            _reference(ax, results, measure)
            ax.set(xlabel="depth (0: first layer)")


def over_training(results: Results, measures: list[str], path: Path) -> None:
    """One panel a measure over the epochs, both on log axes where they span decades."""
    with picture(path) as figure:
        axes = _grid(figure, len(measures))
        for ax, measure in zip(axes, measures, strict=False):
            rows = results.table[(results.table["measure"] == measure) & (results.table["variant"] == "default")]
            _lines(ax, rows.assign(step=rows["step"] + 1), "step", measure, legend=ax is axes[0])
            ax.set(xscale="log", xlabel="epoch + 1")


def _lines(ax: Axes, rows: Any, x: str, measure: str, legend: bool) -> None:
    order = list(dict.fromkeys(rows["setting"]))
    sns.lineplot(
        rows, x=x, y="value", hue="setting", style="setting", hue_order=order, style_order=order, markers=x == "depth",
        dashes=True, palette=_palette(len(order)), errorbar=("pi", 100), ax=ax, legend=legend,
    )  # fmt: skip
    probe = KNOWN.get(measure)
    if probe is not None and probe.log and (rows["value"] > 0).any():
        ax.set_yscale("log")
    ax.set(title=probe.title if probe else measure, ylabel="")
    if legend:
        sns.move_legend(ax, "upper left", bbox_to_anchor=(0, -0.25), title=None, ncols=2, frameon=False)
    sns.despine(ax=ax)


def _reference(ax: Axes, results: Results, measure: str) -> None:
    if measure == "deep.feature_stable_rank":
        target = float(np.nanmean(results.last("deep.target_stable_rank")["value"]))
        ax.axhline(target, color="0.35", linestyle=":", linewidth=1)
        ax.annotate("targets", (1, target), xycoords=("axes fraction", "data"), fontsize=6, color="0.35")


def _palette(count: int) -> list[Any]:
    return list(sns.color_palette("colorblind", count)) if count <= 8 else list(sns.color_palette("viridis", count))


def _grid(figure: Any, count: int) -> list[Axes]:
    columns = min(3, count)
    rows = -(-count // columns)
    figure.set_size_inches(2.6 * columns, 2.2 * rows + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for ax in axes[count:]:
        ax.remove()
    return axes[:count]


def _layers(results: Results, measure: str) -> int:
    return int(results.last(measure)["depth"].nunique())


def _tracked(report: Report) -> Report:
    """The runs that were probed more than once."""
    several = report.table.groupby("run")["step"].transform("nunique") > 1
    return Report(report.table[several])


def _drawn(folder: Path, name: str, caption: str, draw: Callable[..., Any], *args: Any) -> Drawn:
    for suffix in ("png", "pdf", "svg"):
        draw(*args, path=folder / f"{name}.{suffix}")
    svg = (folder / f"{name}.svg").read_text(encoding="utf-8")
    return Drawn(caption, folder / f"{name}.png", inline(svg, name, caption))

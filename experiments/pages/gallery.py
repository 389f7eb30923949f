"""The pictures of a study: curves by depth, over training and over the sweep with the spread over seeds, heatmaps of
the mean, and spectra."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes

from deepnrc import figures
from deepnrc.figures import picture
from deepnrc.page import inline
from deepnrc.report import Report
from deepnrc.table import join
from experiments.pages.overlay import overlay
from experiments.runner import Group, Results, heading
from experiments.theory import Fit
from probes import CATALOG

KNOWN = {probe.name: probe for probe in CATALOG if probe.variant == "default"}
COLUMNS = 3  # of panels
HEATMAPS = 4  # of the layered measures; and two of them over training


@dataclass(frozen=True)
class Drawn:
    """A picture in the study's folder and on its page."""

    caption: str
    file: Path
    svg: Markup


def draw_all(results: Results, folder: Path, fitted: Mapping[str, Fit] | None = None) -> Iterator[Drawn]:
    """Draw what the study's measures call for, and the last layers beside the theory where it was fitted to them."""
    layered = [m for m in results.study.measures if (results.last(m)["depth"] >= 0).any() and _layers(results, m) > 1]
    top = [m for m in results.study.measures if m not in layered and not results.last(m).empty]
    groups = results.groups()
    for group in groups:
        if group.of(results.trained).empty:  # every run diverged, which the page's warnings say
            continue
        suffix, told = (f"-{group.slug}", f" ({group.name})") if len(groups) > 1 else ("", "")
        if layered:
            yield drawn(
                folder, f"overview{suffix}", f"By depth after training{told}: mean and range over seeds",
                by_depth, results, layered, group,
            )  # fmt: skip
        if top:
            yield drawn(
                folder, f"training{suffix}", f"The last layer over training{told}: mean and range over seeds",
                over_training, results, top, group,
            )  # fmt: skip
    if len(results.sweep_values()) > 2:
        yield drawn(
            folder, "sweep", f"The last layer by {heading(results.study.sweep)}: mean and range over seeds",
            over_sweep, results, [*layered, *top],
        )  # fmt: skip
    yield from _heatmaps(results, folder, layered)
    if layered:
        yield from _spectra(results, folder)
    if fitted:
        yield drawn(
            folder, "theory", "Last layers (marks, first seed) beside the unconstrained-feature model (lines)",
            lambda path: overlay(fitted, path),
        )  # fmt: skip


def _heatmaps(results: Results, folder: Path, layered: Sequence[str]) -> Iterator[Drawn]:
    trained = _tracked(results.overall(results.study.seeds[0]))
    mean = results.overall()
    for measure in layered[:HEATMAPS]:
        title = KNOWN[measure].title if measure in KNOWN else measure
        name = measure.replace(".", "-")
        yield drawn(
            folder, f"{name}-sweep", f"{title}: layers by setting, mean over seeds",
            lambda path, m=measure: figures.heatmap(mean, m, across="run", path=path),
        )  # fmt: skip
        if trained.runs and measure in layered[:2]:
            yield drawn(
                folder, f"{name}-training", f"{title}: layers by epoch, first seed",
                lambda path, m=measure: figures.heatmap(trained, m, across="step", path=path),
            )  # fmt: skip


def _spectra(results: Results, folder: Path) -> Iterator[Drawn]:
    """Features by layer after training, first seed: what is swept at its least and at its most, in each group."""
    groups = results.groups()
    for group in groups:
        swept = [name for name in results.swept if name in group.labels]
        ends = dict.fromkeys([*swept[:1], *swept[-1:]])
        found = [
            report.renamed(group.labels[record["label"]])
            for report, record in zip(results.reports, results.records, strict=True)
            if record["label"] in ends and record["seed"] == results.study.seeds[0] and not record["diverged"]
        ]
        if found and not (both := join(found)).spectra.empty:
            suffix, told = (f"-{group.slug}", f" ({group.name})") if len(groups) > 1 else ("", "")
            yield drawn(
                folder, f"spectrum{suffix}", f"Eigenvalues of the features by layer after training{told}, first seed",
                lambda path, report=both: figures.spectrum(report, path=path),
            )  # fmt: skip


def by_depth(results: Results, measures: Sequence[str], group: Group, path: Path) -> None:
    """One panel a measure, one line a setting, the range over seeds as a band."""
    with picture(path) as figure:
        axes = _grid(figure, len(measures))
        for ax, measure in zip(axes, measures, strict=False):
            rows = group.of(results.last(measure)).astype({"depth": int})
            _lines(ax, rows, "depth", measure, group, legend=ax is axes[0])
            _reference(ax, results, measure)
            ax.set(xlabel="depth (0: first layer)")
        names = _names(group.of(results.last(measures[0])))
        for i, ax in enumerate(axes if names else ()):
            lowest = i + min(COLUMNS, len(axes)) >= len(axes)
            ax.set_xticks(list(names), names.values() if lowest else [""] * len(names), rotation=90, fontsize=5)
            ax.set(xlabel="")


def over_training(results: Results, measures: Sequence[str], group: Group, path: Path) -> None:
    """One panel a measure over the epochs, both on log axes where they span decades."""
    with picture(path) as figure:
        axes = _grid(figure, len(measures))
        for ax, measure in zip(axes, measures, strict=False):
            rows = results.trained
            rows = group.of(rows[(rows["measure"] == measure) & (rows["variant"] == "default")])
            _lines(ax, rows.assign(step=rows["step"] + 1), "step", measure, group, legend=ax is axes[0])
            ax.set(xscale="log", xlabel="epoch + 1")


def over_sweep(results: Results, measures: Sequence[str], path: Path) -> None:
    """One panel a measure: the last layer after training against what is swept, one line a group."""
    order = results.sweep_values()
    with picture(path) as figure:
        axes = _grid(figure, len(measures))
        for ax, measure in zip(axes, measures, strict=False):
            rows = results.last_layer(measure)
            rows = rows.assign(at=[order.index(value) for value in rows[results.study.sweep]])
            named = results.grouped(rows)
            several = named["group"].nunique() > 1
            sns.lineplot(
                named, x="at", y="value", hue="group", style="group", markers=True, errorbar=("pi", 100),
                palette=_palette(named["group"].nunique()), ax=ax, legend=several and ax is axes[0],
            )  # fmt: skip
            if measure == "deep.feature_stable_rank":
                targets = results.last("deep.target_stable_rank")
                line = targets.groupby(results.study.sweep)["value"].mean().reindex(order)
                ax.plot(range(len(order)), line, color="0.35", linestyle=":", linewidth=1)
                ax.annotate("targets", (len(order) - 1, line.iloc[-1]), fontsize=6, color="0.35", ha="right", va="top")
            _dress(ax, measure, rows, several and ax is axes[0])
            ax.set(xlabel=heading(results.study.sweep), xticks=range(len(order)), xticklabels=[f"{v:g}" for v in order])


def _lines(ax: Axes, rows: Any, x: str, measure: str, group: Group, legend: bool) -> None:
    order = [name for name in group.labels if name in set(rows["setting"])]
    rows = rows.replace({"setting": group.labels})
    order = [group.labels[name] for name in order]
    sns.lineplot(
        rows, x=x, y="value", hue="setting", style="setting", hue_order=order, style_order=order, markers=x == "depth",
        dashes=True, palette=_palette(len(order)), errorbar=("pi", 100), ax=ax, legend=legend,
    )  # fmt: skip
    _dress(ax, measure, rows, legend)


def _dress(ax: Axes, measure: str, rows: Any, legend: bool) -> None:
    probe = KNOWN.get(measure)
    if probe is not None and probe.log and (rows["value"] > 0).any():
        ax.set_yscale("log")
    elif probe is not None and np.isfinite(probe.bounds).all() and rows["value"].max() - rows["value"].min() < 1e-6:
        ax.set_ylim(probe.bounds[0] - 0.05, probe.bounds[1] + 0.05)  # else rounding would fill the panel
    ax.set(title=probe.title if probe else measure, ylabel="")
    if legend:
        handles, labels = ax.get_legend_handles_labels()
        ax.legend_ = None  # one legend for all panels, above them
        ax.figure.legend(handles, labels, loc="outside upper center", ncols=min(4, len(labels)), frameon=False)
    sns.despine(ax=ax)


def _names(rows: Any) -> dict[int, str]:
    """Layers by depth, for networks with convolutions, whose names tell more than a number; empty for others and where
    settings differ in them."""
    layers = rows.drop_duplicates(["depth", "layer"]).sort_values("depth")
    if not rows["kind"].str.startswith("Conv").any() or layers["depth"].duplicated().any():
        return {}
    return dict(zip(layers["depth"].astype(int), layers["layer"], strict=True))


def _reference(ax: Axes, results: Results, measure: str) -> None:
    if measure == "deep.feature_stable_rank":
        targets = results.last("deep.target_stable_rank").groupby("setting")["value"].mean()
        for target in np.unique(targets.round(3)):
            ax.axhline(target, color="0.35", linestyle=":", linewidth=1)
        ax.annotate("targets", (1, targets.max()), xycoords=("axes fraction", "data"), fontsize=6, color="0.35")


def _palette(count: int) -> list[Any]:
    return list(sns.color_palette("colorblind", count)) if count <= 8 else list(sns.color_palette("viridis", count))


def _grid(figure: Any, count: int) -> list[Axes]:
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    figure.set_size_inches(2.6 * columns, 2.2 * rows + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for ax in axes[count:]:
        ax.remove()
    return axes[:count]


def _layers(results: Results, measure: str) -> int:
    return int(results.last(measure)["depth"].nunique())  # nc.3 is defined at the last alone


def _tracked(report: Report) -> Report:
    """The runs that were probed more than once."""
    several = report.table.groupby("run")["step"].transform("nunique") > 1
    return Report(report.table[several])


def drawn(folder: Path, name: str, caption: str, draw: Callable[..., Any], *args: Any) -> Drawn:
    """Draw into the folder, in every format, and take the picture up for the page.

    Args:
        draw: called with ``args`` and ``path``, whose ending ".*" stands for every format.
    """
    draw(*args, path=folder / f"{name}.*")
    svg = (folder / f"{name}.svg").read_text(encoding="utf-8")
    return Drawn(caption, folder / f"{name}.png", inline(svg, name, caption))

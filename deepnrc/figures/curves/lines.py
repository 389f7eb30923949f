"""`lines`: a measure by depth, over steps or over what was swept, with what it is to be held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from deepnrc.figures.canvas import picture
from deepnrc.figures.curves.axis import by_depth, by_place, by_step, values
from deepnrc.figures.curves.curves import Along, Comparison, Curve, curves, over
from deepnrc.figures.curves.heights import banded, lower_edge, shown
from deepnrc.figures.curves.held import draw_levels
from deepnrc.figures.curves.overlay import beside_entries, check_axis, draw_published
from deepnrc.figures.layout import side_legend
from deepnrc.figures.referencelines import marks
from deepnrc.table import TAU, PublishedCurve, Table, check_tau, described, in_full, published_curve
from probes import HELD, Probe

HELD_LOOK: dict[str, Any] = {"linestyle": "--"}


def lines(
    report: Table,
    measure: str,
    *,
    variant: str = "default",
    hue: str | None = None,
    along: Along = None,
    groups: Mapping[str, str] | None = None,
    band: str = "range",
    xlabel: str | None = None,
    tau: float = TAU,
    published: tuple[str, str] | None = None,
    path: str | Path | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a measure by depth, one line a step or run; what has one value a step is drawn over the steps.

    Dashed and dotted lines are what the values are to be held against: tau, the target's stable rank, chance, the
    network's own error at the last step, the numerical floor. Open markers are at or below that floor. Bands are the
    95 % intervals, where the report has them; dashed with markers is what was read on held-out samples.

    Args:
        measure, variant: what to draw.
        hue: "step" (at most six, log-spaced, of one run) or "run" (each run's last step); None for runs if there are
            several, else steps.
        along: what lies below: "depth"; "step", for the last layer over the steps; or by run the value of what was
            swept, for the last layer at the last step over those. None for depth, or steps for one value a step.
        groups: by run the label of its group, such as the setting that seeds share: a line is the mean of a group's
            runs, in a band. Runs that it leaves out are not drawn.
        band: of a group, "range" (from its least value to its largest) or "sd" (standard deviation on either side).
        xlabel: what the horizontal axis is called.
        tau: noise fraction up to which a layer is low in noise, in (0, 1).
        published: study and series of a paper's curve that is drawn over the lines, such as ("swimmer", "wd 5e-3"),
            with the median and the largest relative difference of each line; ``Table.beside_published`` has them layer
            by layer, and `deepnrc published` lists the curves.
        path: save there as .png, .pdf or .svg.
        ax: draw there instead of in a new figure.
    Returns: the Axes.
    Errors: UsageError for a measure, variant, hue, axis, group, band, tau or file name that will not do, and for a
        published curve of another number of layers or another k.
    """
    check_tau(tau)
    measure = in_full(measure, report.measures)
    choice = Comparison(hue, along, groups, band).checked(report)
    drawn = curves(report, measure, variant, choice)
    probe = described(measure, variant, report.provenance)
    curve = None if published is None else published_curve(measure, published, variant)
    if curve is not None:
        check_axis(curve, over(drawn, choice.along))
    told = entries(drawn, report, probe) if curve is None else beside_entries(drawn, curve)
    with picture(path, ax) as figure:
        if figure is not None:
            figure.set_size_inches(5.2 if curve is None else 6.4, 3.0)
        panel = figure.subplots() if figure is not None else ax
        assert panel is not None
        draw(panel, report, probe, drawn, choice, tau, published=curve)
        if curve is not None:
            draw_published(panel, curve, drawn, probe)
        if xlabel is not None:
            panel.set_xlabel(xlabel)
        panel.set_title(probe.title, parse_math=False)
        panel.set_ylabel(probe.title, parse_math=False)
        title = choice.hue if len(drawn) > 1 and groups is None and choice.swept is None else None
        side_legend(panel, told, title, figure)
    return panel


def draw(
    ax: Axes,
    report: Table,
    probe: Probe,
    drawn: Sequence[Curve],
    choice: Comparison,
    tau: float = TAU,
    *,
    tilted: bool = True,
    published: PublishedCurve | None = None,
) -> None:
    """Draw the lines, the axis below them, and the levels that they are to be held against.

    Args:
        published: the curve that will be drawn over them.
    """
    along = over(drawn, choice.along)
    if probe.log:
        ax.set_yscale("log")
    crowded = max(len(curve.rows) for curve in drawn) > 25
    look: dict[str, Any] = {"linewidth": 1.3, "markersize": 1.6 if crowded else 3.6, "markeredgewidth": 0.8}
    held = _held(report, probe, choice)
    swept = choice.swept is not None
    held_by = report if swept else choice.shown(report)
    beside = [mark.low for mark in marks(held_by.table, probe, tau)]
    beside += [] if published is None else published.values.values()
    edge = lower_edge([*drawn, *held], probe.log, beside)
    for curve in drawn:
        _line(ax, curve, along, look, edge, log=probe.log)
    for curve in held:
        _line(ax, curve, along, {**look, **HELD_LOOK}, edge, log=probe.log)
    rows = pd.concat([curve.rows for curve in drawn])
    if along == "step":
        by_step(ax, sorted(set(rows["step"])))
    elif along == "depth":
        by_depth(ax, rows, tilted=tilted)
    else:
        by_place(ax, choice.values)
    if not any(np.isfinite(line.get_ydata()).any() for line in ax.lines):
        ax.text(0.5, 0.5, "no value to draw", transform=ax.transAxes, ha="center", va="center")
    draw_levels(
        ax, held_by, probe, [(curve.colour, curve.rows) for curve in drawn], along, tau,
        choice.places if swept else None, edge,
    )  # fmt: skip
    values(ax, probe)
    sns.despine(ax=ax)


def _held(report: Table, probe: Probe, choice: Comparison) -> list[Curve]:
    """The same lines on held-out samples; none where there are no such values."""
    rows = report.table
    there = ((rows["measure"] == probe.name) & (rows["variant"] == probe.held_variant)).any()
    return curves(report, probe.name, probe.held_variant, choice) if there else []


def _line(ax: Axes, curve: Curve, along: str, look: Mapping[str, Any], edge: float | None, *, log: bool) -> None:
    """A line with its band, if it has one, and open markers where values are no more than rounding."""
    height, below = shown(curve.rows, log, edge)
    x = curve.rows[along].to_numpy()
    ends = banded(curve.rows, log, edge)
    if ends is not None:
        ax.fill_between(x, *ends, color=curve.colour, alpha=0.2, linewidth=0)
    ax.plot(x, height, color=curve.colour, marker=curve.marker, **look)
    if below.any():
        hollow = {**look, "linestyle": "none", "markerfacecolor": "white"}
        ax.plot(x[below], height[below], color=curve.colour, marker=curve.marker, **hollow)


def line_entries(drawn: Sequence[Curve]) -> list[tuple[Artist, str]]:
    """Legend entries of the lines."""
    handles = [Line2D([], [], color=c.colour, marker=c.marker, markersize=3.6, linewidth=1.3) for c in drawn]
    return [*zip(handles, [curve.words for curve in drawn], strict=True)]


def entries(drawn: Sequence[Curve], report: Table, probe: Probe) -> list[tuple[Artist, str]]:
    """Legend entries of the lines, none if there is only one, and of those on held-out samples."""
    lines = line_entries(drawn) if len(drawn) > 1 else []
    held = (report.table["measure"] == probe.name) & (report.table["variant"] == probe.held_variant)
    return [*lines, (Line2D([], [], color="0.35", linewidth=1.3, **HELD_LOOK), HELD)] if held.any() else lines

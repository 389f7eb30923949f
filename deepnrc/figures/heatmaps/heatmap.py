"""`heatmap`: layers down the side, and steps, runs or measures across."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from deepnrc.errors import UsageError
from deepnrc.figures.canvas import picture
from deepnrc.figures.heatmaps import bars, cells, names
from deepnrc.figures.heatmaps.grids import by_layer, grid, measures_grid
from deepnrc.figures.layout import headed, legend, panels
from deepnrc.figures.referencelines import marks
from deepnrc.figures.scales import scale
from deepnrc.figures.words import labels
from deepnrc.table import TAU, Table, check_tau, described, in_full, main_ones
from deepnrc.wording import Argument, Given, listing
from probes import HEATMAP

ACROSS = ("step", "run", "measure")


def heatmap(
    report: Table,
    measure: str | Sequence[str] | None = None,
    *,
    variant: str = "default",
    across: str | None = None,
    step: int | None = None,
    groups: Mapping[str, str] | None = None,
    tau: float = TAU,
    path: str | Path | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw layers down the side, the first always at the top, and steps, runs or measures across.

    Several runs across steps or measures are panels that share one colour scale. The dark end is the one that collapsed
    layers reach wherever a measure has a direction; grey cells have no value that says anything, or are of a layer too
    narrow, d < 2k, for a measure of k directions. On the noise fraction the white line is collapse onset, the dashed
    one that of low noise.

    Args:
        measure: name, or several names; None for the noise fraction, or, across measures, for the main ones.
        variant: which form of the measure; "ratio" is the form of the linear MSE that can be compared between runs.
        across: "step", "run" (each run's last step) or "measure" (of the last step); None for measures if several are
            named, else steps if there are several, else runs if there are several, else measures.
        step: take this step only.
        groups: by run the label of its group, such as the setting that seeds share: a group is drawn as one run, whose
            values are the means over its own.
        tau: noise fraction up to which a layer is low in noise, in (0, 1).
        path: save there as .png, .pdf or .svg.
        ax: draw there instead of in a new figure.
    Returns: the (first) Axes.
    Errors: UsageError for a measure, variant, step, tau or file name that will not do.
    """
    check_tau(tau)
    report = report if groups is None else report.means(groups)
    chosen = [measure] if isinstance(measure, str) else list(measure or featured(report))
    chosen = [in_full(name, report.measures) for name in chosen]
    across = _across(
        report, across, step, one=isinstance(measure, str), several=measure is not None and len(chosen) > 1
    )
    if across != "step" or step is not None:
        report = report.at(step)
    if across == "measure":
        return _across_measures(report, chosen, variant, tau, path, ax)
    return _across_snapshots(report, chosen[0], variant, across, tau, path, ax)


def featured(report: Table) -> list[str]:
    """The main measures that a report holds, or, if it holds none of them, all that have a value a layer.

    Errors: UsageError if none has.
    """
    main = [probe.name for probe in main_ones(report.table, report.provenance, HEATMAP)]
    found = main or list(dict.fromkeys(report.table.loc[report.table["depth"] >= 0, "measure"]))
    if not found:
        raise UsageError(f"No measure of this report has a value a layer. It has: {listing(report.measures)}.")
    return found


def _across(report: Table, across: str | None, step: int | None, *, one: bool, several: bool) -> str:
    if across is not None and across not in ACROSS:
        raise UsageError(Argument("across", across), f" must be one of {listing(ACROSS)}, or None; it is {across!r}.")
    if several and across in ("step", "run"):
        raise UsageError(f"Across {across}s, a heatmap shows one measure; here are several. Name one.")
    if across is not None:
        return across
    if several:
        return "measure"
    if step is None and len(report.steps) > 1:
        return "step"
    if len(report.runs) > 1:
        return "run"
    return "step" if one else "measure"


def _across_snapshots(
    report: Table, measure: str, variant: str, across: str, tau: float, path: str | Path | None, ax: Axes | None
) -> Axes:
    probe = described(measure, variant, report.provenance)
    rows = by_layer(report, measure, variant)
    runs = list(dict.fromkeys(rows["run"]))
    parts = [report] if across == "run" else [report.where(run=run) for run in runs]
    grids = [grid(part, measure, variant, across, probe.log, tau) for part in parts]
    held = marks(report.table, probe, tau)
    colours = scale(probe, np.concatenate([drawn.usable() for drawn in grids]), held)
    with picture(path, ax) as figure:
        axes, cell = panels(figure, ax, grids, labels(runs) if len(parts) > 1 else [""])
        words = cells.printed(grids, [probe.log], cell)
        for i, panel in enumerate(axes):
            cells.paint(panel, grids[i], [colours], words[i], joined=across == "step")
            names.name_rows(panel, grids[i], cell[1])
            names.name_columns(panel, grids[i], cell[0])
            panel.set_xlabel(across)
        bars.bar(axes, probe, colours, held)
        headed(axes, probe.title, figure)
        legend(axes, cells.explained(grids, tau, words=words[0] is not None), figure)
    return axes[0]


def _across_measures(
    report: Table, chosen: Sequence[str], variant: str, tau: float, path: str | Path | None, ax: Axes | None
) -> Axes:
    if variant != "default" and len(chosen) > 1:
        raise UsageError(Given("variant", variant), f" goes with one measure; here are {len(chosen)}. Name one.")
    keys = [(measure, variant) for measure in chosen]
    for key in keys:
        by_layer(report, *key)
    runs = [run for run in report.runs if any((report.table["run"] == run) & (report.table["depth"] >= 0))]
    known = [described(*key, report.provenance) for key in keys]
    grids = [measures_grid(report.where(run=run), keys, [probe.log for probe in known]) for run in runs]
    held = [marks(report.table, probe, tau) for probe in known]
    colours = [
        scale(probe, np.concatenate([drawn.usable(i) for drawn in grids]), held[i]) for i, probe in enumerate(known)
    ]
    moment = f"step {report.steps[0]}" if len(report.steps) == 1 else "each run's last step"
    with picture(path, ax) as figure:
        axes, cell = panels(figure, ax, grids, labels(runs) if len(grids) > 1 else [""], 0.72, a_line=1)
        words = cells.printed(grids, [probe.log for probe in known], cell)
        for i, panel in enumerate(axes):
            cells.paint(panel, grids[i], colours, words[i])
            names.name_rows(panel, grids[i], cell[1])
            names.head_columns(panel, known, held, cell[0], last=panel is axes[-1])
        bars.direction_bar(axes, not all(s.directed for s in colours))
        headed(axes, f"Layers by measures, {moment}", figure)
        legend(axes, cells.explained(grids, tau, words=words[0] is not None), figure)
    return axes[0]

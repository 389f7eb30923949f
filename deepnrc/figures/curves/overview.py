"""`overview`: several measures in one figure, by depth, over steps or over what was swept."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase

from matplotlib.axes import Axes

from deepnrc.errors import UsageError
from deepnrc.figures.canvas import picture
from deepnrc.figures.curves.curves import Along, Comparison, curves
from deepnrc.figures.curves.lines import draw, entries
from deepnrc.figures.layout import Entry, legend
from deepnrc.table import TAU, Table, check_tau, described, main_ones
from deepnrc.wording import listing
from probes import CATALOG, OVERVIEW

ACROSS = 3  # panels side by side
TITLE = 30  # letters above a panel


def overview(
    report: Table,
    measures: Sequence[str] | None = None,
    *,
    hue: str | None = None,
    along: Along = None,
    groups: Mapping[str, str] | None = None,
    band: str = "range",
    xlabel: str | None = None,
    named: bool = False,
    tau: float = TAU,
    path: str | Path | None = None,
) -> Axes:
    """Draw the main measures by depth, three panels a row: noise, stable ranks, alignments, linear predictability.

    Args:
        measures: draw these instead.
        hue, along, groups, band, xlabel, tau: as for ``lines``.
        named: write the layers' names below the lowest panels, upwards if need be, instead of their depths.
        path: save there as .png, .pdf or .svg.
    Returns: the first Axes; ``.figure.axes`` holds all.
    Errors: UsageError if the report holds none of the main measures, and as for ``lines``.
    """
    check_tau(tau)
    choice = Comparison(hue, along, groups, band).checked(report)
    probes = (
        main_ones(report.table, report.provenance, OVERVIEW)
        if measures is None
        else [described(name, provenance=report.provenance) for name in measures]
    )
    if not probes:
        ours = [probe.name for probe in CATALOG if probe.main and OVERVIEW in probe.shown]
        raise UsageError(f"An overview needs one of {listing(ours)}, and the report has {listing(report.measures)}.")
    drawn = [curves(report, probe.name, "default", choice) for probe in probes]
    across = min(ACROSS, len(probes))
    rows = math.ceil(len(probes) / across)
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(2.5 * across, 2.0 * rows + 0.4)
        axes: list[Axes] = figure.subplots(rows, across, squeeze=False).ravel().tolist()
        for spare in axes[len(probes) :]:
            spare.remove()
        axes = axes[: len(probes)]
        shown: dict[str, Entry] = {}
        for i, (ax, probe) in enumerate(zip(axes, probes, strict=True)):
            lowest = i + across >= len(probes)
            draw(ax, report, probe, drawn[i], choice, tau, tilted=named and lowest)
            if xlabel is not None:
                ax.set_xlabel(xlabel if lowest else "")
            shown |= {entry[1]: entry for entry in entries(drawn[i], report, probe)}
            ax.set_title(textwrap.fill(probe.title, TITLE), loc="left", pad=5, parse_math=False)
            letter = ascii_lowercase[i % len(ascii_lowercase)]
            ax.annotate(letter, (0, 1), (-18, 5), "axes fraction", "offset points", weight="bold", va="bottom")
        several = any(len(curves) > 1 for curves in drawn)
        told = choice.hue if several and groups is None and choice.swept is None else None
        legend(axes, list(shown.values()), figure, told, flat=True)
    return axes[0]

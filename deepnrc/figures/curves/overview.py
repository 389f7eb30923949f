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
from deepnrc.figures.curves.curves import Along, Comparison, curves, over
from deepnrc.figures.curves.lines import draw, entries, line_entries
from deepnrc.figures.curves.overlay import check_axis, distance, draw_published, published_entry
from deepnrc.figures.layout import Entry, legend
from deepnrc.table import TAU, PublishedCurve, Table, check_tau, described, main_ones, published_curve, published_curves
from deepnrc.wording import listing
from probes import CATALOG, OVERVIEW, Probe

ACROSS = 3  # panels side by side
TITLE = 30  # letters above a panel


def overview(
    report: Table,
    measures: Sequence[str | tuple[str, str]] | None = None,
    *,
    hue: str | None = None,
    along: Along = None,
    groups: Mapping[str, str] | None = None,
    band: str = "range",
    xlabel: str | None = None,
    named: bool = False,
    tau: float = TAU,
    published: tuple[str, str] | None = None,
    path: str | Path | None = None,
) -> Axes:
    """Draw the main measures by depth, three panels a row: noise, stable ranks, alignments, linear predictability.

    Args:
        measures: draw these instead, each a name or a pair of name and variant.
        hue, along, groups, band, xlabel, tau: as for ``lines``.
        named: write the layers' names below the lowest panels, upwards if need be, instead of their depths.
        published: study and series of a paper, whose curves are drawn over the panels of measures that it has one of;
            with a single line, its median and largest relative difference stand above the panel.
        path: save there as .png, .pdf or .svg.
    Returns: the first Axes; ``.figure.axes`` holds all.
    Errors: UsageError if the report holds none of the main measures, and as for ``lines``.
    """
    check_tau(tau)
    choice = Comparison(hue, along, groups, band).checked(report)
    probes = (
        main_ones(report.table, report.provenance, OVERVIEW)
        if measures is None
        else [described(*_named(asked), provenance=report.provenance) for asked in measures]
    )
    if not probes:
        ours = [probe.name for probe in CATALOG if probe.main and OVERVIEW in probe.shown]
        raise UsageError(f"An overview needs one of {listing(ours)}, and the report has {listing(report.measures)}.")
    drawn = [curves(report, probe.name, probe.variant, choice) for probe in probes]
    over_panels = [_published(probe, published) for probe in probes]
    for curve, mine in zip(over_panels, drawn, strict=True):
        if curve is not None:
            check_axis(curve, over(mine, choice.along))
    if published is not None and not any(over_panels):
        published_curve(probes[0].name, published, probes[0].variant)  # which says what there is
    across = min(ACROSS, len(probes))
    rows = math.ceil(len(probes) / across)
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(2.5 * across, (2.0 if published is None else 2.3) * rows + 0.4)
        axes: list[Axes] = figure.subplots(rows, across, squeeze=False).ravel().tolist()
        for spare in axes[len(probes) :]:
            spare.remove()
        axes = axes[: len(probes)]
        shown: dict[str, Entry] = {}
        for i, (ax, probe) in enumerate(zip(axes, probes, strict=True)):
            lowest = i + across >= len(probes)
            draw(ax, report, probe, drawn[i], choice, tau, tilted=named and lowest, published=over_panels[i])
            if xlabel is not None:
                ax.set_xlabel(xlabel if lowest else "")
            shown |= {entry[1]: entry for entry in entries(drawn[i], report, probe)}
            title, curve = textwrap.fill(probe.title, TITLE), over_panels[i]
            if curve is not None:
                draw_published(ax, curve, drawn[i], probe)
                entry = published_entry(curve)
                if len(drawn[i]) == 1:
                    run = str(drawn[i][0].rows["run"].iloc[0])
                    shown |= {run: (line_entries(drawn[i])[0][0], run)}
                    title = f"{title}\n{distance(drawn[i][0], curve)}"
                shown |= {entry[1]: entry}
            ax.set_title(title, loc="left", pad=5, parse_math=False)
            letter = ascii_lowercase[i % len(ascii_lowercase)]
            ax.annotate(letter, (0, 1), (-18, 5), "axes fraction", "offset points", weight="bold", va="bottom")
        several = any(len(curves) > 1 for curves in drawn)
        told = choice.hue if several and groups is None and choice.swept is None else None
        legend(axes, list(shown.values()), figure, told, flat=True)
    return axes[0]


def _named(asked: str | tuple[str, str]) -> tuple[str, str]:
    return (asked, "default") if isinstance(asked, str) else asked


def _published(probe: Probe, published: tuple[str, str] | None) -> PublishedCurve | None:
    """The curve of a panel's measure; None where the series has none."""
    wanted = (*published, probe.name, probe.variant) if published is not None else None
    return next((c for c in published_curves() if (c.study, c.series, c.measure, c.variant) == wanted), None)

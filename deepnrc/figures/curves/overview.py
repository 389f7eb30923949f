"""`overview`: six measures by depth in one figure."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.axes import Axes

from deepnrc.descriptions import described
from deepnrc.errors import UsageError
from deepnrc.figures.canvas import picture
from deepnrc.figures.curves.chosen import curves, hue_of
from deepnrc.figures.curves.lines import draw, entries
from deepnrc.figures.layout import Entry, legend
from deepnrc.table import TAU, Table, check_tau
from deepnrc.wording import listing

SHOWN = (
    "deep.noise_fraction",
    "deep.feature_stable_rank",
    "deep.weight_stable_rank",
    "deep.feature_weight_alignment",
    "deep.cka",
    "deep.linear_mse",
)


def overview(report: Table, *, hue: str | None = None, tau: float = TAU, path: str | Path | None = None) -> Axes:
    """Draw noise, both stable ranks, both alignments and linear predictability by depth, two rows of three.

    Args:
        hue, tau: as for ``lines``.
        path: save there as .png, .pdf or .svg.
    Returns: the first Axes; ``.figure.axes`` holds all.
    Errors: UsageError if the report holds none of them, or for a hue, tau or file name that will not do.
    """
    check_tau(tau)
    names = [name for name in SHOWN if name in report.measures]
    if not names:
        raise UsageError(f"An overview needs one of {listing(SHOWN)}, and the report has {listing(report.measures)}.")
    hue = hue_of(report, hue)
    across = min(3, len(names))
    lines = math.ceil(len(names) / across)
    with picture(path) as figure:
        assert figure is not None
        figure.set_size_inches(2.5 * across, 2.0 * lines + 0.4)
        axes: list[Axes] = figure.subplots(lines, across, squeeze=False).ravel().tolist()
        for spare in axes[len(names) :]:
            spare.remove()
        shown: dict[str, Entry] = {}
        for letter, ax, name in zip("abcdef", axes, names, strict=False):
            probe = described(name, provenance=report.provenance)
            drawn = curves(report, name, "default", hue)
            draw(ax, report, probe, drawn, tau, tilted=False)
            shown |= {entry[1]: entry for entry in entries(drawn)}
            ax.set_title(probe.title, loc="left", pad=5)
            ax.annotate(letter, (0, 1), (-18, 5), "axes fraction", "offset points", weight="bold", va="bottom")
        legend(axes, list(shown.values()), figure, hue, flat=True)
    return axes[0]

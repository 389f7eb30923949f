"""`spectrum`: the eigenvalues or singular values of every layer, by their index or by depth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from deepnrc.errors import UsageError
from deepnrc.figures.canvas import picture
from deepnrc.figures.layout import Entry, headed, legend
from deepnrc.figures.spectra.panels import depth_colours, layer_bar, panels
from deepnrc.figures.spectra.tails import along_depth, along_index
from deepnrc.figures.words import log_ticks
from deepnrc.table import COSINES, CROSS, FEATURES, RESIDUALS, SPECTRA_NAMES, TARGETS, WEIGHT, Table
from deepnrc.wording import Argument, Remedy, did_you_mean, listing

ALONG = ("index", "depth")
TITLES = {
    FEATURES: ("Eigenvalues of the features", "eigenvalue / largest"),
    TARGETS: ("Eigenvalues of the targets", "eigenvalue / largest"),
    WEIGHT: ("Singular values of the weights", "singular value / largest"),
    CROSS: ("Singular values of features with targets", "singular value / largest"),
    COSINES: ("Principal cosines of features with weights", "cosine"),
    RESIDUALS: ("Eigenvalues of the network's residuals", "eigenvalue / largest"),
}


def spectrum(
    report: Table,
    of: str = "features",
    *,
    along: str = "index",
    step: int | None = None,
    run: str | None = None,
    path: str | Path | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a spectrum of every layer, each divided by its largest value, on a logarithmic axis; a panel a run.

    By index a line is a layer, the first light and the last dark; the dashed upright stands behind the k-th value, and
    beside the features' stands the targets' own spectrum. By depth a line is one of the leading values, the first k in
    blue and the next six in orange. Open markers are no more than rounding could have made.

    Args:
        of: "features" (eigenvalues of S_H), "targets" (of S_Y), "residuals" (of the covariance of f(x) - y), "weight"
            (singular values of W), "cross" (of S_HY) or "cosines" (of the angles between the top-k directions of
            features and weight; as they are).
        along: "index" or "depth".
        step, run: take these only; None for each run's last step, and for all runs.
        path: save there as .png, .pdf or .svg.
        ax: draw there instead of in a new figure.
    Returns: the first Axes; ``.figure.axes`` holds all.
    Errors: UsageError for a word, step, run or file name that will not do, and where the report holds no such spectrum.
    """
    if along not in ALONG:
        raise UsageError(Argument("along", along), f" must be one of {listing(ALONG)}; it is {along!r}.")
    if of in (TARGETS, RESIDUALS) and along == "depth":
        raise UsageError(f"The {of} have one spectrum and not one a layer. Draw it ", Remedy("along", "index"), ".")
    last = report.at(step, run)
    rows = _chosen(last, of)
    targets = _heights(last, TARGETS).iloc[: None if of == FEATURES else 0]
    runs = [name for name in last.runs if (rows["run"] == name).any()]
    most = int(rows["index"].max())
    colours = depth_colours(sorted(set(rows["depth"])))
    with picture(path, ax) as figure:
        axes = panels(figure, ax, runs, rows)
        shown: dict[str, Entry] = {}
        for panel, name in zip(axes, runs, strict=True):
            mine, k = rows[rows["run"] == name], _rank(rows[rows["run"] == name])
            entries = (
                along_index(panel, mine, targets[targets["run"] == name], colours, k, most)
                if along == "index"
                else along_depth(panel, mine, k)
            )
            shown |= {words: (handle, words) for handle, words in entries}
            sns.despine(ax=panel)
        _values(axes, TITLES[of][1], log=of != COSINES)
        if along == "index" and len(colours) > 1:
            layer_bar(axes, rows, colours)
        moment = f", step {last.steps[0]}" if len(report.steps) > 1 and len(last.steps) == 1 else ""
        headed(axes, TITLES[of][0] + moment, figure)
        legend(axes, list(shown.values()), figure, flat=True)
    return axes[0]


def _chosen(report: Table, of: str) -> pd.DataFrame:
    if of not in SPECTRA_NAMES:
        raise UsageError(
            f"There is no spectrum {of!r}.{did_you_mean(of, SPECTRA_NAMES)} Choose from {listing(SPECTRA_NAMES)}."
        )
    rows = _heights(report, of)
    if rows.empty:
        raise UsageError(
            f"The report holds no spectrum of the kind {of!r}: it was saved without spectra, or none of the measures "
            "that were asked for computes this one. Probe again, with all measures."
        )
    return rows


def _heights(report: Table, of: str) -> pd.DataFrame:
    """The rows of one spectrum by depth and index, with the height and the floor of each value in the picture."""
    rows = report.spectra[report.spectra["spectrum"] == of].sort_values(["depth", "index"], kind="stable")
    largest = rows.groupby(["run", "depth"])["value"].transform("max") if of != COSINES else 1.0
    return rows.assign(height=rows["value"] / largest, least=rows["floor"] / largest)


def _rank(rows: pd.DataFrame) -> int | None:
    known = rows["rank"].dropna()
    return None if known.empty or rows["spectrum"].iloc[0] == COSINES else int(known.iloc[0])


def _values(axes: Sequence[Axes], words: str, *, log: bool) -> None:
    """Limits and ticks of the vertical axis, the same for all panels, and its name beside the first of each line."""
    heights = np.concatenate([[1.0], *(np.ravel(line.get_ydata()) for panel in axes for line in panel.lines)])
    low = min(0.1, float(heights[heights > 0].min())) / 1.8
    ticks = log_ticks(low, 1, 6)
    for panel in axes:
        place = panel.get_subplotspec()
        panel.set_ylabel(words if place is None or place.is_first_col() else "")
        if not log:
            panel.set_ylim(-0.03, 1.03)
            continue
        panel.set_yscale("log")
        panel.set_ylim(low, 1.8)
        panel.yaxis.set_major_locator(FixedLocator([level for level, _ in ticks]))
        panel.yaxis.set_major_formatter(FixedFormatter([text for _, text in ticks]))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_minor_formatter(NullFormatter())

"""`onset`: how many layers are collapsed, and how many low in noise, over the steps of each run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from deepnrc.figures.canvas import picture
from deepnrc.figures.curves.axis import by_step
from deepnrc.figures.curves.curves import run_colours
from deepnrc.figures.layout import side_legend
from deepnrc.figures.words import labels
from deepnrc.table import COLLAPSE, LOW, TAU, Table

RULES: dict[str, tuple[Any, str]] = {
    COLLAPSE: ("-", "collapsed"),
    LOW: (":", "low noise: fraction ≤ {tau:g}"),
}


def onset(report: Table, *, tau: float = TAU, path: str | Path | None = None, ax: Axes | None = None) -> Axes:
    """Draw how many layers up to the last are collapsed and how many low in noise, over steps; a colour a run, a line
    style each. Where no verdict can be told, low noise alone is drawn.

    Args:
        tau: noise fraction up to which a layer is low in noise, in (0, 1).
        path: save there as .png, .pdf or .svg.
        ax: draw there instead of in a new figure.
    Returns: the Axes.
    Errors: UsageError if the noise fraction was not measured, or for a tau or file name that will not do.
    """
    table = report.onset(tau)
    colours = run_colours(report.runs)
    with picture(path, ax) as figure:
        if figure is not None:
            figure.set_size_inches(5.6, 2.1)
        panel = figure.subplots() if figure is not None else ax
        assert panel is not None
        drawn = [rule for rule in RULES if (table["rule"] == rule).any()]
        for run, rule in ((run, rule) for rule in drawn for run in report.runs):
            rows = table[(table["run"] == run) & (table["rule"] == rule)].sort_values("step")
            look = {"color": colours[run], "linestyle": RULES[rule][0], "marker": "o", "markersize": 2.6}
            panel.plot(rows["step"], rows["layers"], linewidth=1.3, **look)
        by_step(panel, sorted(set(table["step"])))
        panel.set(ylabel="layers up to the last", ylim=(-0.03 * table["of"].max(), 1.03 * table["of"].max()))
        panel.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        handles = [Line2D([], [], color="0.35", linestyle=RULES[rule][0]) for rule in drawn]
        rules = [RULES[rule][1].format(tau=tau) for rule in drawn]
        named = labels(report.runs) if len(report.runs) > 1 else []
        runs = [(Line2D([], [], color=colours[run]), words) for run, words in zip(report.runs, named, strict=False)]
        side_legend(panel, [*runs, *zip(handles, rules, strict=True)], None, figure)
        sns.despine(ax=panel)
    return panel

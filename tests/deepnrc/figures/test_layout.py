"""Panels and the scale that they share."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from deepnrc import UsageError, figures
from deepnrc.report import Report


def place(value, low=0.1 / 2 / 50, high=1.0):
    return (np.log10(value) - np.log10(low)) / (np.log10(high) - np.log10(low))


def test_one_axes_holds_one_panel(report):
    with pytest.raises(UsageError, match="One Axes holds one panel, and here are 2, one a run"):
        figures.heatmap(report(run="a", steps=(0, 1)) + report(run="b", steps=(0, 1)), ax=Figure().subplots())


def test_runs_share_one_scale(report, drawn, colours):
    quiet = report(run="b", steps=(0, 1))
    quiet = Report(quiet.table.assign(value=quiet.table["value"] / 50))
    ax = drawn(figures.heatmap, report(run="a", steps=(0, 1)) + quiet, "deep.noise_fraction")
    first, second = (panel for panel in ax.get_figure().axes if panel.get_title() in ("a", "b"))
    assert first.collections[0].norm.vmin == second.collections[0].norm.vmin == 0
    assert colours(first)[2, 0] != pytest.approx(colours(second)[2, 0])
    assert colours(first)[2, 1] == pytest.approx(mpl.colormaps["viridis"](place(0.05)), abs=0.01)

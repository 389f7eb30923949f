"""A measure by depth, over steps, and over what was swept."""

import numpy as np
import pandas as pd
import pytest

from deepnrc import UsageError, figures
from deepnrc.report import Report
from deepnrc.table import NETWORK


def test_lines_mark_values_below_the_floor_with_open_markers(report, changed, drawn, words):
    given = changed(report(), "deep.noise_fraction", 2, value=0.0, floor=1e-4, status="below floor")
    ax = drawn(figures.lines, given, "deep.noise_fraction")
    opened = next(line for line in ax.lines if line.get_linestyle() == "None")
    assert opened.get_markerfacecolor() == "white"
    assert opened.get_ydata() == [1e-4]
    assert "floor" in words(ax)


def test_lines_leave_a_gap_where_there_is_no_value(report, changed, drawn):
    given = changed(report(), "deep.cka", 2, value=0.5, status="degenerate")
    ax = drawn(figures.lines, given, "deep.cka")
    assert np.isnan(ax.lines[0].get_ydata()[2])
    assert ax.get_xlim()[1] > 2


def test_one_value_a_step_is_drawn_over_the_steps(report, drawn):
    ax = drawn(figures.lines, report(steps=(0, 1, 2)), "model.mse")
    assert ax.get_xlabel() == "step"
    assert list(ax.lines[0].get_xdata()) == [0, 1, 2]


def test_lines_refuse(row, report):
    with pytest.raises(UsageError, match="hue must be one of 'step', 'run', or None; it is 'depth'"):
        figures.lines(report(), "deep.cka", hue="depth")
    with pytest.raises(UsageError, match="Lines by step show one run, and this report has 'a', 'b'"):
        figures.lines(report(run="a") + report(run="b"), "deep.cka", hue="step")
    with pytest.raises(UsageError, match="no measure 'nothing'"):
        figures.lines(report(), "nothing")
    bare = Report.of([row("model.mse", 0.1, -1, NETWORK)])
    with pytest.raises(UsageError, match="An overview needs one of"):
        figures.overview(bare)
    with pytest.raises(UsageError, match="No measure of this report has a value a layer"):
        figures.heatmap(bare)


@pytest.mark.parametrize("draw", [figures.heatmap, lambda r, **k: figures.lines(r, "deep.cka", **k), figures.overview])
def test_a_tau_that_is_no_noise_fraction_is_refused(report, draw):
    with pytest.raises(UsageError, match="tau is a noise fraction and must lie between 0 and 1; it is 2"):
        draw(report(), tau=2)


def test_held_out_values_are_a_second_line_dashed(report, drawn, words):
    given = report()
    plain = given.table[given.table["measure"] == "deep.noise_fraction"]
    held = plain.assign(variant="held out", value=plain["value"] * 2)
    both = Report(pd.concat([given.table, held], ignore_index=True))
    ax = drawn(figures.lines, both, "deep.noise_fraction")
    dashed = [line for line in ax.lines if line.get_linestyle() == "--" and len(line.get_ydata()) == len(held)]
    assert dashed[0].get_ydata().tolist() == pytest.approx(held["value"].tolist())
    assert dashed[0].get_color() == ax.lines[0].get_color()
    assert "held out" in words(ax)
    assert "step" not in words(ax)  # of one step there is no line to name
    assert "held out" not in words(drawn(figures.lines, given, "deep.noise_fraction"))


def test_intervals_are_bands(report, changed, drawn):
    given = changed(report(), "deep.cka", 1, low=0.2, high=0.9)
    (band,) = drawn(figures.lines, given, "deep.cka").collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (0.2, 0.9)

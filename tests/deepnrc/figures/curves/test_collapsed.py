"""Layers that are collapsed, and low in noise, over steps."""

import pandas as pd

from deepnrc import figures
from deepnrc.figures.heatmaps.grids import grid
from deepnrc.report import Report
from deepnrc.table import COLUMNS


def judged(given, row):
    """The same report with what a verdict rests on: the last layer is aligned and predicts, the network learned."""
    table = given.table.assign(chance_high=0.5)
    rest = [
        row("deep.direction_r2_gap", 0.0, depth, layer, step=step)
        for step in given.steps
        for depth, layer in enumerate(["8", "9", "10"])
    ]
    rest += [row("model.direction_r2_smallest", 0.9, -1, "(network)", step=step) for step in given.steps]
    more = pd.DataFrame(rest).reindex(columns=list(COLUMNS)).astype(COLUMNS)
    return Report(pd.concat([table, more], ignore_index=True).astype(COLUMNS))


def test_low_noise_is_counted_where_no_verdict_can_be_told(report, drawn, words):
    ax = drawn(figures.onset, report(steps=(0, 1, 3)))
    assert [list(line.get_ydata()) for line in ax.lines] == [[1, 2, 3]]
    assert "low noise: fraction ≤ 0.2" in words(ax)
    assert "collapsed" not in words(ax)


def test_collapsed_layers_are_counted_beside(report, row, drawn, words):
    ax = drawn(figures.onset, judged(report(steps=(0, 1, 3)), row))
    collapsed, low = ax.lines[:2]
    assert (list(collapsed.get_ydata()), collapsed.get_linestyle()) == ([1, 1, 1], "-")
    assert (list(low.get_ydata()), low.get_linestyle()) == ([1, 2, 3], ":")
    assert {"collapsed", "low noise: fraction ≤ 0.2"} <= set(words(ax))


def test_a_heatmap_of_noise_has_both_lines(report, row, drawn, words):
    given = judged(report(steps=(0, 1, 3)), row)
    found = grid(given, "deep.noise_fraction", "default", "step", True)
    assert (found.onset, found.low) == ([2, 2, 2], [2, 1, 0])
    ax = drawn(figures.heatmap, given, "deep.noise_fraction")
    assert [line.get_linestyle() for line in ax.lines] == ["--", "-"]
    assert any(text.startswith("collapse onset:") for text in words(ax))
    assert not drawn(figures.heatmap, given, "deep.cka").lines

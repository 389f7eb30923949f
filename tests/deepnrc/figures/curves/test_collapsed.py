"""Collapsed layers over steps."""

from deepnrc import figures


def test_onset_counts_collapsed_layers(report, drawn):
    ax = drawn(figures.onset, report(steps=(0, 1, 3)))
    assert list(ax.lines[0].get_ydata()) == [1, 2, 3]

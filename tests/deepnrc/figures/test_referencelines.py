"""What values are held against."""

import pandas as pd

from deepnrc import figures
from deepnrc.report import Report
from deepnrc.table import NETWORK


def test_references_stand_on_the_colour_bar(report, drawn, words):
    assert any("1.50 target" in text for text in words(drawn(figures.heatmap, report(), "deep.feature_stable_rank")))
    assert "0.37 chance" in words(drawn(figures.heatmap, report(), "deep.feature_weight_alignment"))


def test_the_two_stable_ranks_have_the_reference_of_their_own_form(row, report, drawn, words):
    rows = [row("deep.feature_stable_rank", 3.0, 0, "8", variant="covariance")]
    rows.append(row("deep.target_stable_rank", 1.25, -1, NETWORK, variant="covariance"))
    both = Report(pd.concat([report().table, Report.of(rows).table], ignore_index=True))
    ax = drawn(figures.lines, both, "deep.feature_stable_rank", variant="covariance")
    assert "target\n1.25" in words(ax)
    assert "target\n1.50" not in words(ax)

"""From rows to cells: every value at its layer."""

import numpy as np

from deepnrc import figures
from deepnrc.figures.heatmaps.grids import grid
from deepnrc.report import Report


def test_rows_in_any_order_make_the_same_cells(report):
    given = report(steps=(0, 3))
    shuffled = Report(given.table.sample(frac=1, random_state=0).reset_index(drop=True))
    first, second = (grid(r, "deep.cka", "default", "step", False) for r in (given, shuffled))
    assert first.layers == second.layers == ["8", "9", "10"]
    np.testing.assert_array_equal(first.values, second.values)


def test_values_keep_their_layer_where_others_were_not_measured(report):
    table = report(steps=(0, 1)).table
    cells = grid(Report(table[(table["step"] == 0) | (table["depth"] != 0)]), "deep.cka", "default", "step", False)
    np.testing.assert_array_equal(cells.values, [[0.3, np.nan], [0.7, 0.7], [0.95, 0.95]])


def test_a_layer_that_a_run_does_not_have_is_left_blank(report, drawn):
    given = report(run="a") + report(run="b", layers=("8", "9"))
    ax = drawn(figures.heatmap, given, "deep.cka")
    assert not ax.patches
    assert ax.collections[0].get_array().mask.tolist() == [[False, False], [False, False], [False, True]]

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from deepnrc import UsageError
from deepnrc.figures.spectra.panels import depth_colours, layer_bar, panels

ROWS = pd.DataFrame({"run": "a", "depth": [0, 1, 2], "layer": ["x", "y", "z"]})


def test_colours_darken_with_depth():
    found = list(depth_colours([0, 1, 2, 7]).values())
    assert [sum(c) for c in found] == sorted((sum(c) for c in found), reverse=True)
    assert list(depth_colours([4])) == [4]


@pytest.mark.parametrize(("runs", "lines"), [(1, 1), (3, 1), (4, 2)])
def test_a_panel_a_run_three_side_by_side(runs, lines):
    figure = plt.figure()
    axes = panels(figure, None, [f"r{i}" for i in range(runs)], ROWS)
    assert len(axes) == runs
    assert len({round(a.get_position().y0, 3) for a in axes}) == lines
    with pytest.raises(UsageError, match="here are 2"):
        panels(None, axes[0], ["a", "b"], ROWS)


def test_the_bar_names_the_layers_first_at_the_top():
    figure, ax = plt.subplots()
    layer_bar([ax], ROWS, depth_colours([0, 1, 2]))
    bar = figure.axes[-1]
    assert [text.get_text() for text in bar.get_yticklabels()] == ["x", "y", "z"]
    assert bar.yaxis_inverted()

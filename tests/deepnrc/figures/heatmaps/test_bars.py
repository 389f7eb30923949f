"""The colour bar says what its dark end means."""

import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from deepnrc import figures
from deepnrc.figures.words import number


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("deep.noise_fraction", "(dark = low noise)"),
        ("deep.cka", "(dark = high)"),
        ("deep.linear_mse", "(dark = low)"),
        ("deep.feature_weight_alignment", "(dark = high)"),
    ],
)
def test_no_colour_of_one_measure_is_called_collapsed(report, drawn, words, measure, said):
    shown = " ".join(words(drawn(figures.heatmap, report(), measure)))
    assert said in shown
    assert "= collapsed" not in shown


@pytest.mark.parametrize("measure", ["deep.noise_fraction", "deep.cka"])
def test_the_label_of_a_low_colour_bar_lies_within_the_picture(report, measure, tmp_path):
    figure = figures.heatmap(report(), measure, path=tmp_path / "low.png").get_figure(root=True)
    labels = [text for text in figure.findobj(mpl.text.Text) if "(dark" in text.get_text()]
    assert labels
    for box in (text.get_window_extent() for text in labels):
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height


@pytest.mark.parametrize("measure", ["deep.spectral_gap", "deep.linear_mse", "mine.own"])
def test_infinite_values_are_printed_and_have_the_far_colour(report, changed, drawn, words, measure):
    given = report(measures={measure: (2.0, 3.0, 5.0)})
    given = changed(changed(given, measure, 2, value=np.inf), "model.mse", -1, value=np.inf)
    assert "∞" in words(drawn(figures.heatmap, given, measure))
    assert np.isfinite(drawn(figures.lines, given, measure).get_ylim()).all()
    assert number(-np.inf) == "-∞"


@pytest.mark.parametrize("tau", [0.13, 0.09, 0.2, 0.08])
def test_the_reference_s_words_touch_no_tick_on_a_low_bar(report, tau):
    ax = figures.heatmap(report(layers=("a", "b")), "deep.noise_fraction", tau=tau)
    ax.figure.canvas.draw()
    labels = [label for label in ax.figure.axes[-1].get_yticklabels() if label.get_text()]
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.y0)
    assert len(boxes) > 1
    assert all(below.y1 <= above.y0 for below, above in itertools.pairwise(boxes))
    plt.close(ax.figure)

"""What stands across, and what is refused."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from deepnrc import UsageError, figures
from deepnrc.figures.heatmaps.grids import grid

MEASURES = (
    "deep.noise_fraction",
    "deep.feature_stable_rank",
    "deep.weight_stable_rank",
    "deep.feature_weight_alignment",
    "deep.cka",
    "deep.linear_mse",
)


def place(value, low=0.1 / 2 / 50, high=1.0):
    return (np.log10(value) - np.log10(low)) / (np.log10(high) - np.log10(low))


def test_across_measures_each_column_has_its_scale_and_prints_its_values(report, drawn, words, colours):
    ax = drawn(figures.heatmap, report(), list(MEASURES))
    assert {"0.60", "8.00", "0.95", "0.020"} <= set(words(ax))
    assert any("Noise fraction\n→ 0" in text.replace("Noise\nfraction", "Noise fraction") for text in words(ax))
    assert colours(ax)[0, 0] == pytest.approx(mpl.colormaps["viridis"](place(0.6, 0.01)))
    assert colours(ax)[2, 4] == pytest.approx(mpl.colormaps["viridis"](0.05), abs=0.01)


def test_what_is_drawn_by_default(report, drawn):
    assert drawn(figures.heatmap, report(steps=(0, 5))).get_xlabel() == "step"
    assert drawn(figures.heatmap, report(run="a") + report(run="b")).get_xlabel() == "run"
    assert drawn(figures.heatmap, report()).get_title() == "Layers by measures, step 0"
    assert drawn(figures.heatmap, report(steps=(0, 5)), ["deep.cka"]).get_title() == "Signal-target alignment (CKA)"
    assert drawn(figures.heatmap, report(steps=(0, 5)), step=5).get_title() == "Layers by measures, step 5"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"across": "layer"}, "across must be one of 'step', 'run', 'measure', or None; it is 'layer'"),
        ({"measure": "deep.cca"}, "no measure 'deep.cca'. Did you mean 'deep.cka'"),
        ({"measure": "deep.cka", "variant": "x"}, "no variant 'x'"),
        ({"measure": "model.mse"}, "one number for the whole network"),
        ({"measure": ["deep.cka", "deep.noise_fraction"], "across": "run"}, "shows one measure; here are several"),
        ({"measure": ["deep.cka", "deep.noise_fraction"], "variant": "signal"}, "goes with one measure; here are 2"),
        ({"step": 9}, "Step 9 was not measured"),
    ],
)
def test_heatmap_refuses(report, arguments, said):
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        figures.heatmap(report(), **arguments)
    assert not plt.get_fignums()


def test_tau_is_an_argument_and_what_is_drawn_and_said(report, drawn, words):
    given = report(steps=(0, 1))
    ax = drawn(figures.heatmap, given, "deep.noise_fraction", tau=0.4)
    assert grid(given, "deep.noise_fraction", "default", "step", True, 0.4).low == [1, 0]
    assert any("τ = 0.4" in text for text in words(ax))
    assert any(text == "0.40 τ" for text in words(ax))
    for function in (figures.lines, figures.overview):
        arguments = ["deep.noise_fraction"] if function is figures.lines else []
        assert "τ\n0.40" in words(drawn(function, given, *arguments, tau=0.4))
    ax = drawn(figures.onset, given, tau=0.4)
    assert "low noise: fraction ≤ 0.4" in words(ax)
    assert list(ax.lines[0].get_ydata()) == [2, 3]

"""Colours: one dark end for collapse, whichever way a measure goes."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex

from deepnrc.figures.referencelines import CHANCE, Mark
from deepnrc.figures.scales import scale
from deepnrc.table.descriptions import described
from probes import Probe, Reference

OWN_ERROR = Reference("network MSE", "model.mse", collapsed=True)


@pytest.mark.parametrize(
    ("measure", "collapsed", "far"),
    [("deep.noise_fraction", 1e-6, 1.0), ("deep.feature_weight_alignment", 1.0, 0.0), ("deep.cka", 1.0, 0.0)],
)
def test_collapse_is_the_dark_end_whichever_its_direction(measure, collapsed, far):
    colours = scale(described(measure), np.array([collapsed, far]))
    assert colours.place(np.array([collapsed, far])) == pytest.approx([0, 1])
    assert to_hex(colours.cmap(colours.norm(collapsed))) == to_hex(mpl.colormaps["viridis"](0.0))


def test_a_network_far_from_collapse_never_looks_collapsed():
    noisy = scale(described("deep.noise_fraction"), np.array([0.4, 0.6]))
    assert noisy.place(np.array([0.4])).item() > 0.7


def test_the_dark_end_of_linear_mse_is_the_networks_own():
    own = scale(described("deep.linear_mse"), np.array([0.5, 1e-4]), [Mark(OWN_ERROR, 0.03, 0.03)])
    assert own.place(np.array([1e-4, 0.03])) == pytest.approx([0, 0])


def test_measures_without_direction_have_another_map():
    assert scale(described("deep.feature_stable_rank"), np.array([1.0, 5.0])).cmap.name == "Oranges"
    assert scale(described("mine.own"), np.array([1.0, 5.0])).cmap.name == "Oranges"


@pytest.mark.parametrize("log", [False, True])
def test_a_measure_without_a_better_end_is_dark_at_the_level_that_collapse_has(log):
    own = Probe("mine.own", lambda: 0.0, "Mine", bounds=(1.0, float("inf")), log=log)
    level = Mark(Reference("target", "mine.level"), 2.0, 2.5)
    for probe in (described("deep.feature_stable_rank"), own):
        colours = scale(probe, np.array([1.0, 8.0]), [level])
        near, middle, below, far = colours.place(np.array([2.0, 2.2, 1.0, colours.norm.vmax]))
        assert (near, middle, far) == pytest.approx((0, 0, 1))
        assert 0 < below < 1
        assert colours.directed
        assert to_hex(colours.cmap(colours.norm(2.2))) == to_hex(mpl.colormaps["viridis"](0.0))
    chance = Mark(CHANCE, 2.0, 2.0)
    threshold = Mark(Reference("tau", threshold=True), 2.0, 2.0)
    assert not scale(own, np.array([1.0, 8.0]), [chance, threshold]).directed


@pytest.mark.parametrize("level", [None, 1.5])
def test_one_layer_of_a_large_rank_does_not_flatten_the_others(level):
    values = np.array([16.0, 3.0, 2.5, 2.0, 1.6])
    held = [] if level is None else [Mark(Reference("target", "mine.level"), level, level)]
    for measure in ("deep.feature_stable_rank", "deep.weight_stable_rank"):
        places = scale(described(measure), values, held).place(values)
        assert places[1] - places[4] > 0.2
        assert (np.diff(places) < 0).all()
    assert not isinstance(scale(described("deep.feature_stable_rank"), values[1:]).norm, mpl.colors.LogNorm)


def test_stable_ranks_have_a_scale_that_ends_at_the_largest():
    for largest in (1.4, 9.0):
        norm = scale(described("deep.feature_stable_rank"), np.array([1.1, largest])).norm
        assert (norm.vmin, norm.vmax) == (1.0, largest)
    assert (
        scale(described("deep.feature_stable_rank"), np.array([1.1]), [Mark(Reference("target"), 2.0, 2.0)]).norm.vmax
        == 2.0
    )


@pytest.mark.parametrize(
    ("better", "log", "level", "values", "collapsed", "far"),
    [
        ("low", False, 0.3, (0.5, 0.1), 0.3, 1.0),
        ("high", False, 0.8, (0.5, 0.9), 0.8, 0.0),
        ("high", True, 50.0, (5.0, 90.0), 50.0, 1.0),
        ("low", True, 0.02, (0.02, 0.01), 0.02, 1.0),
    ],
)
def test_a_level_at_which_a_layer_is_collapsed_is_the_dark_end_of_any_scale(better, log, level, values, collapsed, far):
    top = 100.0 if log and better == "high" else 1.0
    probe = Probe("mine.own", lambda: 0.0, "Mine", bounds=(1.0 if top > 1 else 0.0, top), better=better, log=log)
    colours = scale(probe, np.array(values), [Mark(Reference("level", level=level, collapsed=True), level, level)])
    assert colours.place(np.array([collapsed])) == pytest.approx([0])
    assert colours.place(np.array([far])).item() > 0.5

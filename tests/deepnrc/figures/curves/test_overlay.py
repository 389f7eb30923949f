"""Published curves over lines and panels."""

import pytest

from deepnrc import UsageError, figures
from deepnrc.table import published_curve

SWIMMER, LAYERS = ("swimmer", "wd 5e-3"), tuple(f"layer{i}" for i in range(1, 9))
NOISE = "deep.noise_fraction"


@pytest.fixture(scope="module")
def curve():
    return published_curve(NOISE, SWIMMER)


def dashed(ax):
    return next(line for line in ax.lines if line.get_marker() == "x")


def test_the_curve_lies_over_the_layers_and_the_legend_says_how_far_off(report, drawn, words, curve):
    measures = {NOISE: tuple(2 * value for value in curve.values.values())}
    ax = drawn(figures.lines, report(layers=LAYERS, measures=measures), NOISE, published=SWIMMER)
    assert list(dashed(ax).get_xdata()) == list(range(8))
    assert list(dashed(ax).get_ydata()) == list(curve.values.values())
    assert "net\noff: median 100 %, largest 100 %" in words(ax)
    assert "published, wd 5e-3, k = 2\narXiv 2603.23805" in words(ax)


def test_every_line_has_its_own_distance(report, drawn, words, curve):
    made = [report(run=run, layers=LAYERS, measures={NOISE: tuple(f * v for v in curve.values.values())})
            for run, f in (("near", 1.1), ("far", 3.0))]  # fmt: skip
    told = "\n".join(words(drawn(figures.lines, made[0] + made[1], NOISE, published=SWIMMER)))
    assert "near\noff: median 10 %, largest 10 %" in told
    assert "far\noff: median 200 %, largest 200 %" in told


def test_one_value_for_the_network_is_a_level(report, drawn):
    ax = drawn(figures.lines, report(), "model.mse", published=("swimmer", ""))
    assert any(list(line.get_ydata()) == [0.1356, 0.1356] for line in ax.lines)


def test_panels_have_the_curves_that_there_are(report, drawn, words):
    given = report(layers=LAYERS)
    ax = drawn(figures.overview, given, published=SWIMMER)
    crossed = [sum(line.get_marker() == "x" for line in panel.lines) for panel in ax.figure.axes]
    shown = [panel.get_title(loc="left") for panel in ax.figure.axes]
    assert sum(crossed) == 4  # noise, alignment, CKA, linear MSE; no ranks
    assert sum("off:" in title for title in shown) == 4
    (legend,) = ax.figure.legends
    own, published = (text.get_text() for text in legend.get_texts())  # our line is told too, not the curve alone
    assert own == "net"
    assert published.startswith("published: ")


def test_the_axis_has_room_for_the_curve(report, drawn, curve):
    measures = {NOISE: (0.9, 0.85, 0.8), "deep.cka": (0.99, 0.98, 0.97)}
    ax = drawn(figures.lines, report(layers=LAYERS, measures=measures), NOISE, published=SWIMMER)
    assert ax.get_ylim()[0] < min(curve.values.values())


def test_a_panel_may_be_of_a_variant(report, row, drawn):
    given = report(layers=LAYERS)
    ax = drawn(figures.overview, given, [(NOISE, "default"), "deep.cka"])
    assert len(ax.figure.axes) == 2


def test_a_curve_over_anything_but_depth_is_refused(report):
    given = report(layers=LAYERS, run="a") + report(layers=LAYERS, run="b")
    with pytest.raises(UsageError, match="A published curve runs by depth"):
        figures.lines(given, NOISE, along={"a": 1, "b": 2}, published=SWIMMER)
    with pytest.raises(UsageError, match="has 8 layers and 'net' has 3"):
        figures.lines(report(), NOISE, published=SWIMMER)
    with pytest.raises(UsageError, match="study 'nobody'"):
        figures.overview(report(), published=("nobody", ""))

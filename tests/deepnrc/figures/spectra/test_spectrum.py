"""Pictures of spectra: every layer divided by its largest value, in depth order, with the cut and every doubt."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from deepnrc import UsageError, figures
from deepnrc.figures.spectra.tails import NOISE, ROUNDING, SIGNAL
from deepnrc.measuring.finishing import readings
from deepnrc.report import Report
from deepnrc.table import COLUMNS, NETWORK

LAYERS = ("8", "9", "10")

NUMBERS = ["value", "chance", "chance_high", "floor", "corrected", "low", "high"]
NUMBERS += ["rank", "n_samples", "dim", "target_dim"]


def reading(name, values, run, step, depth, layer, rank=2, floor=1e-14):
    place = {"run": run, "step": step, "depth": depth, "layer": layer}
    return readings.SpectralReading(name, torch.tensor(values, dtype=torch.float64), floor, rank, place)


def report(run="net", steps=(0,), layers=LAYERS, width=6, rank=2, floor=1e-14):
    """Eigenvalues 4 * ratio^i, that fall faster the deeper the layer."""
    rows, found = [], []
    for step in steps:
        for depth, layer in enumerate(layers):
            row = {name: "" if kind == "str" else None for name, kind in COLUMNS.items()}
            row |= {"run": run, "step": step, "depth": depth, "layer": layer}
            rows.append(row | dict.fromkeys(NUMBERS, 1))
            values = [4 * 10.0 ** -(i * (1 + depth + step)) for i in range(width)]
            found += [reading(name, values, run, step, depth, layer, rank, floor) for name in ("features", "weight")]
            found.append(reading("cosines", [0.9, 0.8], run, step, depth, layer, rank, np.nan))
        found.append(reading("targets", [3.0, 1.5, 0.0], run, step, -1, NETWORK, rank))
    return Report.of(rows, [{"run": run, "step": step} for step in steps], readings.frame(found))


def drawn(*args, **kwargs):
    """The Axes, laid out, in a figure of its own."""
    ax = figures.spectrum(*args, **kwargs)
    ax.get_figure().canvas.draw()
    plt.close(ax.get_figure())
    return ax


def lines(ax):
    """The lines that are more than marks, in the order in which they were drawn."""
    return [line for line in ax.lines if line.get_linestyle() != "None" and line.get_transform() == ax.transData]


def words(ax):
    return [text.get_text() for text in ax.get_figure().findobj(mpl.text.Text) if text.get_text()]


def test_each_layer_is_divided_by_its_largest_value_and_drawn_over_the_index():
    ax = drawn(report(floor=0.0), "weight")
    for depth, line in enumerate(lines(ax)):
        assert line.get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
        expected = [10.0 ** -(i * (1 + depth)) for i in range(6)]
        assert line.get_ydata() == pytest.approx(expected, rel=1e-12, abs=0)
    assert len(lines(ax)) == 3
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel() == "singular value / largest"


def test_the_targets_own_spectrum_stands_beside_that_of_the_features():
    ax = drawn(report())
    assert lines(ax)[-1].get_ydata().tolist()[:2] == [1, 0.5]
    assert "targets" in words(ax)
    assert "targets" not in words(drawn(report(), "weight"))
    assert lines(drawn(report(), "targets"))[0].get_ydata().tolist()[:2] == [1, 0.5]


def test_deeper_is_darker_and_layers_are_named_in_order_with_the_first_at_the_top():
    ax = drawn(report(), "weight")
    bright = [mpl.colors.rgb_to_hsv(mpl.colors.to_rgb(line.get_color()))[2] for line in lines(ax)]
    assert bright == sorted(bright, reverse=True)
    bar = ax.get_figure().axes[-1]
    names = {text.get_text(): y for y, text in zip(bar.get_yticks(), bar.get_yticklabels(), strict=True)}
    heights = [bar.transData.transform((0, names[name]))[1] for name in LAYERS]
    assert heights == sorted(heights, reverse=True)


def test_many_layers_do_not_run_into_each_other():
    ax = drawn(report(layers=[f"encoder.block.{i}.mlp.project" for i in range(60)]))
    bar = ax.get_figure().axes[-1]
    boxes = sorted((t.get_window_extent() for t in bar.get_yticklabels()), key=lambda box: box.y0)
    assert len(boxes) > 5
    assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(boxes))


@pytest.mark.parametrize(("width", "cut"), [(6, 2.5), (40, 6**0.5)])
def test_the_cut_stands_between_the_k_th_value_and_the_next(width, cut):
    ax = drawn(report(width=width))
    upright = [line.get_xdata()[0] for line in ax.lines if line.get_transform() != ax.transData]
    assert upright == pytest.approx([cut])
    assert "k = 2" in words(ax)
    assert (ax.get_xscale() == "log") == (width == 40)


@pytest.mark.parametrize(
    ("given", "of"), [(report(rank=None), "features"), (report(), "cosines"), (report(rank=6), "weight")]
)
def test_without_a_cut_to_show_there_is_none(given, of):
    assert not [word for word in words(drawn(given, of)) if word.startswith("k =")]


def test_values_that_rounding_made_end_a_line_at_its_floor_with_an_open_marker():
    ax = drawn(report(floor=4e-5))
    assert ROUNDING in words(ax)
    for depth, line in enumerate(lines(ax)[:3]):
        first = next(i for i in range(6) if 10.0 ** -(i * (1 + depth)) <= 1e-5)
        assert line.get_xdata()[-1] == first + 1
        assert line.get_ydata()[-1] == pytest.approx(1e-5)
    assert ROUNDING not in words(drawn(report(floor=0.0), "weight"))


def test_values_at_or_below_nothing_do_not_break_the_axis():
    given = report()
    given.spectra.loc[given.spectra["depth"] == 1, ["value", "floor"]] = 0.0
    given.spectra.loc[given.spectra["index"] == 6, "value"] = -1e-20
    for along in ("index", "depth"):
        drawn(given, "features", along=along)


def test_cosines_are_drawn_as_they_are():
    ax = drawn(report(), "cosines")
    assert lines(ax)[0].get_ydata().tolist() == [0.9, 0.8]
    assert ax.get_yscale() == "linear"
    assert ax.get_ylim() == pytest.approx((-0.03, 1.03))


def test_by_depth_a_line_is_a_value_and_the_first_k_stand_apart():
    ax = drawn(report(width=12), along="depth")
    assert len(lines(ax)) == 8
    assert [line.get_color() for line in lines(ax)] == [SIGNAL] * 2 + [NOISE] * 6
    assert lines(ax)[1].get_ydata() == pytest.approx([1e-1, 1e-2, 1e-3])
    assert [text.get_text() for text in ax.get_xticklabels()] == list(LAYERS)
    assert {"values 1 to 2", "values 3 to 8"} <= set(words(ax))
    unknown = drawn(report(rank=None), along="depth")
    assert {line.get_color() for line in lines(unknown)} == {SIGNAL}


def test_several_runs_stand_side_by_side_on_one_scale():
    both = report("one") + report("two", layers=("a", "b"))
    both.spectra.loc[both.spectra["run"] == "two", ["value", "floor"]] *= 100
    ax = drawn(both)
    panels = ax.get_figure().axes[:2]
    assert [panel.get_title() for panel in panels] == ["one", "two"]
    assert panels[0].get_ylim() == panels[1].get_ylim()
    assert lines(panels[0])[0].get_ydata() == pytest.approx(lines(panels[1])[0].get_ydata(), rel=1e-12, abs=0)
    assert [panel.get_ylabel() for panel in panels] == ["eigenvalue / largest", ""]
    assert "depth (0: first layer)" in words(ax)
    assert lines(panels[0])[1].get_color() == lines(panels[1])[1].get_color()
    assert drawn(both, run="two").get_title() == "Eigenvalues of the features"


def test_runs_that_differ_in_width_and_names_share_the_index_and_keep_their_names():
    both = report("one", width=40) + report("two", layers=("a", "b"), width=5)
    panels = drawn(both).get_figure().axes[:2]
    assert panels[0].get_xlim() == panels[1].get_xlim()
    assert {panel.get_xscale() for panel in panels} == {"log"}
    panels = drawn(both, along="depth").get_figure().axes[:2]
    names = [[text.get_text() for text in panel.get_xticklabels()] for panel in panels]
    assert names == [list(LAYERS), ["a", "b"]]


def test_the_last_step_of_each_run_is_drawn_unless_another_is_named():
    given = report(steps=(0, 2))
    assert lines(drawn(given, "weight"))[0].get_ydata()[1] == pytest.approx(1e-3)
    assert drawn(given, "weight").get_title().endswith("weights, step 2")
    assert lines(drawn(given, "weight", step=0))[0].get_ydata()[1] == pytest.approx(1e-1)


def test_nothing_is_clipped():
    for given in (report(), report("one") + report("two") + report("three") + report("four"), report(width=300)):
        for along in ("index", "depth"):
            figure = drawn(given, along=along).get_figure()
            box = figure.get_tightbbox()
            assert box.x0 >= -0.01
            assert box.y0 >= -0.01
            assert box.x1 <= figure.get_figwidth() + 0.01
            assert box.y1 <= figure.get_figheight() + 0.01


def test_it_is_saved_and_leaves_no_figure_behind(tmp_path):
    before = plt.get_fignums()
    for suffix in ("png", "pdf", "svg"):
        report().spectrum(path=tmp_path / f"x.{suffix}")
        assert (tmp_path / f"x.{suffix}").stat().st_size > 1000
    assert plt.get_fignums() == before
    assert "NaN" not in (tmp_path / "x.svg").read_text()


def test_it_draws_into_axes_that_are_brought_but_not_several_runs_into_one():
    mine = Figure().subplots()
    assert report().spectrum(ax=mine) is mine
    with pytest.raises(UsageError, match=r"One Axes holds one panel, and here are 2, one a run\. Leave out ax\."):
        (report("a") + report("b")).spectrum(ax=mine)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"of": "feature"}, r"There is no spectrum 'feature'\. Did you mean 'features'\? Choose from 'features', "),
        ({"of": "cross"}, r"holds no spectrum of the kind 'cross': it was saved without spectra, or none of"),
        ({"along": "layer"}, r"along must be one of 'index', 'depth'; it is 'layer'\."),
        ({"of": "targets", "along": "depth"}, r"The targets have one spectrum and not one a layer\."),
        ({"of": "residuals", "along": "depth"}, r"The residuals have one spectrum and not one a layer\."),
        ({"step": 5}, r"Step 5 was not measured"),
        ({"run": "nets"}, r"There is no run 'nets'\. Did you mean 'net'\?"),
        ({"path": "x.jpg"}, r"its ending must be"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        report().spectrum(**arguments)

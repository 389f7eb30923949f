"""Lines of groups of runs: their mean, in a band, by depth, over steps and over what was swept."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from deepnrc import UsageError, figures

GROUPS = {"a-0": "a", "a-1": "a", "b-0": "b", "b-1": "b"}
SWEPT = {"a-0": 0.1, "a-1": 0.1, "b-0": 0.01, "b-1": 0.01}
LEVELS = {"a-0": (0.2, 0.4), "a-1": (0.4, 0.8), "b-0": (0.5, 0.6), "b-1": (0.7, 0.6)}


@pytest.fixture
def seeds(report):
    runs = [report(run=run, steps=(0, 5), layers=("0", "1"), measures={"deep.cka": v}) for run, v in LEVELS.items()]
    return runs[0] + runs[1] + runs[2] + runs[3]


def bands(ax):
    """Of each band its least and largest height over the horizontal axis."""
    found = []
    for band in (c for c in ax.collections if isinstance(c, PolyCollection)):
        points = band.get_paths()[0].vertices
        xs = sorted(set(points[:, 0]))
        found.append([(x, *(f(points[points[:, 0] == x, 1]) for f in (np.min, np.max))) for x in xs])
    return found


def test_a_line_is_the_mean_of_its_group_in_the_range_of_its_runs(seeds, drawn):
    ax = drawn(figures.lines, seeds, "deep.cka", groups=GROUPS)
    heights = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 2]
    assert heights == [pytest.approx([0.3, 0.6]), pytest.approx([0.6, 0.6])]
    assert bands(ax)[0] == [pytest.approx((0, 0.2, 0.4)), pytest.approx((1, 0.4, 0.8))]
    assert [text.get_text() for text in ax.get_figure().legends[0].get_texts()] == ["a", "b"]


def test_the_band_may_be_the_standard_deviation(seeds, drawn):
    ax = drawn(figures.lines, seeds, "deep.cka", groups=GROUPS, band="sd")
    sd = np.std([0.2, 0.4], ddof=1)
    assert bands(ax)[0][0] == pytest.approx((0, 0.3 - sd, 0.3 + sd))


def test_over_steps_the_last_layer_is_drawn(seeds, drawn):
    ax = drawn(figures.lines, seeds, "deep.cka", along="step", groups=GROUPS, xlabel="epoch")
    assert ax.get_xlabel() == "epoch"
    assert ax.lines[0].get_xdata().tolist() == [0, 5]
    assert ax.lines[0].get_ydata() == pytest.approx([0.6, 0.6])


def test_over_what_was_swept_values_are_in_order_at_equal_distances(seeds, drawn):
    ax = drawn(figures.lines, seeds, "deep.cka", along=SWEPT)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.01", "0.1"]
    assert ax.lines[0].get_ydata() == pytest.approx([0.6, 0.6])
    assert bands(ax)[0][1] == pytest.approx((1, 0.4, 0.8))
    named = drawn(figures.lines, seeds, "deep.cka", along={run: "xy"[run < "b"] for run in SWEPT})
    assert [text.get_text() for text in named.get_xticklabels()] == ["y", "x"]


def test_what_was_swept_has_a_line_a_group(seeds, drawn):
    by_seed = {run: f"seed {run[-1]}" for run in SWEPT}
    ax = drawn(figures.lines, seeds, "deep.cka", along=SWEPT, groups=by_seed)
    heights = [line.get_ydata() for line in ax.lines[:2]]
    assert heights == [pytest.approx([0.6, 0.4]), pytest.approx([0.6, 0.8])]
    assert not bands(ax)


def test_the_reference_follows_what_is_swept(report, drawn, words):
    runs = report(run="a", layers=("0", "1")) + report(run="b", layers=("0", "1"))
    table = runs.table
    target = (table["measure"] == "deep.target_stable_rank") & (table["run"] == "b")
    table.loc[target, "value"] = 2.5
    ax = drawn(figures.lines, runs, "deep.feature_stable_rank", along={"a": 1, "b": 2})
    dashed = next(line for line in ax.lines if line.get_linestyle() == "--")
    assert dashed.get_ydata().tolist() == [1.5, 2.5]
    assert "target\n2.50" in words(ax)


def test_a_layer_without_a_value_is_not_the_last(seeds, changed, drawn):
    given = changed(seeds, "deep.cka", 1, value=np.nan, status="not defined")
    ax = drawn(figures.lines, given, "deep.cka", along=SWEPT)
    assert ax.lines[0].get_ydata() == pytest.approx([0.6, 0.3])


def test_a_band_that_reaches_zero_keeps_a_log_axis(report, drawn):
    runs = report(run="a", measures={"deep.noise_fraction": (0.5, 1e-3)})
    runs += report(run="b", measures={"deep.noise_fraction": (0.5, 0.0)})
    ax = drawn(figures.lines, runs, "deep.noise_fraction", groups=dict.fromkeys("ab", "both"), band="sd")
    assert ax.get_yscale() == "log"
    assert np.isfinite(ax.get_ylim()).all()
    assert ax.get_ylim()[0] > 1e-5


def test_an_overview_and_a_heatmap_take_groups_too(seeds, drawn):
    figure = drawn(figures.overview, seeds, ["deep.cka", "model.mse"], groups=GROUPS, named=True).get_figure()
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["Signal-target alignment (CKA)", "Network MSE"]
    ax = drawn(figures.heatmap, seeds, "deep.cka", groups=GROUPS, across="run")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b"]
    assert ax.collections[0].get_array().shape == (2, 2)


def test_words_that_will_not_do(seeds):
    with pytest.raises(UsageError, match="along must be 'depth', 'step', a value for each run, or None; it is 'layer'"):
        figures.lines(seeds, "deep.cka", along="layer")
    with pytest.raises(UsageError, match="There is no run 'c'"):
        figures.lines(seeds, "deep.cka", along={"c": 1})
    with pytest.raises(UsageError, match=r"groups= makes lines of several\. Leave one of them out"):
        figures.lines(seeds, "deep.cka", groups=GROUPS, hue="step")
    with pytest.raises(UsageError, match="groups names the run 'c'"):
        figures.heatmap(seeds, "deep.cka", groups={"c": "x"})
    with pytest.raises(UsageError, match="band must be one of 'range', 'sd'; it is 'iqr'"):
        figures.overview(seeds, groups=GROUPS, band="iqr")

"""Pictures of a study: which are drawn, and that they show the numbers."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from experiments import pictures


@pytest.fixture
def axes(monkeypatch):
    """Axes of the panels that are drawn."""
    drawn, grid = [], pictures._grid

    def kept(figure, count):
        drawn[:] = grid(figure, count)
        return drawn

    monkeypatch.setattr(pictures, "_grid", kept)
    return drawn


def lines(ax, count):
    """Drawn curves as (x, y), in order."""
    found = [(line.get_xdata(), line.get_ydata()) for line in ax.lines if len(line.get_xdata()) > 1]
    return found[:count]


def test_every_picture_comes_in_three_forms_and_stands_on_the_page(written):
    _, folder, _ = written
    page = (folder / "index.html").read_text()
    names = sorted(path.stem for path in folder.glob("*.svg"))
    assert {"overview", "deep-noise_fraction-sweep", "deep-noise_fraction-training"} <= set(names)
    for name in names:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert f'href="{name}.png"' in page
    assert page.count("<figure>") == len(names)


def test_curves_by_depth_are_the_mean_over_seeds(made, axes, tmp_path):
    values = {"a": {0: {"deep.cka": [0.2, 0.4]}, 1: {"deep.cka": [0.4, 0.8]}}, "b": {0: {"deep.cka": [0.1, 0.1]}}}
    pictures.by_depth(made(values), ["deep.cka"], path=tmp_path / "x.png")
    (xa, ya), (_, yb) = lines(axes[0], 2)
    np.testing.assert_allclose(xa, [0, 1])
    np.testing.assert_allclose(ya, [0.3, 0.6])
    np.testing.assert_allclose(yb, [0.1, 0.1])


def test_the_band_is_the_range_over_seeds(made, axes, tmp_path):
    values = {"a": {seed: {"deep.cka": [v, v]} for seed, v in enumerate((0.2, 0.5, 0.9))}}
    pictures.by_depth(made(values), ["deep.cka"], path=tmp_path / "x.png")
    (band,) = axes[0].collections
    corners = band.get_paths()[0].vertices[:, 1]
    assert corners.min() == pytest.approx(0.2)
    assert corners.max() == pytest.approx(0.9)


def test_curves_over_training_have_every_probed_epoch_on_a_log_axis(made, axes, tmp_path):
    pictures.over_training(made({"a": {0: {"nrc.1": {3: 1e-4}}}}), ["nrc.1"], path=tmp_path / "x.png")
    ((x, y),) = lines(axes[0], 1)
    np.testing.assert_allclose(x, [1, 4])
    np.testing.assert_allclose(y, [77, 1e-4])
    assert axes[0].get_xscale() == axes[0].get_yscale() == "log"


def test_the_targets_rank_stands_beside_the_features(made, axes, tmp_path):
    values = {"a": {0: {"deep.feature_stable_rank": [5.0, 2.0], "deep.target_stable_rank": {-1: 1.5}}}}
    pictures.by_depth(made(values), ["deep.feature_stable_rank"], path=tmp_path / "x.png")
    assert any(list(line.get_ydata()) == [1.5, 1.5] for line in axes[0].lines)
    assert [t.get_text() for t in axes[0].texts] == ["targets"]


@pytest.mark.parametrize(("count", "shape"), [(1, (1, 1)), (3, (1, 3)), (4, (2, 3)), (7, (3, 3))])
def test_panels_stand_three_in_a_row(count, shape):
    figure = Figure()
    panels = pictures._grid(figure, count)
    assert len(panels) == len(figure.axes) == count
    assert panels[0].get_gridspec().get_geometry() == shape


def test_many_settings_have_as_many_colours():
    assert [len(set(map(tuple, pictures._palette(n)))) for n in (1, 8, 12)] == [1, 8, 12]


def test_measures_that_were_not_taken_are_left_out(made, tmp_path):
    assert list(pictures.draw_all(made({"a": {0: {"other": {-1: 1.0}}}}, diverged=[("a", 0)]), tmp_path)) == []


def test_no_figure_is_left_open(written):
    assert plt.get_fignums() == []

"""Pictures of a study: which are drawn, and that they show the numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from deepnrc import figures
from experiments.pages import gallery


@pytest.fixture
def axes(monkeypatch):
    """Axes of the panels that are drawn."""
    drawn, overview = [], figures.overview

    def kept(*given, **named):
        drawn[:] = (first := overview(*given, **named)).figure.axes
        return first

    monkeypatch.setattr(figures, "overview", kept)
    return drawn


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures are named and not drawn."""

    def named(folder, name, caption, draw, *args):
        return gallery.Drawn(caption, folder / f"{name}.png", "")

    monkeypatch.setattr(gallery, "drawn", named)


def drawn_by(draw, results, measures, folder):
    """Draw the results' only group."""
    (group,) = results.groups()
    draw(results, measures, group, path=folder / "x.png")


def lines(ax, count):
    """Drawn curves as (x, y), in order."""
    found = [(line.get_xdata(), line.get_ydata()) for line in ax.lines if len(line.get_xdata()) > 1]
    return found[:count]


def test_every_picture_comes_in_three_forms_and_stands_on_the_page(written):
    _, folder, *_ = written
    page = (folder / "index.html").read_text()
    names = sorted(path.stem for path in folder.glob("*.svg"))
    assert {"overview", "deep-noise_fraction-sweep", "deep-noise_fraction-training"} <= set(names)
    for name in names:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert f'href="{name}.png"' in page
    assert page.count('<figure class="drawn"') == len(names)


def test_curves_by_depth_are_the_mean_over_seeds(made, axes, tmp_path):
    values = {"a": {0: {"deep.cka": [0.2, 0.4]}, 1: {"deep.cka": [0.4, 0.8]}}, "b": {0: {"deep.cka": [0.1, 0.1]}}}
    drawn_by(gallery.by_depth, made(values), ["deep.cka"], tmp_path)
    (xa, ya), (_, yb) = lines(axes[0], 2)
    np.testing.assert_allclose(xa, [0, 1])
    np.testing.assert_allclose(ya, [0.3, 0.6])
    np.testing.assert_allclose(yb, [0.1, 0.1])


@pytest.mark.usefixtures("undrawn")
def test_a_panel_that_would_say_nothing_is_left_out_and_told(made, tmp_path):
    measures = {
        "deep.cka": [0.2, 0.4],
        "deep.cross_alignment": [0.0, 2e-4],
        "deep.feature_target_alignment": [1.0, 0.9],
    }
    results = made({"a": {0: measures}, "b": {0: measures}})
    results = replace(results, study=replace(results.study, measures=tuple(measures)))
    assert {m: gallery.stuck_at(results.trained, m) for m in measures} == {
        "deep.cka": None, "deep.cross_alignment": None, "deep.feature_target_alignment": None,
    }  # fmt: skip
    still = replace(results, table=results.table[results.table["step"] == 3])  # earlier ones are of other values
    assert gallery.stuck_at(still.trained, "deep.cross_alignment") == 0
    for shown in (results, still):  # what is drawn is of the last step
        drawings = {drawing.file.stem: drawing for drawing in gallery.draw_all(shown, tmp_path)}
        assert "cross alignment, left out, is within 0.02 of 0 throughout" in drawings["overview"].caption
        assert "deep-cross_alignment-sweep" not in drawings
        assert {"deep-cka-sweep", "deep-feature_target_alignment-sweep"} <= set(drawings)


@pytest.mark.parametrize(
    ("measure", "values", "bound"),
    [
        ("deep.noise_fraction", (1e-4, 3e-4), None),  # a logarithmic axis tells these apart
        ("deep.noise_fraction", (0.0, 0.0), 0.0),
        ("deep.noise_fraction", (0.985, 1.0), 1.0),
        ("deep.cross_alignment", (1e-4, 0.015), 0.0),
        ("deep.cross_alignment", (1e-4, 0.03), None),
        ("deep.feature_stable_rank", (1.0, 1.015), 1.0),
        ("deep.noise", (0.5, 2.0), None),
    ],
)
def test_what_stays_at_a_bound_depends_on_the_axis(measure, values, bound):
    table = pd.DataFrame({"measure": measure, "variant": "default", "value": [*values, np.nan]})
    assert gallery.stuck_at(table, measure) == bound


@pytest.mark.usefixtures("undrawn")
def test_a_study_all_of_whose_measures_stay_at_a_bound_is_drawn_all_the_same(made, tmp_path):
    values = {"deep.cka": [0.99, 0.995], "deep.feature_target_alignment": [0.99, 0.985]}
    results = made({"a": {0: values}})
    rows = results.table[results.table["step"] == 3]  # before, the values are others
    results = replace(results, table=rows, study=replace(results.study, measures=tuple(values)))
    names = {drawing.file.stem for drawing in gallery.draw_all(results, tmp_path)}
    assert {"overview", "deep-cka-sweep", "deep-feature_target_alignment-sweep"} <= names


@pytest.mark.parametrize(("kind", "named"), [("Conv2d", True), ("Linear", False)])
def test_layers_of_convolutional_networks_are_named(made, monkeypatch, tmp_path, kind, named):
    results = made({"a": {0: {"deep.cka": [0.2, 0.4]}}})
    report = results.reports[0]
    report = type(report)(report.table.assign(kind=kind))
    asked = []
    monkeypatch.setattr(figures, "overview", lambda *given, **options: asked.append(options))
    drawn_by(gallery.by_depth, replace(results, reports=(report,)), ["deep.cka"], tmp_path)
    assert [options["named"] for options in asked] == [named]


def test_pictures_drawn_side_by_side_are_the_same_in_the_same_order(made, tmp_path):
    results = made({"a": {0: {"deep.cka": [0.2, 0.4]}, 1: {"deep.cka": [0.3, 0.5]}}})
    one, two = (list(gallery.draw_all(results, tmp_path / str(jobs), jobs=jobs)) for jobs in (1, 2))
    assert len(one) > 1
    assert [(p.caption, p.file.name) for p in two] == [(p.caption, p.file.name) for p in one]
    for a, b in zip(one, two, strict=True):
        assert b.file.read_bytes() == a.file.read_bytes()


@pytest.mark.usefixtures("undrawn")
def test_a_measure_of_the_last_layer_alone_is_drawn_over_training(made, tmp_path):
    values = {"deep.cka": [0.2, 0.4], "nc.3": [float("nan"), 0.1]}
    results = made({"a": {0: values}}, statuses={("nc.3", 0): "not defined"})
    results = replace(results, study=replace(results.study, measures=tuple(values)))
    drawn = {p.file.stem for p in gallery.draw_all(results, tmp_path)}
    assert {"overview", "training"} <= drawn
    assert "nc-3-sweep" not in drawn


@pytest.mark.parametrize(("ratio", "said"), [(0.0, True), (0.5, False)])
def test_a_measure_of_the_last_layer_that_stays_at_a_bound_is_left_out(made, monkeypatch, tmp_path, ratio, said):
    asked = {}
    monkeypatch.setattr(
        gallery, "drawn", lambda folder, name, caption, draw, *args: asked.update({name: (caption, args)})
    )
    nan = float("nan")
    values = {"deep.cka": [0.2, 0.4], "nrc.1": [nan, 0.1], "nrc.3_gamma_ratio": [nan, ratio]}
    absent = {("nrc.1", 0): "not defined", ("nrc.3_gamma_ratio", 0): "not defined"}
    results = made({"a": {0: values}}, statuses=absent)
    reports = [type(report)(report.table[report.table["step"] == 3]) for report in results.reports]
    study = replace(results.study, measures=tuple(values))
    list(gallery.draw_all(replace(results, study=study, reports=tuple(reports)), tmp_path))
    caption, (_, measures, _) = asked["training"]
    assert ("gamma / l_min, left out, is within 0.02 of 0 throughout" in caption) is said
    assert measures == (["nrc.1"] if said else ["nrc.1", "nrc.3_gamma_ratio"])


@pytest.mark.parametrize(("end", "said"), [(1.0, True), (0.9, False)])
def test_what_the_last_layer_does_not_tell_over_what_is_swept_is_left_out(made, monkeypatch, tmp_path, end, said):
    asked = {}
    monkeypatch.setattr(
        gallery, "drawn", lambda folder, name, caption, draw, *args: asked.update({name: (caption, args)})
    )
    values = {"deep.cka": [0.2, 0.4], "deep.feature_target_alignment": [0.5, end]}
    results = made({label: {0: values, 1: values} for label in "abc"})
    results = replace(results, study=replace(results.study, measures=tuple(values)))
    list(gallery.draw_all(results, tmp_path))
    caption, (_, measures) = asked["sweep"]
    assert ("feature-target covariance alignment, left out, is within 0.02 of 1 throughout" in caption) is said
    assert measures == (["deep.cka"] if said else list(values))
    assert set(asked["overview"][1][1]) == set(values)  # other layers tell


@pytest.mark.usefixtures("undrawn")
def test_a_measure_that_is_degenerate_in_all_layers_but_one_is_drawn_by_depth(made, tmp_path):
    measure = "deep.noise_fraction"
    results = made(
        {"a": {0: {measure: [0.5, 0.4, 0.3]}}}, statuses={(measure, 1): "degenerate", (measure, 2): "degenerate"}
    )
    results = replace(results, study=replace(results.study, measures=(measure,)))
    names = [picture.file.stem for picture in gallery.draw_all(results, tmp_path)]
    assert "overview" in names
    assert "training" not in names


def test_the_band_is_the_range_over_seeds(made, axes, tmp_path):
    values = {"a": {seed: {"deep.cka": [v, v]} for seed, v in enumerate((0.2, 0.5, 0.9))}}
    drawn_by(gallery.by_depth, made(values), ["deep.cka"], tmp_path)
    (band,) = axes[0].collections
    corners = band.get_paths()[0].vertices[:, 1]
    assert corners.min() == pytest.approx(0.2)
    assert corners.max() == pytest.approx(0.9)


def test_curves_over_training_have_every_probed_epoch(made, axes, tmp_path):
    drawn_by(gallery.over_training, made({"a": {0: {"nrc.1": {3: 1e-4}}}}), ["nrc.1"], tmp_path)
    ((x, y),) = lines(axes[0], 1)
    np.testing.assert_allclose(x, [0, 3])
    np.testing.assert_allclose(y, [77, 1e-4])
    assert axes[0].get_yscale() == "log"
    assert axes[0].get_xlabel() == "epoch"


def test_curves_over_training_leave_out_what_diverged(made, axes, tmp_path):
    values = {"a": {seed: {"nrc.1": {3: 10.0**-seed}} for seed in (1, 2, 3)}}
    drawn_by(gallery.over_training, made(values, diverged=[("a", 1)]), ["nrc.1"], tmp_path)
    ((_, y),) = lines(axes[0], 1)
    np.testing.assert_allclose(y, [77, (0.01 + 0.001) / 2])
    assert axes[0].collections[0].get_paths()[0].vertices[:, 1].min() == pytest.approx(0.001)


@pytest.mark.usefixtures("undrawn")
def test_a_group_of_which_every_run_diverged_is_not_drawn(made, tmp_path):
    lost = [(f"scaled, {w:g}", seed) for w in (0.0, 0.1, 0.5) for seed in (0, 1)]
    results = crossed(made, diverged=[*lost, ("untrained", 0), ("untrained", 1)])
    results = replace(results, study=replace(results.study, measures=("deep.cka", "nrc.1")))
    drawn = {p.file.stem for p in gallery.draw_all(results, tmp_path)}
    assert {"overview-raw", "training-raw"} <= drawn
    assert not {"overview-scaled", "training-scaled"} & drawn


@pytest.mark.usefixtures("undrawn")
def test_measures_that_were_not_taken_are_left_out(made, tmp_path):
    assert list(gallery.draw_all(made({"a": {0: {"other": {-1: 1.0}}}}, diverged=[("a", 0)]), tmp_path)) == []


def test_no_figure_is_left_open(made, tmp_path):
    before = plt.get_fignums()
    values = {"a": {0: {"deep.cka": [0.1, 0.5]}}, "b": {0: {"deep.cka": [0.2, 0.6]}}}
    assert len(list(gallery.draw_all(made(values), tmp_path))) > 0
    assert plt.get_fignums() == before


def crossed(made, **options):
    """Two groups (raw and scaled targets) of three weight decays, one setting beside them."""
    names = [(t, w) for t in ("raw", "scaled") for w in (0.0, 0.1, 0.5)]
    values = {
        f"{t}, {w:g}": {seed: {"deep.cka": [0.1, i / part], "nrc.1": {1: 0.5}} for seed, part in enumerate((10, 5))}
        for i, (t, w) in enumerate(names)
    }
    facts = {f"{t}, {w:g}": {"targets": t} for t, w in names}
    values = {"untrained": {s: {"deep.cka": [0.0, 0.0]} for s in (0, 1)}, **values}
    return made(values, decays=[None, *(w for _, w in names)], apart=facts, **options)


def test_settings_fall_into_groups_by_what_is_not_swept(made):
    raw, scaled = crossed(made).groups()
    assert (raw.name, raw.slug, scaled.name) == ("raw", "raw", "scaled")
    assert raw.labels == {"untrained": "untrained", "raw, 0": "weight decay 0", "raw, 0.1": "weight decay 0.1",
                          "raw, 0.5": "weight decay 0.5"}  # fmt: skip


def test_each_group_has_its_own_curves(made, axes, tmp_path):
    results = crossed(made)
    gallery.by_depth(results, ["deep.cka"], results.groups()[1], path=tmp_path / "x.png")
    assert [y[-1] for _, y in lines(axes[0], 4)] == pytest.approx([0, 0.45, 0.6, 0.75])


def test_the_sweep_is_drawn_at_the_last_layer_over_the_swept_values(made, axes, tmp_path):
    gallery.over_sweep(crossed(made), ["deep.cka"], path=tmp_path / "x.png")
    (x, raw), (_, scaled) = lines(axes[0], 2)
    assert list(x) == [0, 1, 2]
    assert list(raw) == pytest.approx([0, 0.15, 0.3])
    assert list(scaled) == pytest.approx([0.45, 0.6, 0.75])
    assert [t.get_text() for t in axes[0].get_xticklabels()] == ["0", "0.1", "0.5"]


@pytest.mark.usefixtures("undrawn")
def test_groups_and_sweep_come_with_the_study(made, tmp_path):
    names = {d.file.stem for d in gallery.draw_all(crossed(made), tmp_path)}
    assert {"sweep"} <= names

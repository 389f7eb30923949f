"""Pictures: layers in order of depth, one colour for collapse, every doubt marked, and no trace left behind."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

import deepnrc
from deepnrc import UsageError, figures
from deepnrc.descriptions import described
from deepnrc.figures.curves.chosen import log_thinned
from deepnrc.figures.heatmaps import cells
from deepnrc.figures.heatmaps.grids import grid
from deepnrc.figures.references import Mark
from deepnrc.figures.scales import scale
from deepnrc.figures.words import label, labels, log_ticks, number, thinned
from deepnrc.report import Report
from deepnrc.table import COLUMNS, NETWORK

MEASURES = {
    "deep.noise_fraction": (0.6, 0.3, 0.1),
    "deep.feature_stable_rank": (8.0, 4.0, 2.0),
    "deep.weight_stable_rank": (9.0, 5.0, 2.0),
    "deep.feature_weight_alignment": (0.2, 0.6, 0.9),
    "deep.cka": (0.3, 0.7, 0.95),
    "deep.linear_mse": (0.5, 0.1, 0.02),
}


def row(measure, value, depth, layer, *, run="net", step=0, variant="default", status="ok", floor=np.nan, note=""):
    fixed = {"kind": "Linear", "n_samples": 100, "dim": 10, "target_dim": 3, "rank": 2, "pool": "none"}
    chance = 0.37 if measure == "deep.feature_weight_alignment" else np.nan
    given = {"measure": measure, "value": value, "depth": depth, "layer": layer, "run": run, "step": step}
    return {**fixed, **given, "variant": variant, "status": status, "note": note, "chance": chance, "floor": floor}


def report(*, run="net", steps=(0,), layers=("8", "9", "10"), measures=MEASURES):
    rows = []
    for step in steps:
        for measure, values in measures.items():
            levels = np.interp(np.linspace(0, 1, len(layers)), np.linspace(0, 1, len(values)), values)
            rows += [
                row(
                    measure,
                    level / (1 + step) if measure == "deep.noise_fraction" else level,
                    i,
                    name,
                    run=run,
                    step=step,
                )
                for i, (name, level) in enumerate(zip(layers, levels, strict=True))
            ]
        rows.append(row("deep.target_stable_rank", 1.5, -1, NETWORK, run=run, step=step))
        rows.append(row("model.mse", 0.03 / (1 + step), -1, NETWORK, run=run, step=step))
    return Report.of(rows)


def changed(given, measure, depth, **values):
    table = given.table.copy()
    where = (table["measure"] == measure) & (table["depth"] == depth)
    for name, value in values.items():
        table.loc[where, name] = value
    return Report(table.astype(COLUMNS))


def drawn(function, *args, **kwargs):
    """The Axes that a function draws into a figure of its own, laid out."""
    ax = function(*args, **kwargs)
    figure = ax.get_figure()
    figure.canvas.draw()
    plt.close(figure)
    return ax


def words(ax):
    figure = ax.get_figure()
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def colours(ax):
    """Colours of the cells, (layers, columns, RGBA), of the first mesh."""
    mesh = ax.collections[0]
    mesh.update_scalarmappable()
    return mesh.get_facecolor().reshape(*mesh.get_array().shape, 4)


def test_first_layer_is_at_the_top_and_depth_is_the_order():
    ax = drawn(figures.heatmap, report(steps=(0, 1)))
    names = {text.get_text(): y for y, text in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)}
    heights = [ax.transData.transform((0, names[name]))[1] for name in ("8", "9", "10")]
    assert heights == sorted(heights, reverse=True)


def test_rows_in_any_order_make_the_same_cells():
    given = report(steps=(0, 3))
    shuffled = Report(given.table.sample(frac=1, random_state=0).reset_index(drop=True))
    first, second = (grid(r, "deep.cka", "default", "step", False) for r in (given, shuffled))
    assert first.layers == second.layers == ["8", "9", "10"]
    np.testing.assert_array_equal(first.values, second.values)


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
    own = scale(described("deep.linear_mse"), np.array([0.5, 1e-4]), [Mark("network MSE", 0.03, 0.03)])
    assert own.place(np.array([1e-4, 0.03])) == pytest.approx([0, 0])


def test_measures_without_direction_have_another_map():
    assert scale(described("deep.feature_stable_rank"), np.array([1.0, 5.0])).cmap.name == "Oranges"
    assert scale(described("mine.own"), np.array([1.0, 5.0])).cmap.name == "Oranges"


def test_stable_ranks_have_a_scale_that_ends_at_the_largest():
    for largest in (1.4, 9.0):
        norm = scale(described("deep.feature_stable_rank"), np.array([1.1, largest])).norm
        assert (norm.vmin, norm.vmax) == (1.0, largest)
    assert scale(described("deep.feature_stable_rank"), np.array([1.1]), [Mark("target", 2.0, 2.0)]).norm.vmax == 2.0


def test_runs_share_one_scale():
    quiet = report(run="b", steps=(0, 1))
    quiet = Report(quiet.table.assign(value=quiet.table["value"] / 50))
    ax = drawn(figures.heatmap, report(run="a", steps=(0, 1)) + quiet, "deep.noise_fraction")
    first, second = (panel for panel in ax.get_figure().axes if panel.get_title() in ("a", "b"))
    assert first.collections[0].norm.vmin == second.collections[0].norm.vmin == 0
    assert colours(first)[2, 0] != pytest.approx(colours(second)[2, 0])
    assert colours(first)[2, 1] == pytest.approx(mpl.colormaps["viridis"](place(0.05)), abs=0.01)


def place(value, low=0.1 / 2 / 50, high=1.0):
    return (np.log10(value) - np.log10(low)) / (np.log10(high) - np.log10(low))


def test_values_without_meaning_are_grey_and_said():
    given = changed(report(steps=(0, 1)), "deep.cka", 1, value=np.nan, status="not defined")
    ax = drawn(figures.heatmap, given, "deep.cka")
    assert [to_hex(patch.get_facecolor()) for patch in ax.patches] == [cells.GREY]
    assert (ax.patches[0].get_y(), ax.patches[0].get_width()) == (1, 2)
    assert "not defined or degenerate" in words(ax)


def test_a_degenerate_layer_is_grey_though_it_has_a_number():
    given = changed(report(), "deep.noise_fraction", 2, value=0.0, status="degenerate")
    ax = drawn(figures.heatmap, given, "deep.noise_fraction")
    assert ax.patches[0].get_y() == 2


def test_a_layer_that_a_run_does_not_have_is_left_blank():
    given = report(run="a") + report(run="b", layers=("8", "9"))
    ax = drawn(figures.heatmap, given, "deep.cka")
    assert not ax.patches
    assert ax.collections[0].get_array().mask.tolist() == [[False, False], [False, False], [False, True]]


def test_values_keep_their_layer_where_others_were_not_measured():
    table = report(steps=(0, 1)).table
    cells = grid(Report(table[(table["step"] == 0) | (table["depth"] != 0)]), "deep.cka", "default", "step", False)
    np.testing.assert_array_equal(cells.values, [[0.3, np.nan], [0.7, 0.7], [0.95, 0.95]])


def test_values_below_the_floor_have_the_floors_colour_and_a_mark():
    given = changed(report(), "deep.noise_fraction", 2, value=1e-17, floor=1e-15, status="below floor")
    ax = drawn(figures.heatmap, given, "deep.noise_fraction")
    assert "<1e-15" in words(ax)
    assert colours(ax)[2, 0] == pytest.approx(mpl.colormaps["viridis"](0.0))
    assert any("numerical floor" in text for text in words(ax))


def test_values_below_the_floor_are_hatched_where_nothing_is_printed():
    many = report(steps=range(60))
    ax = drawn(figures.heatmap, changed(many, "deep.noise_fraction", 2, value=0.0), "deep.noise_fraction")
    assert [patch.get_hatch() for patch in ax.patches] == [cells.BELOW_HATCH]


def test_onset_is_drawn_over_the_first_collapsed_layer():
    ax = drawn(figures.heatmap, report(steps=(0, 1, 3)))
    ((x, y),) = [line.get_data() for line in ax.lines]
    ends = {(a, b): c for a, b, c in zip(x[:-1], x[1:], y[:-1], strict=True) if b == a + 1}
    assert ends == {(0, 1): 2, (1, 2): 1, (2, 3): 0 if 0.6 / 4 <= 0.2 else 1}
    assert any("τ = 0.2" in text for text in words(ax))


def test_onset_of_one_run_does_not_run_on_into_the_next():
    far = report(run="c", measures={"deep.noise_fraction": (0.9, 0.8)})
    ax = drawn(
        figures.heatmap, report(run="a") + report(run="b", steps=(3,)) + far, "deep.noise_fraction", across="run"
    )
    x, y = ax.lines[0].get_data()
    assert list(x[~np.isnan(x)]) == [0, 1, 1, 2]
    assert list(y[~np.isnan(y)]) == [2, 2, 0, 0]
    assert np.isnan(x[2])


def test_runs_with_errors_of_their_own_share_no_level_of_collapse():
    alike = report(run="a") + report(run="b")
    apart = report(run="a") + report(run="b", steps=(3,))
    assert "Linear MSE\n(dark = collapsed)" in words(drawn(figures.heatmap, alike, "deep.linear_mse", across="run"))
    assert "Linear MSE (dark = low)" in words(drawn(figures.heatmap, apart, "deep.linear_mse", across="run"))


def test_references_stand_on_the_colour_bar():
    assert any("1.50 target" in text for text in words(drawn(figures.heatmap, report(), "deep.feature_stable_rank")))
    assert "0.37 chance" in words(drawn(figures.heatmap, report(), "deep.feature_weight_alignment"))


def test_the_two_stable_ranks_have_the_reference_of_their_own_form():
    rows = [row("deep.feature_stable_rank", 3.0, 0, "8", variant="covariance")]
    rows.append(row("deep.target_stable_rank", 1.25, -1, NETWORK, variant="covariance"))
    both = Report(pd.concat([report().table, Report.of(rows).table], ignore_index=True))
    ax = drawn(figures.lines, both, "deep.feature_stable_rank", variant="covariance")
    assert "target\n1.25" in words(ax)
    assert "target\n1.50" not in words(ax)


def test_across_measures_each_column_has_its_scale_and_prints_its_values():
    ax = drawn(figures.heatmap, report(), list(MEASURES))
    assert {"0.60", "8.00", "0.95", "0.020"} <= set(words(ax))
    assert any("Noise fraction\n→ 0" in text.replace("Noise\nfraction", "Noise fraction") for text in words(ax))
    assert colours(ax)[0, 0] == pytest.approx(mpl.colormaps["viridis"](place(0.6, 0.01)))
    assert colours(ax)[2, 4] == pytest.approx(mpl.colormaps["viridis"](0.05), abs=0.01)


def test_what_is_drawn_by_default():
    assert drawn(figures.heatmap, report(steps=(0, 5))).get_xlabel() == "step"
    assert drawn(figures.heatmap, report(run="a") + report(run="b")).get_xlabel() == "run"
    assert drawn(figures.heatmap, report()).get_title() == "Layers by measures, step 0"
    assert drawn(figures.heatmap, report(steps=(0, 5)), ["deep.cka"]).get_title() == "Signal-target alignment (CKA)"
    assert drawn(figures.heatmap, report(steps=(0, 5)), step=5).get_title() == "Layers by measures, step 5"


def test_steps_are_numbers_and_thinned():
    ax = drawn(figures.heatmap, report(steps=range(60)))
    shown = [int(text.get_text()) for text in ax.get_xticklabels()]
    assert shown[0] == 0
    assert shown[-1] == 59
    assert shown == sorted(shown)
    assert len(shown) < 40


def test_runs_that_lack_a_measure_still_join():
    given = report(run="a") + report(run="b", measures={"deep.cka": (0.1, 0.2, 0.3)})
    drawn(figures.heatmap, given, across="measure")
    drawn(figures.overview, given)


def test_lines_show_first_and_last_step_and_the_network():
    steps = (0, 1, 2, 4, 8, 16, 32, 64, 100)
    ax = drawn(figures.lines, report(steps=steps), "deep.linear_mse")
    legend = [text.get_text() for text in ax.get_figure().legends[0].get_texts()]
    assert len(legend) == 6
    assert (legend[0], legend[-1]) == ("0", "100")
    assert ax.get_yscale() == "log"
    assert f"network\n{number(0.03 / 101, decimals=1)}" in words(ax)


def test_lines_of_runs_keep_their_colour_where_a_run_lacks_the_measure():
    given = report(run="a", measures={"deep.cka": (0.1, 0.2)}) + report(run="b")
    both = drawn(figures.lines, given, "deep.cka").lines[2].get_color()
    alone = drawn(figures.lines, given, "deep.noise_fraction").lines[0].get_color()
    assert both == alone


def test_lines_mark_values_below_the_floor_with_open_markers():
    given = changed(report(), "deep.noise_fraction", 2, value=0.0, floor=1e-15, status="below floor")
    ax = drawn(figures.lines, given, "deep.noise_fraction")
    opened = next(line for line in ax.lines if line.get_linestyle() == "None")
    assert opened.get_markerfacecolor() == "white"
    assert opened.get_ydata() == [1e-15]
    assert "floor" in words(ax)


def test_lines_leave_a_gap_where_there_is_no_value():
    given = changed(report(), "deep.cka", 2, value=0.5, status="degenerate")
    ax = drawn(figures.lines, given, "deep.cka")
    assert np.isnan(ax.lines[0].get_ydata()[2])
    assert ax.get_xlim()[1] > 2


def test_one_value_a_step_is_drawn_over_the_steps():
    ax = drawn(figures.lines, report(steps=(0, 1, 2)), "model.mse")
    assert ax.get_xlabel() == "step"
    assert list(ax.lines[0].get_xdata()) == [0, 1, 2]


def test_an_overview_has_six_panels_in_words():
    figure = drawn(figures.overview, report(steps=(0, 1))).get_figure()
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == [described(name).title for name in MEASURES]


def test_onset_counts_collapsed_layers():
    ax = drawn(figures.onset, report(steps=(0, 1, 3)))
    assert list(ax.lines[0].get_ydata()) == [1, 2, 3]


@pytest.mark.parametrize("function", [figures.heatmap, figures.lines])
def test_ax_is_drawn_in(function):
    figure = Figure()
    ax = figure.subplots()
    assert function(report(steps=(0, 1)), "deep.cka", ax=ax) is ax
    assert ax.get_title()


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_a_file_is_what_its_ending_says(tmp_path, suffix, magic):
    path = tmp_path / "new" / f"figure{suffix}"
    figures.heatmap(report(), path=path)
    assert path.read_bytes().startswith(magic)


def test_the_same_report_makes_the_same_file(tmp_path):
    for name in ("a.svg", "b.svg"):
        figures.lines(report(), "deep.cka", path=tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_no_figure_stays_open_and_no_setting_changes(tmp_path):
    before, settings = plt.get_fignums(), dict(mpl.rcParams)
    given = report(steps=(0, 1))
    figures.heatmap(given, path=tmp_path / "a.png")
    figures.lines(given, "deep.cka", path=tmp_path / "b.png")
    figures.overview(given, path=tmp_path / "c.png")
    figures.heatmap(given, ax=Figure().subplots())
    with pytest.raises(UsageError):
        figures.heatmap(given + report(run="b", steps=(0, 1)), "deep.cka", ax=Figure().subplots())
    assert plt.get_fignums() == before
    assert dict(mpl.rcParams) == settings


def test_settings_of_ones_own_stay():
    with mpl.rc_context({"font.size": 17, "svg.hashsalt": "mine"}):
        drawn(figures.heatmap, report())
        assert (mpl.rcParams["font.size"], mpl.rcParams["svg.hashsalt"]) == (17, "mine")


def test_a_failure_leaves_no_figure_open(monkeypatch):
    monkeypatch.setattr(figures.heatmaps.bars, "bar", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        figures.heatmap(report(), "deep.cka")
    assert not plt.get_fignums()


def test_names_are_printed_as_they_are(tmp_path):
    odd = report(layers=("$x$", "<b>", "_y")).renamed("_a$b$") + report().renamed("other")
    ax = drawn(figures.lines, odd, "deep.cka")
    legend = ax.get_figure().legends[0].get_texts()
    assert [(text.get_text(), text.get_parse_math()) for text in legend] == [("_a$b$", False), ("other", False)]
    figures.heatmap(odd.at(run="_a$b$"), path=tmp_path / "odd.svg")
    assert ">$x$<" in (tmp_path / "odd.svg").read_text()
    assert "&lt;b&gt;" in (tmp_path / "odd.svg").read_text()
    assert label("a\x07b") == "a\N{REPLACEMENT CHARACTER}b"


def test_long_names_are_shortened_but_stay_apart():
    names = [f"module.backbone.stages.{i}.blocks.attention.weight" for i in range(30)]
    assert len(set(labels(names))) == 30
    assert len(labels(["x" * 300])[0]) < 40


@pytest.mark.parametrize("count", [1, 2, 3, 7, 19, 40, 1000])
def test_thinned_labels_keep_both_ends(count):
    kept = thinned(count, 8)
    assert (kept[0], kept[-1]) == (0, count - 1)
    assert kept == sorted(set(kept))
    assert len(kept) <= 9


def test_small_words():
    assert log_thinned([0, 1, 2]) == [0, 1, 2]
    assert [words for _, words in log_ticks(1e-9, 1, 4)] == ["1", "10⁻³", "10⁻⁶", "10⁻⁹"]


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
def test_heatmap_refuses(arguments, said):
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        figures.heatmap(report(), **arguments)
    assert not plt.get_fignums()


def test_lines_refuse():
    with pytest.raises(UsageError, match="hue must be one of 'step', 'run', or None; it is 'depth'"):
        figures.lines(report(), "deep.cka", hue="depth")
    with pytest.raises(UsageError, match="Lines by step show one run, and this report has 'a', 'b'"):
        figures.lines(report(run="a") + report(run="b"), "deep.cka", hue="step")
    with pytest.raises(UsageError, match="no measure 'nothing'"):
        figures.lines(report(), "nothing")
    bare = Report.of([row("model.mse", 0.1, -1, NETWORK)])
    with pytest.raises(UsageError, match="An overview needs one of"):
        figures.overview(bare)
    with pytest.raises(UsageError, match="No measure of this report has a value a layer"):
        figures.heatmap(bare)


def test_a_star_saves_every_kind_and_draws_once(tmp_path):
    figures.heatmap(report(), path=tmp_path / "noise.v2.*")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["noise.v2.pdf", "noise.v2.png", "noise.v2.svg"]
    starts = {path.suffix: path.read_bytes()[:5] for path in tmp_path.iterdir()}
    assert starts == {".pdf": b"%PDF-", ".png": b"\x89PNG\r", ".svg": b"<?xml"}


@pytest.mark.parametrize("measure", ["deep.noise_fraction", "deep.cka"])
def test_the_label_of_a_low_colour_bar_lies_within_the_picture(measure, tmp_path):
    figure = figures.heatmap(report(), measure, path=tmp_path / "low.png").get_figure(root=True)
    labels = [text for text in figure.findobj(mpl.text.Text) if "(dark" in text.get_text()]
    assert labels
    for box in (text.get_window_extent() for text in labels):
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height


@pytest.mark.parametrize("name", ["one.png", "all.*"])
@pytest.mark.parametrize("draw", [figures.lines, figures.heatmap])
def test_a_figure_is_still_laid_out_after_saving(tmp_path, draw, name):
    figure = Figure(layout="constrained")
    for axes in (
        draw(report(), "deep.cka", ax=figure.subplots(), path=tmp_path / name),
        draw(report(), "deep.cka", path=tmp_path / name),
    ):
        engine = axes.get_figure(root=True).get_layout_engine()
        assert isinstance(engine, ConstrainedLayoutEngine)


def test_files_that_cannot_be_written(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be saved as 'x.gif': its ending must be .png, .pdf or .svg"):
        figures.heatmap(report(), path=tmp_path / "x.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written to .*Name a file that you may write to"):
        figures.heatmap(report(), path=tmp_path / "file" / "x.png")


def test_one_axes_holds_one_panel():
    with pytest.raises(UsageError, match="One Axes holds one panel, and here are 2, one a run"):
        figures.heatmap(report(run="a", steps=(0, 1)) + report(run="b", steps=(0, 1)), ax=Figure().subplots())


def test_a_probe_of_ones_own_is_drawn_by_its_name():
    own = Report.of([row("mine.own", value, i, str(i)) for i, value in enumerate((-1.0, 0.0, 4.0))])
    assert drawn(figures.lines, own, "mine.own").get_ylabel() == "mine.own"
    assert "-1.00" in words(drawn(figures.heatmap, own, "mine.own"))


@pytest.mark.parametrize("measure", ["deep.spectral_gap", "deep.linear_mse", "mine.own"])
def test_infinite_values_are_printed_and_have_the_far_colour(measure):
    given = report(measures={measure: (2.0, 3.0, 5.0)})
    given = changed(changed(given, measure, 2, value=np.inf), "model.mse", -1, value=np.inf)
    assert "∞" in words(drawn(figures.heatmap, given, measure))
    assert np.isfinite(drawn(figures.lines, given, measure).get_ylim()).all()
    assert number(-np.inf) == "-∞"


def test_a_probe_of_ones_own_is_drawn_as_its_record_describes_it():
    entry = {"name": "mine.own", "variant": "x", "title": "My own", "bounds": [0, 1], "better": "high", "log": False}
    rows = [row("mine.own", value, i, str(i), variant="x") for i, value in enumerate((0.2, 0.9))]
    given = Report.of(rows, [{"run": "net", "step": 0}, {"run": "net", "step": 0, "probes": [entry]}])
    probe = described("mine.own", "x", given.provenance)
    assert (probe.title, probe.bounds, probe.better, probe.log) == ("My own", (0, 1), "high", False)
    assert "My own (dark = collapsed)" in words(drawn(figures.heatmap, given, "mine.own", variant="x"))
    ax = drawn(figures.lines, given, "mine.own", variant="x")
    assert (ax.get_ylabel(), ax.get_ylim()) == ("My own", (-0.03, 1.03))
    assert described("mine.own", provenance=given.provenance).title == "mine.own"
    assert described("deep.cka", provenance=[{"probes": [{"name": "deep.cka", "title": "no"}]}]).title != "no"


def test_a_probe_of_ones_own_keeps_its_title_and_scale_from_measuring_to_drawing():
    mine = deepnrc.Probe(
        "mine.trace", lambda S_H: float(S_H.trace()), "Trace", bounds=(0, np.inf), better="low", log=True
    )
    net, data = torch.nn.Linear(3, 2), (torch.randn(20, 3), torch.randn(20, 2))
    ax = drawn(deepnrc.probe(net, data, probes=[mine], progress=False).heatmap, "mine.trace")
    assert "Trace (dark = collapsed)" in words(ax)


def test_tau_is_an_argument_and_what_is_drawn_and_said():
    given = report(steps=(0, 1))
    ax = drawn(figures.heatmap, given, "deep.noise_fraction", tau=0.4)
    assert grid(given, "deep.noise_fraction", "default", "step", True, 0.4).onset == [1, 0]
    assert any("τ = 0.4" in text for text in words(ax))
    assert any(text == "0.40 τ" for text in words(ax))
    for function in (figures.lines, figures.overview):
        arguments = ["deep.noise_fraction"] if function is figures.lines else []
        assert "τ\n0.40" in words(drawn(function, given, *arguments, tau=0.4))
    ax = drawn(figures.onset, given, tau=0.4)
    assert "noise fraction ≤ 0.4" in words(ax)
    assert list(ax.lines[0].get_ydata()) == [2, 3]


@pytest.mark.parametrize("draw", [figures.heatmap, lambda r, **k: figures.lines(r, "deep.cka", **k), figures.overview])
def test_a_tau_that_is_no_noise_fraction_is_refused(draw):
    with pytest.raises(UsageError, match="tau is a noise fraction and must lie between 0 and 1; it is 2"):
        draw(report(), tau=2)

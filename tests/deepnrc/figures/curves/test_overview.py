"""Several measures in one figure."""

from deepnrc import figures
from deepnrc.table.descriptions import described
from probes import CATALOG

MEASURES = (
    "deep.noise_fraction",
    "deep.feature_stable_rank",
    "deep.weight_stable_rank",
    "deep.feature_weight_alignment",
    "deep.cka",
    "deep.linear_mse",
)


def test_an_overview_has_six_panels_in_words(report, drawn):
    figure = drawn(figures.overview, report(steps=(0, 1))).get_figure()
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == [described(name).title for name in MEASURES]


def test_runs_that_lack_a_measure_still_join(report, drawn):
    given = report(run="a") + report(run="b", measures={"deep.cka": (0.1, 0.2, 0.3)})
    drawn(figures.heatmap, given, across="measure")
    drawn(figures.overview, given)


def test_no_title_is_cut_and_none_lies_on_another(report, drawn):
    titles = {probe.title: probe.name for probe in CATALOG if probe.variant == "default" and probe.where != "network"}
    longest = [titles[title] for title in sorted(titles, key=len, reverse=True)[:9]]
    ax = drawn(figures.overview, report(measures=dict.fromkeys(longest, (0.9, 0.5, 0.2))), longest)
    whole = ax.figure.bbox
    boxes = [panel._left_title.get_window_extent() for panel in ax.figure.axes]
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and box.y1 <= whole.y1 for box in boxes)
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])

"""Several measures in one figure."""

from deepnrc import figures
from deepnrc.table.descriptions import described

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

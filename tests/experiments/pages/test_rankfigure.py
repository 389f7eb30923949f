"""The figure of learned ranks."""

from dataclasses import replace

import pytest
from matplotlib import pyplot as plt

from experiments.data import LowRank
from experiments.pages.rankfigure import draw_ranks, learned_ranks

FEATURES, TARGETS = "deep.feature_stable_rank", "deep.target_stable_rank"


@pytest.fixture
def swept_ranks(made):
    """Ranks 3 and 1, in that order, of which the features miss a tenth; one seed of rank 3 diverged."""
    values = {
        f"rank {rank}": {
            seed: {FEATURES: [9.0, 0.9 * rank + 0.01 * seed], TARGETS: {-1: float(rank)}} for seed in range(3)
        }
        for rank in (3, 1)
    }
    apart = {f"rank {rank}": {"target_rank": rank} for rank in (3, 1)}
    results = made(values, [1e-3, 1e-3], diverged=[("rank 3", 2)], apart=apart)
    settings = tuple(
        replace(s, data=LowRank(s.apart["target_rank"], 4, 6, 100, (1.0,))) for s in results.study.settings
    )
    return replace(results, study=replace(results.study, settings=settings, sweep="target_rank"))


def test_each_rank_has_its_mean_its_interval_and_the_closed_form(swept_ranks):
    one, three = learned_ranks(swept_ranks)
    assert (one.rank, one.targets, three.rank, three.targets) == (1, 1, 3, 3)
    assert (one.learned, one.low, one.high) == pytest.approx((0.91, 0.9, 0.92))
    assert (three.learned, three.low, three.high) == pytest.approx((2.705, 2.7, 2.71))  # without the one that diverged
    assert (one.predicted, three.predicted) == pytest.approx((1, 3), rel=0.1)  # nearly equal eigenvalues


def test_the_figure_holds_marks_equality_and_the_closed_form(swept_ranks, monkeypatch, tmp_path):
    shown = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, *a, **k: shown.append(figure))
    draw_ranks(learned_ranks(swept_ranks), tmp_path / "x.png")
    (ax,) = shown[0].axes
    drawn = {line.get_label(): list(line.get_ydata()) for line in ax.lines if not line.get_label().startswith("_")}
    assert drawn["deep linear closed form"] == pytest.approx([1, 3], rel=0.1)
    (equality,) = [line for line in ax.lines if line.get_label() == "as wide as the targets"]
    assert list(equality.get_xdata()) == list(equality.get_ydata())
    assert ax.get_xlabel() == "stable rank of the targets"
    plt.close("all")

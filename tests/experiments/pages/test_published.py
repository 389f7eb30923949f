"""A study's networks beside a paper's."""

from dataclasses import replace

import pytest
from matplotlib import pyplot as plt

from deepnrc import figures
from deepnrc.table import published_curve
from experiments.claims import Claim, at_rank
from experiments.pages.published import draw_again, draw_pair, pairs, table
from experiments.runner import Beside, reread

SWIMMER, NOISE = ("swimmer", "wd 5e-3"), "deep.noise_fraction"


@pytest.fixture
def panels(monkeypatch):
    """The Axes of what is drawn."""
    kept, overview = [], figures.overview

    def draw(*given, **named):
        kept[:] = (first := overview(*given, **named)).figure.axes
        return first

    monkeypatch.setattr(figures, "overview", draw)
    return kept


@pytest.fixture
def halved(made):
    """Two seeds of a setting whose noise is half of what is published in the mean, beside one that is not meant."""
    curve = list(published_curve(NOISE, SWIMMER).values.values())
    values = {
        "none": {0: {NOISE: [0.9] * 8}, 1: {NOISE: [0.9] * 8}},
        "some": {0: {NOISE: [0.25 * v for v in curve]}, 1: {NOISE: [0.75 * v for v in curve]}},
    }
    results = made(values)
    return replace(results, study=replace(results.study, beside=(Beside("some", SWIMMER, "Alike."),)))


def test_the_mean_over_seeds_stands_beside_the_curve(halved):
    (pair,) = pairs(halved)
    assert [curve.measure for curve in pair.curves] == [NOISE]
    told = table([pair])
    (row,) = told["rows"]
    assert row[:6] == ["some", "swimmer, wd 5e-3", NOISE, "0.168 here, 0.337 published", "50 %", "50 %"]
    assert "the data alone" in told["caption"]


def test_the_curve_is_drawn_over_the_mean(halved, panels, tmp_path):
    draw_pair(pairs(halved)[0], tmp_path / "x.png")
    (panel,) = panels
    assert "off: median 50 %, largest 50 %" in panel.get_title(loc="left")
    assert sum(line.get_marker() == "x" for line in panel.lines) == 1
    plt.close("all")


def test_networks_of_other_layers_or_another_k_stand_beside_nothing(halved, made):
    beside = halved.study.beside
    short = made({"none": {0: {NOISE: [0.9] * 8}}, "some": {0: {NOISE: [0.5] * 7}}})
    assert pairs(replace(short, study=replace(short.study, beside=beside))) == []
    hopper = (Beside("some", ("hopper", "wd 1e-3"), ""),)  # its noise is at k = 3
    assert pairs(replace(halved, study=replace(halved.study, beside=hopper))) == []
    assert table([]) is None


def test_a_setting_that_diverged_stands_beside_nothing(made):
    values = {"none": {0: {NOISE: [0.9] * 8}}, "some": {0: {NOISE: [0.5] * 8}}}
    results = made(values, diverged=[("some", 0)])
    assert pairs(replace(results, study=replace(results.study, beside=(Beside("some", SWIMMER, ""),)))) == []


def test_networks_are_read_again_at_another_rank(study, swept, panels, tmp_path):
    results = swept(study())
    again = reread(results, "some", rank=1)
    assert set(again.table["rank"].dropna()) == {1}
    assert (again.settings, again.report.runs) == (["some"], ["some, seed 0"])
    claim = Claim("low", "us", lambda r: float(r.table["rank"].dropna().max()), "<", 2)
    assert claim.judged(results).measured == 2
    (at_one,) = at_rank([claim], "some", 1)
    assert (at_one.judged(results).measured, at_one.statement) == (1, "low (read at k = 1)")
    same = reread(results, "some").report.values(NOISE)["value"].tolist()
    assert same == pytest.approx(results.report.at(run="some, seed 0").values(NOISE)["value"].tolist())
    draw_again(results, Beside("some", SWIMMER, ""), 1, tmp_path / "x.png")
    assert panels
    plt.close("all")

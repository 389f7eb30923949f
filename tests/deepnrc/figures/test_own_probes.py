"""A user's own probe is drawn as ours are."""

import numpy as np
import pytest
import torch

import deepnrc
from deepnrc import figures
from deepnrc.page import page
from deepnrc.report import Report
from deepnrc.table.descriptions import described


def test_a_probe_of_ones_own_is_drawn_by_its_name(row, drawn, words):
    own = Report.of([row("mine.own", value, i, str(i)) for i, value in enumerate((-1.0, 0.0, 4.0))])
    assert drawn(figures.lines, own, "mine.own").get_ylabel() == "mine.own"
    assert "-1.00" in words(drawn(figures.heatmap, own, "mine.own"))


def test_a_probe_of_ones_own_is_drawn_as_its_record_describes_it(row, drawn, words):
    entry = {"name": "mine.own", "variant": "x", "title": "My own", "bounds": [0, 1], "better": "high", "log": False}
    rows = [row("mine.own", value, i, str(i), variant="x") for i, value in enumerate((0.2, 0.9))]
    given = Report.of(rows, [{"run": "net", "step": 0}, {"run": "net", "step": 0, "probes": [entry]}])
    probe = described("mine.own", "x", given.provenance)
    assert (probe.title, probe.bounds, probe.better, probe.log) == ("My own", (0, 1), "high", False)
    assert "My own (dark = high)" in words(drawn(figures.heatmap, given, "mine.own", variant="x"))
    ax = drawn(figures.lines, given, "mine.own", variant="x")
    assert (ax.get_ylabel(), ax.get_ylim()) == ("My own", (-0.03, 1.03))
    assert described("mine.own", provenance=given.provenance).title == "mine.own"
    assert described("deep.cka", provenance=[{"probes": [{"name": "deep.cka", "title": "no"}]}]).title != "no"


def test_a_probe_of_ones_own_keeps_its_title_and_scale_from_measuring_to_drawing(drawn, words):
    mine = deepnrc.Probe(
        "mine.trace", lambda S_H: float(S_H.trace()), "Trace", bounds=(0, np.inf), better="low", log=True
    )
    net, data = torch.nn.Linear(3, 2), (torch.randn(20, 3), torch.randn(20, 2))
    ax = drawn(deepnrc.probe(net, data, probes=[mine], progress=False).heatmap, "mine.trace")
    assert "Trace (dark = low)" in words(ax)


NET, DATA = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2)), (torch.randn(20, 3), torch.randn(20, 2))


def half(S_H):
    return float(S_H.trace()) / 2


OWN = {
    "target": (deepnrc.Reference("target stable rank", "deep.target_stable_rank"), "target"),
    "level": (deepnrc.Reference("half of all", level=0.5), "half\n0.50"),
    "tau": (deepnrc.Reference("τ", threshold=True), "τ\n0.20"),
    "own error": (deepnrc.Reference("network MSE", "model.mse", collapsed=True), "network"),
}


ANY = pytest.mark.parametrize("measured", ["level"], indirect=True)  # whatever its reference is


@pytest.fixture(scope="module", params=OWN)
def measured(request, tmp_path_factory):
    """A main probe of one's own with a reference, measured, saved and loaded; and what its line says."""
    reference, said = OWN[request.param]
    mine = deepnrc.Probe(
        "mine.half", half, "Half the trace", "Half of it. Whatever it is.", "Tr(S_H)/2", "a paper of mine",
        bounds=(0, np.inf), reference=reference, main=True, short="half", digits=".5f", chance=lambda d: d / 100,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("own")
    reports = [
        deepnrc.probe(NET, DATA, probes=[mine, "deep.*", "model.*"], step=step, run="net", progress=False)
        for step in (0, 1)
    ]
    return deepnrc.load((reports[0] + reports[1]).save(folder)), said


def test_a_main_probe_of_ones_own_has_a_line_with_its_reference(measured, drawn, words):
    report, said = measured
    shown = words(drawn(figures.lines, report, "mine.half"))
    assert any(text.startswith(said) for text in shown)
    assert "chance" in shown


@ANY
def test_a_main_probe_of_ones_own_stands_among_the_main_ones(measured, drawn):
    report, _ = measured
    titles = [ax.get_title(loc="left") for ax in drawn(figures.overview, report).get_figure().axes]
    assert titles[-1] == "Half the trace"
    assert len(titles) == 7
    heads = [text.get_text() for text in drawn(figures.heatmap, report.at()).get_xticklabels()]
    assert heads[-1].replace("\n", " ").startswith("Half the trace")


@ANY
def test_a_main_probe_of_ones_own_has_its_column_in_the_summary(measured):
    report, _ = measured
    line = next(line for line in str(report).splitlines() if line.startswith("layer"))
    assert line.split()[-3:] == ["half", "chance", "verdict"]
    value = report.at().values("mine.half")["value"].iloc[0]
    assert f"{value:.5f}" in str(report)


@ANY
def test_a_main_probe_of_ones_own_has_its_picture_column_and_explanation_on_the_page(measured, sketched):
    report, _ = measured
    text = page(report)
    drawn = '"title":"Half the trace"'  # among the measures of the heatmap
    for said in (drawn, "Half of it. Whatever it is.", "Tr(S_H)/2", "a paper of mine"):
        assert said in text
    assert '<button type="button" title="mine.half">Half the trace</button>' in text


def test_a_record_of_an_older_version_describes_a_probe_as_far_as_it_goes():
    entry = {"name": "mine.own", "title": "My own", "bounds": ["0", "inf"], "better": "low", "collapsed": None}
    probe = described("mine.own", provenance=[{"probes": [entry]}])
    assert (probe.reference, probe.main, probe.log) == (None, False, False)
    newer = {**entry, "reference": {"words": "level", "level": 2.0, "colour": "red"}, "shown": ["summary"]}
    probe = described("mine.own", provenance=[{"probes": [newer]}])
    assert (probe.reference, probe.shown) == (deepnrc.Reference("level", level=2.0), ("summary",))

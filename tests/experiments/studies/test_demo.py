"""The demo: two networks, side by side, with everything it promises in its folder."""

import contextlib
import io

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import deepnrc
from experiments.studies.demo import Demo, network, standing, trained

SMALL = {"width": 8, "depth": 2, "epochs": 3, "jobs": 1, "data": "reacher_1k"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A demo that was run, and what it said."""
    before, demo = torch.get_num_threads(), Demo(out=tmp_path_factory.mktemp("demo"), **SMALL)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        demo.run()
    torch.set_num_threads(before)
    return demo, said.getvalue()


@pytest.fixture
def demo(tmp_path):
    before = torch.get_num_threads()
    yield Demo(out=tmp_path / "demo", **SMALL)
    torch.set_num_threads(before)


def test_it_says_what_came_out_and_writes_what_it_names(ran):
    demo, said = ran
    assert "weight decay 0.003\n" in said
    assert "weight decay 0\n" in said
    for name in ("report.html", "noise.png", "stable-rank.png", "overview.png"):
        assert str(demo.out / name) in said
        assert (demo.out / name).stat().st_size > 1000
    report = deepnrc.load(demo.out / "report")
    assert report.runs == ["weight decay 0.003", "weight decay 0"]
    assert report.steps == [0, 1, 2, 3]


def test_its_first_result_tells_the_two_networks_apart(ran):
    demo, said = ran
    report = deepnrc.load(demo.out / "report")
    told = [f"{run}: {standing(report, run)}" for run in report.runs]
    results = [line for line in said.splitlines() if line][1]
    assert results == f"{told[0]}; {told[1]}."


@pytest.mark.parametrize(
    ("layer", "words"),
    [("layer3", "collapsed from layer3 on (2 of 4 layers)"), (None, "not collapsed"), ("", "cannot be judged")],
)
def test_a_network_is_told_collapsed_or_not_by_the_definition(monkeypatch, layer, words):
    rules = {"noise": "layer1"} | ({} if layer == "" else {"collapsed": layer})
    layers = pd.array(list(rules.values()), dtype="string")
    starts = pd.DataFrame({"rule": list(rules), "layer": layers, "layers": 2, "of": 4})
    monkeypatch.setattr(deepnrc.Report, "at", lambda self, run: self)
    monkeypatch.setattr(deepnrc.Report, "onset", lambda self: starts)
    assert standing(deepnrc.Report(pd.DataFrame()), "net") == words


def test_data_that_is_not_there_is_refused_before_any_training(tmp_path, monkeypatch):
    monkeypatch.setattr("joblib.Parallel", lambda *a, **k: pytest.fail("workers were started"))
    with pytest.raises(ValueError, match="No shipped data is named 'nope'"):
        Demo(out=tmp_path, data="nope").run()


def test_its_network_and_data_are_left_for_the_command_line(ran):
    demo, _ = ran
    weights = load_file(demo.out / "runs" / "weight-decay-0.003.safetensors")
    assert weights["layer1.weight"].shape == (8, 10)
    assert deepnrc.load(demo.out / "runs" / "weight-decay-0.003").steps == [0, 1, 2, 3]
    with np.load(demo.out / "data.npz") as data:
        assert (data["x"].shape, data["y"].shape) == ((800, 10), (800, 2))


def test_the_same_seed_gives_the_same_digits(demo, tmp_path):
    tables = [trained(Demo(out=tmp_path / f"{i}", seed=s, **SMALL), 1e-3, 0).table for i, s in enumerate((0, 0, 1))]
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    assert not tables[0]["value"].equals(tables[2]["value"])
    untrained = [t.query("step == 0 and measure == 'deep.weight_stable_rank'")["value"] for t in tables]
    assert not untrained[0].equals(untrained[2])  # other weights, not only another split


def test_the_command_lines_network_fits_what_the_demo_saves():
    assert [tuple(p.shape) for name, p in network().named_parameters() if "weight" in name] == [
        (128, 8), *[(128, 128)] * 5, (2, 128),
    ]  # fmt: skip

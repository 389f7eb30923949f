"""One network at many checkpoints: each as if probed alone, gone on with, and nothing mixed up."""

import warnings

import pytest
import torch
from pandas.testing import assert_frame_equal
from torch import nn

import deepnrc
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring import history

X, Y = torch.randn(40, 4, generator=torch.Generator().manual_seed(0)), torch.randn(40, 2)
FAST = {"probes": ["deep.noise_fraction", "deep.weight_stable_rank", "nrc.1_centred"], "progress": False}


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))


@pytest.fixture
def ck(tmp_path):
    """A folder of three checkpoints."""
    folder = tmp_path / "ck"
    folder.mkdir()
    for step in (1, 2, 10):
        torch.save(network(step).state_dict(), folder / f"net-{step}.pt")
    return folder


@pytest.fixture
def measured(monkeypatch):
    """Steps that were measured, in order."""
    steps, probe = [], history.probe
    monkeypatch.setattr(
        history, "probe", lambda *args, **named: (steps.append(named["step"]), probe(*args, **named))[1]
    )
    return steps


def test_each_step_is_that_checkpoint_alone(ck):
    net = network()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    report = deepnrc.probe_checkpoints(net, f"{ck}/*.pt", (X, Y), run="r", **FAST)
    assert report.steps == [1, 2, 10]
    for step in report.steps:
        alone = deepnrc.probe(network(step), (X, Y), run="r", step=step, **FAST)
        assert_frame_equal(report.at(step).table.reset_index(drop=True), alone.table, check_exact=True)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [record["checkpoint"]["name"] for record in report.provenance] == ["net-1.pt", "net-2.pt", "net-10.pt"]


@pytest.mark.slow
def test_processes_side_by_side_change_no_digit(ck):
    here = deepnrc.probe_checkpoints(network(), ck, (X, Y), **FAST)
    there = deepnrc.probe_checkpoints(network(), ck, (X, Y), jobs=2, **FAST)
    assert_frame_equal(here.table, there.table, check_exact=True)


def test_what_is_done_is_not_measured_again(ck, tmp_path, measured):
    out = tmp_path / "out"
    deepnrc.probe_checkpoints(network(), [ck / "net-2.pt"], (X, Y), folder=out, **FAST)
    report = deepnrc.probe_checkpoints(network(), ck, (X, Y), folder=out, **FAST)
    assert measured == [2, 1, 10]
    assert report.steps == deepnrc.load(out).steps == [1, 2, 10]
    whole = deepnrc.probe_checkpoints(network(), ck, (X, Y), **FAST)
    again = deepnrc.probe_checkpoints(network(), ck, (X, Y), folder=out, **FAST)
    assert_frame_equal(again.table, whole.table, check_exact=True)
    assert measured == [2, 1, 10, 1, 2, 10]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda ck: {"rank": 1}, "was measured with other arguments"),
        (lambda ck: {"loader": (X + 1, Y), "more": True}, "was measured on other data"),
        (lambda ck: torch.save(network(7).state_dict(), ck / "net-2.pt") or {}, "has a step 2 of another file"),
        (lambda ck: {"checkpoints": [ck / "net-1.pt"], "steps": [5]}, "has a step 1 of another file"),
    ],
    ids=["arguments", "data", "file", "steps"],
)
def test_a_folder_of_something_else_is_refused(ck, tmp_path, change, why):
    out = tmp_path / "out"
    files = [ck / "net-1.pt", ck / "net-2.pt"]
    deepnrc.probe_checkpoints(network(), files, (X, Y), folder=out, **FAST)
    asked = {"checkpoints": files, "loader": (X, Y), **change(ck)}
    if asked.pop("more", False):
        asked["checkpoints"] = ck
    with pytest.raises(UsageError, match=rf"holds a report that {why}.*replace=True"):
        deepnrc.probe_checkpoints(network(), folder=out, **asked, **FAST)
    assert deepnrc.load(out).steps == [1, 2]
    assert deepnrc.probe_checkpoints(network(), folder=out, replace=True, **asked, **FAST).steps[-1] in (2, 5, 10)


def test_a_report_of_no_checkpoints_is_not_written_over(ck, tmp_path):
    deepnrc.probe(network(), (X, Y), **FAST).save(tmp_path / "out")
    with pytest.raises(UsageError, match="is not of checkpoints"):
        deepnrc.probe_checkpoints(network(), ck, (X, Y), folder=tmp_path / "out", **FAST)


def test_a_bad_file_is_named_and_passed_over(ck):
    (ck / "net-3.pt").write_bytes(b"not a checkpoint")
    torch.save(nn.Linear(3, 3).state_dict(), ck / "net-4.pt")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        report = deepnrc.probe_checkpoints(network(), ck, (X, Y), **FAST)
    assert report.steps == [1, 2, 10]
    assert [str(w.message).partition(" is passed over.")[0] for w in said] == [
        "The checkpoint net-3.pt",
        "The checkpoint net-4.pt",
    ]
    refused = []
    with pytest.raises(DataError, match="None of the 1 checkpoints could be read"):
        deepnrc.probe_checkpoints(
            network(), ck / "net-3.pt", (X, Y), passed_over=lambda path, why: refused.append(path.name), **FAST
        )
    assert refused == ["net-3.pt"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"steps": [1, 2]}, "steps are 2, and there are 3 checkpoints"),
        ({"steps": [1, 2, 2]}, "name a step twice"),
        ({"loader": iter([(X, Y)])}, "an iterator gives it once"),
        ({"backend": "cluster", "jobs": 2}, "no backend 'cluster'"),
    ],
)
def test_refusals(ck, asked, said):
    with pytest.raises(UsageError, match=said):
        deepnrc.probe_checkpoints(network(), ck, **{"loader": (X, Y), **asked}, **FAST)


class Failing(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, x):
        raise TypeError("the network's own")


@pytest.mark.slow
def test_an_error_of_the_network_is_its_own(tmp_path):
    torch.save({"0.weight": torch.ones(2)}, tmp_path / "net-1.pt")
    with pytest.raises(TypeError, match="the network's own"):
        deepnrc.probe_checkpoints(nn.Sequential(Failing()), [tmp_path / "net-1.pt"], (X, Y), jobs=2, progress=False)


def test_what_cannot_be_sent_is_said(ck):
    net = network()
    net.hook = (value for value in ())
    with pytest.raises(UsageError, match=r"cannot be sent to another process .*jobs=1"):
        deepnrc.probe_checkpoints(net, ck, (X, Y), jobs=2, **FAST)

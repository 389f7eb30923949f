"""When a tracker says to stop: at collapse, beside a reference, or by a function of the latest report."""

from pathlib import Path

import torch
from torch import nn

import deepnrc
from deepnrc import Tracker


def learner(n: int = 2) -> tuple[nn.Sequential, tuple[torch.Tensor, torch.Tensor]]:
    """A network that imitates two linear targets, and the data."""
    torch.manual_seed(0)
    x = torch.randn(300, 8)
    net = nn.Sequential(nn.Linear(8, 16, bias=False), nn.Linear(16, 16, bias=False), nn.Linear(16, n, bias=False))
    return net, (x, x[:, :n])


def planted(net: nn.Sequential, n: int = 2) -> None:
    """Give the network weights of rank n that fit the targets exactly and are aligned from layer to layer."""
    with torch.no_grad():
        for layer in net:
            layer.weight.zero_()  # type: ignore[union-attr, operator]
            for j in range(n):
                layer.weight[j, j] = 1.0  # type: ignore[union-attr, index]


def test_the_gate_opens_where_the_network_is_collapsed() -> None:
    net, data = learner()
    watch = Tracker(net, data, steps=1, stop_when="collapsed")
    assert not watch.collapsed
    watch()
    assert not watch.collapsed
    assert not watch.should_stop
    planted(net)
    watch()
    assert watch.report.at().verdicts()["verdict"].tolist() == ["not collapsed", "collapsed", "collapsed"]
    assert watch.collapsed
    assert watch.should_stop


def test_step_0_is_the_reference_of_what_is_measured_later(tmp_path: Path) -> None:
    net, data = learner()
    watch = Tracker(net, data, steps=1, folder=tmp_path)
    watch()
    planted(net)
    watch()
    table = deepnrc.load(tmp_path).values("deep.noise_fraction").set_index(["step", "depth"])
    assert table.loc[0, "reference"].isna().all()
    assert table.loc[1, "reference"].tolist() == table.loc[0, "value"].tolist()
    late = Tracker(net, data, steps=1)
    late(5)
    late(6)
    assert late.report.values("deep.noise_fraction")["reference"].isna().all()


def test_a_network_that_had_learned_before_is_no_reference() -> None:
    net, data = learner()
    planted(net)
    with torch.no_grad():  # some noise, which half of would be asked for
        net[0].weight[2:] = 0.05 * torch.randn(14, 8)
    watch = Tracker(net, data, steps=1, stop_when="collapsed")
    watch()
    assert watch.collapsed
    watch()
    assert watch.collapsed
    assert watch.should_stop
    assert watch.report.values("deep.noise_fraction")["reference"].isna().all()


def test_a_reference_of_ones_own_is_kept() -> None:
    net, data = learner()
    other = deepnrc.probe(learner()[0], data, progress=False, run="other")
    watch = Tracker(net, data, steps=1, reference=other)
    watch()
    planted(net)
    watch()
    records = [record["reference"]["run"] for record in watch.report.provenance]
    assert records == ["other", "other"]


def test_a_function_of_the_latest_report_stops() -> None:
    net, data = learner()
    seen: list[list[int]] = []

    def enough(report: deepnrc.Report) -> bool:
        seen.append(report.steps)
        return report.steps == [2]

    watch = Tracker(net, data, steps=2, stop_when=enough, probes=["deep.cka"])
    stops = []
    for _ in range(6):
        watch()
        stops.append(watch.should_stop)
    assert seen == [[0], [2], [4]]
    assert stops == [False, False, True, True, False, False]

"""What further measurements of a network keep of its first batch."""

import pytest
import torch
from torch import nn

from deepnrc import Tracker
from deepnrc.measuring.settling.remembered import Remembered, likeness, structure
from deepnrc.networks import Survey

ONE = ["deep.cka", "nrc.2"]


class Counted(nn.Module):
    """Counts how many samples and how often its forward runs, on a list that no measurement puts back."""

    def __init__(self, forward=None, **parts):
        super().__init__()
        self.calls, self.run = [], forward or (lambda s, x: s.b(s.a(x).relu()))
        self.a, self.b = nn.Linear(6, 5), nn.Linear(5, 3)
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        self.calls.append(len(x))
        return self.run(self, x)


def steps(net, *pairs, change=lambda net: None, **options):
    """How often the network runs at each step, and the last step's report."""
    loader = list(pairs)
    tracker, counts = Tracker(net, loader, steps=1, probes=ONE, **options), []
    for _ in range(3):
        net.calls.clear()
        report = tracker()
        counts.append(len(net.calls))
        change(net)
    return counts, report


def trained(net):
    g = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=g))


def same(report, other):
    columns = ["layer", "measure", "value", "status", "note"]
    return report.table[columns].equals(other.table[columns])


def test_a_tracker_looks_at_the_first_batch_once(data, seeded, probe):
    net = seeded(Counted)
    pair = data(20)
    counts, _ = steps(net, pair, pair, change=trained)
    assert counts[0] > 4
    assert counts[1:] == [2, 2]
    held, report = steps(net, pair)
    assert held == [counts[0] - 1, 1, 1]
    assert same(report, probe(net, pair, probes=ONE, step=2))


def test_what_a_tracker_keeps_is_what_a_measurement_sees_anew(data, seeded, probe):
    nets = {
        "a parameter as the head": lambda: Counted(lambda s, x: s.b(s.a(x)) @ s.M, M=nn.Parameter(torch.randn(3, 3))),
        "time first": lambda: Counted(lambda s, x: s.b(s.a(x.transpose(0, 1)).relu()).mean(0)),
        "a shortcut": lambda: Counted(
            lambda s, x: s.b(s.d(s.a(x).relu()) + s.c(x)), c=nn.Linear(6, 5), d=nn.Linear(5, 5)
        ),
    }
    for case, make in nets.items():
        net = seeded(make)
        pair = data(20, (20, 6) if case == "time first" else (6,))
        counts, report = steps(net, pair, change=trained, repeats="error", layers=["weights"])
        assert counts[1:] == [1, 1], case
        fresh = seeded(make)
        trained(fresh), trained(fresh)
        assert same(report, probe(fresh, pair, probes=ONE, step=2)), case


def grown(net):
    net.b = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3)).to(torch.float64)


def test_a_network_that_changed_is_looked_at_again(data, seeded):
    counts, report = steps(net := seeded(Counted), data(20), change=grown)
    assert counts[1] > 4
    assert report.table["layer"].unique().tolist() == ["a", "b.0", "b.1"]
    assert isinstance(net.b, nn.Sequential)


def test_a_hook_that_is_put_on_later_is_seen(data, seeded):
    def hook(net):
        if not net.b._forward_hooks:
            net.b.register_forward_hook(lambda m, args, out: out + args[0][:, :3])

    _, report = steps(seeded(Counted), data(20), change=hook)
    top = report.table[report.table["measure"] == "nrc.2"].iloc[0]
    assert (top["status"], "give the prediction together" in top["note"]) == ("not defined", True)


def test_a_batch_of_another_shape_is_looked_at_again(data, seeded, probe):
    net = seeded(lambda: Counted(lambda s, x: s.b(s.a(x.transpose(0, 1)).relu()).mean(0)))
    memory = Remembered()
    pairs = [data(20, (20, 6)), data(20, (20, 6)), data(20, (7, 6)), data(7, (7, 6))]
    counts = []
    for pair in pairs:
        net.calls.clear()
        report = probe(net, pair, probes=ONE, remembered=memory)
        counts.append(len(net.calls))
        assert same(report, probe(net, pair, probes=ONE))
    assert counts[1] == 1
    assert min(counts[0], *counts[2:]) > 4
    net.calls.clear()
    probe(net, pairs[-1], probes=ONE, remembered=memory, layers="a")
    assert len(net.calls) > 4


def norms(s, x):
    h = s.a(x).relu()
    return torch.cat([s.first(s.one(h)), s.b(s.two(h))], 1)[:, :3]


def test_what_weights_of_equal_values_show_is_not_kept(data, seeded, probe):
    own = {"one": nn.LayerNorm(5), "two": nn.LayerNorm(5), "first": nn.Linear(5, 1)}
    net = seeded(lambda: Counted(norms, **own))
    counts, report = steps(net, data(20), change=trained)
    assert min(counts) > 3
    top = report.table[report.table["measure"] == "nrc.2"].iloc[0]
    assert (top["status"], top["note"]) == (
        "not defined",
        "'first' and 'b' give the prediction from different features: top= names the layer to be taken all the same",
    )


def test_noise_that_is_switched_off_may_be_switched_on(data, seeded):
    net = seeded(
        lambda: Counted(lambda s, x: (m := s.b(s.a(x))) + s.c * torch.randn_like(m), c=nn.Buffer(torch.zeros(1)))
    )

    def louder(net):
        net.c.fill_(1)

    with pytest.warns(UserWarning, match="The network samples"):
        counts, _ = steps(net, data(20), change=louder)
    assert counts[1] > 4
    assert counts[2] == 1


def test_batches_are_alike_in_shapes_and_what_ran():
    x = torch.zeros(4, 2)
    base = likeness(({"x": x}, [x]), 4, ["a"])
    assert base == likeness(({"x": x + 1}, [x]), 4, ["a"])
    others = [likeness(({"x": x.double()}, [x]), 4, ["a"]), likeness(({"y": x}, [x]), 4, ["a"])]
    others += [likeness(({"x": x}, [x]), 4, ["b"]), likeness(({"x": x}, [x]), 5, ["a"]), likeness((x,), 4, ["a"])]
    assert base not in others


def test_only_what_lasts_is_kept():
    net, memory = nn.Linear(2, 2), Remembered()
    memory.keep(Survey(), structure(net), {}, "batch")
    assert memory.recalled(structure(net), {}) is None
    memory.keep(lasting := Survey(lasting=True), structure(net), {}, "batch")
    assert memory.recalled(structure(net), {}) is lasting
    assert memory.recalled(structure(net), {"layers": "a"}) is None
    assert memory.recalled(structure(nn.Linear(3, 2)), {}) is None

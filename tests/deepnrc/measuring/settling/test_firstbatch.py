"""What the first batch settles, seen in a report."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deepnrc.errors import UsageError


class Net(nn.Module):
    def __init__(self, forward, d=6, **parts):
        super().__init__()
        self.run = forward
        self.body = nn.Sequential(nn.Linear(d, 16), nn.ReLU())
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.run(self, x)


@dataclass
class Returned:
    hidden: Tensor
    logits: Tensor


def duality(H, W):
    """NRC2 by hand: what of the directions of H (N, d) lies outside the rows of W (m, d)."""
    U = H.double().numpy() / np.linalg.norm(H.double().numpy(), axis=1, keepdims=True)
    Q = np.linalg.qr(W.detach().double().numpy().T)[0]
    return float(((U - U @ Q @ Q.T) ** 2).sum(1).mean())


def top(report):
    rows = report.table[(report.table["measure"] == "nrc.2") & (report.table["variant"] == "default")]
    return rows.iloc[0]


def heads(forward, first=1, second=1):
    return lambda: Net(forward, a=nn.Linear(16, first), b=nn.Linear(16, second))


@pytest.mark.parametrize(
    ("forward", "widths", "order"),
    [
        (lambda s, x: torch.cat([s.a(h := s.body(x)), s.b(h)], 1), (1, 2), "ab"),
        (lambda s, x: torch.cat([s.b(h := s.body(x)), s.a(h)], 1), (2, 1), "ba"),
        (lambda s, x: torch.cat([s.b(h := s.body(x)).tanh(), s.a(h).sigmoid()], 1), (1, 2), "ba"),
    ],
)
def test_heads_side_by_side_are_one_weight(data, seeded, probe, forward, widths, order):
    X, Y = data(n=3)
    net = seeded(heads(forward, *widths))
    found = top(probe(net, (X, Y)))
    W = torch.cat([getattr(net, name).weight for name in order])
    assert found["value"] == pytest.approx(duality(net.body(X).detach(), W), rel=1e-9)
    said, _, behind = found["note"].partition("; behind ")
    assert (found["layer"], said) == (order[0], f"of '{order[0]}', '{order[1]}' side by side")
    assert behind in ("", "'b', 'a' lies tanh, sigmoid", "'b', 'a' lies sigmoid, tanh")


def test_an_output_that_is_a_part_of_a_head_is_given_by_its_rows(data, seeded, probe):
    X, Y = data(n=2)
    net = seeded(lambda: Net(lambda s, x: s.a(s.body(x)).chunk(2, 1)[1], a=nn.Linear(16, 4)))
    found = top(probe(net, (X, Y)))
    assert found["value"] == pytest.approx(duality(net.body(X).detach(), net.a.weight[2:]), rel=1e-9)
    assert found["note"] == "of 'a', rows 2, 3"


@pytest.mark.parametrize(
    ("net", "layers", "note"),
    [
        (heads(lambda s, x: s.a(h := s.body(x)) + s.b(h), 3, 3), "weights", "give the prediction together"),
        (heads(lambda s, x: s.a(s.body(x)), 3), "body.0", "the network's last layer, 'a', was not probed"),
        (
            lambda: Net(lambda s, x: (s.body(x) @ s.M) @ s.M.mT @ s.M, M=nn.Parameter(torch.randn(16, 3))),
            "weights",
            "'M' gives the outputs, and cannot be read as a layer: it is used 3 times in a pass",
        ),
        (
            lambda: Net(lambda s, x: torch.cdist(s.body(x), s.M), M=nn.Parameter(torch.randn(3, 16))),
            "weights",
            "'M' gives the outputs",
        ),
    ],
)
def test_what_cannot_be_told_of_the_top_is_not_defined(data, seeded, probe, net, layers, note):
    found = top(probe(seeded(net), data(n=3), layers=[layers, "!b"] if layers == "body.0" else layers))
    assert found["status"] == "not defined"
    assert note in found["note"]


@pytest.mark.parametrize("output", ["logits", 1, lambda out: out.logits])
def test_the_output_that_the_user_names_predicts(data, seeded, probe, output):
    X, Y = data(n=3)
    net = seeded(heads(lambda s, x: Returned(s.b(h := s.body(x)), s.a(h)), 3, 3))
    if output == 1:
        net.run = lambda s, x: (s.b(h := s.body(x)), s.a(h))
    report = probe(net, (X, Y), output=output)
    mse = report.table[report.table["measure"] == "model.mse"].iloc[0]
    assert mse["value"] == pytest.approx((net.a(net.body(X)) - Y).square().mean().item())
    assert top(report)["layer"] == "a"


def test_the_top_that_the_user_names(data, seeded, probe):
    net = seeded(heads(lambda s, x: (s.a(h := s.body(x)), s.b(h)), 3, 3))
    assert top(probe(net, data(n=3)))["status"] == "not defined"
    assert top(probe(net, data(n=3), top="b"))["layer"] == "b"
    with pytest.raises(UsageError, match="top='c' is not probed"):
        probe(net, data(n=3), top="c")


@pytest.mark.parametrize(
    "forward",
    [
        lambda s, x: (h := s.body(x), s.a(h)),
        lambda s, x: {"hidden": s.body(x), "logits": s.a(s.body(x))},
        lambda s, x: Returned(s.body(x), s.a(s.body(x))),
    ],
)
def test_classes_are_as_many_as_the_logits(data, seeded, probe, forward):
    X, _ = data()
    classes = torch.arange(len(X)) % 3
    net = seeded(heads(forward, 5))
    report = probe(net, (X, classes), layers="!b", repeats="last")
    assert report.table["target_dim"].unique().tolist() == [5]
    accuracy = report.table[report.table["measure"] == "model.accuracy"]["value"].iloc[0]
    assert accuracy == float((net.a(net.body(X)).argmax(1) == classes).double().mean())


def test_classes_of_logits_that_cannot_be_told_are_refused(data, seeded, probe):
    X, _ = data()
    net = seeded(heads(lambda s, x: (s.a(h := s.body(x)), s.b(h)), 5, 4))
    with pytest.raises(UsageError, match=r"several outputs could hold the logits.*output") as refused:
        probe(net, (X, torch.arange(len(X)) % 3))
    assert refused.value.argument == "output"


def test_a_network_that_samples_is_warned_of(data, seeded, probe):
    net = seeded(heads(lambda s, x: (m := s.a(s.body(x))) + 0.1 * torch.randn_like(m), 3))
    with pytest.warns(UserWarning, match="The network samples"):
        probe(net, data(n=3), layers="!b")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probe(seeded(heads(lambda s, x: s.a(s.body(x)), 3)), data(n=3), layers="!b")


def test_balancedness_says_what_lies_between(data, mlp, seeded, probe, row):
    found = row(probe(mlp(), data()), "0", "deep.balancedness")
    assert found["note"].endswith("with ReLU between it and '2'")
    last = row(probe(mlp(), data()), "4", "deep.balancedness")
    assert (last["status"], last["note"]) == ("not defined", "no weight reads what this one gives")
    past = seeded(heads(lambda s, x: s.b((h := s.body(x)) + s.a(h)), 16, 3))
    assert row(probe(past, data()), "a", "deep.balancedness")["status"] == "not defined"


def test_a_weight_that_is_no_modules_is_named_among_what_is_left_out(data, seeded, probe):
    net = seeded(lambda: Net(lambda s, x: (s.body(x)[:, None] * s.M).sum(2) + s.c, M=nn.Parameter(torch.randn(3, 16))))
    net.c = nn.Parameter(torch.zeros(1, 3, dtype=torch.float64))
    left = dict(probe(net, data(n=3)).provenance[0]["left_out"])
    assert left == {"M": "multiplies activations outside of any module, and it scales them number by number"}


def two(d):
    return nn.Sequential(nn.Linear(d, 8), nn.ReLU(), nn.Linear(8, d))


SIDE_BY_SIDE = {
    "two lists of heads": (
        lambda s, x: torch.cat([sum(q(h := s.body(x)) for q in s.qs), sum(v(h) for v in s.vs)], 1)[:, :3],
        {"qs": 2, "vs": 2},
    ),
    "an ensemble": (lambda s, x: torch.stack([q(s.body(x)) for q in s.qs]).mean(0)[:, :3], {"qs": 3}),
    "experts": (
        lambda s, x: sum(g[:, None] * q(x) for g, q in zip(s.body(x).softmax(1).T, s.qs, strict=False))[:, :3],
        {"qs": 3},
    ),
}


@pytest.mark.parametrize("case", SIDE_BY_SIDE)
def test_parts_side_by_side_are_no_blocks(data, seeded, probe, case):
    forward, lists = SIDE_BY_SIDE[case]
    d = 6 if case == "experts" else 16
    net = seeded(lambda: Net(forward, **{k: nn.ModuleList(two(d) for _ in range(n)) for k, n in lists.items()}))
    pair = data(n=3)
    with pytest.raises(UsageError, match="lie side by side and are no blocks") as refused:
        probe(net, pair, layers="blocks")
    named = probe(net, pair, layers=refused.value.remedy["layers"], probes=["deep.cka"])
    assert len(named.table["layer"].unique()) >= sum(lists.values())


class Mixture(nn.Module):
    """A block of experts side by side."""

    def __init__(self, d=16):
        super().__init__()
        self.gate, self.experts = nn.Linear(d, 2), nn.ModuleList([two(d), two(d)])

    def forward(self, x):
        gate = self.gate(x).softmax(1)
        return x + sum(gate[:, i : i + 1] * expert(x) for i, expert in enumerate(self.experts))


def test_experts_in_every_block_are_no_blocks_and_those_around_them_are_named(data, seeded, probe):
    def forward(s, x):
        h = s.body(x)
        for part in s.parts_:
            h = part(h)
        return h[:, :3]

    net = seeded(lambda: Net(forward, parts_=nn.ModuleList([Mixture(), Mixture(), Mixture()])))
    with pytest.raises(UsageError, match="Name other parts, or those around them") as refused:
        probe(net, data(n=3), layers="blocks")
    assert refused.value.remedy["layers"] == ["parts_.0", "parts_.1", "parts_.2"]
    report = probe(net, data(n=3), layers=refused.value.remedy["layers"], probes=["deep.cka"])
    assert [name for name in report.table["layer"].unique() if "." in name] == ["parts_.0", "parts_.1", "parts_.2"]


def test_lists_of_which_one_follows_the_other_are_blocks(data, seeded, probe):
    def forward(s, x):
        h = s.body(x)
        for part in (*s.down, *s.up):
            h = part(h)
        return h[:, :3]

    lists = {"down": nn.ModuleList([two(16), two(16)]), "up": nn.ModuleList([two(16), two(16)])}
    report = probe(seeded(lambda: Net(forward, **lists)), data(n=3), layers="blocks", probes=["deep.cka"])
    assert [name for name in report.table["layer"].unique() if "." in name] == ["down.0", "down.1", "up.0", "up.1"]


@pytest.mark.parametrize("N", [3, 20])
def test_outputs_with_the_samples_second_are_turned(data, seeded, probe, N):
    X, Y = data(N, n=3)
    net = seeded(lambda: Net(lambda s, x: s.a(s.body(x)).T, a=nn.Linear(16, 3)))
    mse = probe(net, (X, Y), probes=["model.mse"]).table.iloc[0]["value"]
    assert mse == pytest.approx((net(X).T - Y).square().mean().item(), rel=1e-12)


@pytest.mark.parametrize("shut", [0, 8, 30])
def test_an_output_that_is_shut_for_the_first_samples_is_told_by_others(seeded, probe, shut):
    X = torch.randn(64, 6, generator=torch.Generator().manual_seed(0)).double()
    net = seeded(lambda: nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3), nn.ReLU()))
    with torch.no_grad():
        closed = (net(X)[:, 1] == 0).nonzero().flatten()[:shut]
        assert len(closed) == shut
        rest = torch.tensor([i for i in range(64) if i not in set(closed.tolist())])
        X = X[torch.cat([closed, rest])]
        found = top(probe(net, (X, net(X) + 0.1), probes=["nrc.*"]))
    assert found["status"] == "ok", found["note"]
    assert found["value"] == pytest.approx(duality(net[:2](X).detach(), net[2].weight), rel=1e-5)

"""Parameters that no module applies, read as layers of their own."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations

import deepnrc
from deepnrc.errors import UsageError


class Net(nn.Module):
    def __init__(self, forward, *shape, **parts):
        super().__init__()
        self.run, self.body = forward, nn.Sequential(nn.Linear(6, 9), nn.ReLU())
        self.head = nn.Parameter(torch.randn(*shape))
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.run(self, x)


def rounded(h):
    return functional.normalize(h, dim=1)


def masked(s, x):
    return s.body(x) @ (s.head * s.mask)


def weighted(net):
    parametrizations.weight_norm(net, "head")
    return net


HEADS = {
    "h @ W": (lambda: Net(lambda s, x: s.body(x) @ s.head, 9, 3), lambda s, h: (h, s.head.T)),
    "W h": (lambda: Net(lambda s, x: (s.head @ s.body(x).T).T, 3, 9), lambda s, h: (h, s.head)),
    "F.linear": (lambda: Net(lambda s, x: functional.linear(s.body(x), s.head), 3, 9), lambda s, h: (h, s.head)),
    "by name": (
        lambda: Net(lambda s, x: functional.linear(input=s.body(x), weight=s.head.T.contiguous()), 9, 3),
        lambda s, h: (h, s.head.T),
    ),
    "addmm": (
        lambda: Net(lambda s, x: torch.addmm(s.c, s.body(x), s.head), 9, 3, c=nn.Parameter(torch.randn(3))),
        lambda s, h: (h, s.head.T),
    ),
    "einsum": (
        lambda: Net(lambda s, x: torch.einsum("nd, kd -> nk", s.body(x), s.head), 3, 9),
        lambda s, h: (h, s.head),
    ),
    "einsum, the matrix first": (
        lambda: Net(lambda s, x: torch.einsum("dk,...d->...k", s.head, s.body(x)), 9, 3),
        lambda s, h: (h, s.head.T),
    ),
    "cosines": (
        lambda: Net(lambda s, x: 8 * functional.linear(rounded(s.body(x)), rounded(s.head)), 3, 9),
        lambda s, h: (rounded(h), rounded(s.head)),
    ),
    "scaled and biased": (
        lambda: Net(lambda s, x: s.body(x) @ (s.head / 9**0.5) + s.c, 9, 3, c=nn.Parameter(torch.zeros(1, 3))),
        lambda s, h: (h, s.head.T / 3),
    ),
    "masked": (
        lambda: Net(masked, 9, 3, mask=nn.Buffer(torch.arange(27).reshape(9, 3) % 2 + 0.5)),
        lambda s, h: (h, (s.head * s.mask).T),
    ),
    "weight norm": (
        lambda: weighted(Net(lambda s, x: functional.linear(s.body(x), s.head), 3, 9)),
        lambda s, h: (h, s.head),
    ),
}
MASKED = {"masked": "head and mask"}


def numbers(H, W):
    """NRC2 and the alignment of a weight by hand."""
    H, W = H.detach().numpy(), W.detach().numpy()
    U = H / np.linalg.norm(H, axis=1, keepdims=True)
    Q = np.linalg.qr(W.T)[0]
    V, R = (np.linalg.svd(A, full_matrices=False)[2][:3] for A in (H - H.mean(0), W))
    return ((U - U @ Q @ Q.T) ** 2).sum(1).mean(), np.linalg.svd(V @ R.T, compute_uv=False).mean()


@pytest.mark.parametrize("case", HEADS)
def test_a_head_that_is_a_parameter_is_a_layer(data, seeded, probe, row, case):
    X, Y = data(40)
    net, name = seeded(HEADS[case][0]), MASKED.get(case, "head")
    report = probe(net, (X, Y), probes=["nrc.2", "deep.feature_weight_alignment"])
    right = numbers(*HEADS[case][1](net, net.body(X)))
    found = [row(report, name, measure) for measure in ("nrc.2", "deep.feature_weight_alignment")]
    assert [f["status"] for f in found] == ["ok", "ok"]
    assert [f["value"] for f in found] == pytest.approx(right, rel=1e-10)
    assert found[0]["kind"] == "Parameter"
    assert report.table["layer"].unique().tolist() == ["body.0", name]
    assert report.provenance[0]["left_out"] == []


def stable_rank(H):
    s = torch.linalg.svdvals((H - H.mean(0)).detach()) ** 2
    return pytest.approx(float(s.sum() / s[0]), rel=1e-10)


UNREAD = {
    "used twice": (lambda s, x: (h := s.body(x)) @ s.head + h.tanh() @ s.head, "it is used 2 times in a pass"),
    "number by number": (lambda s, x: (s.body(x)[..., None] * s.head).sum(1), "it scales them number by number"),
    "a table of three axes": (
        lambda s, x: torch.einsum("nd,edk->nk", s.body(x), torch.stack([s.head, s.head])),
        "otherwise than as features times one matrix",
    ),
    "drawn anew": (lambda s, x: s.body(x) @ (s.head * torch.rand(9, 3, dtype=x.dtype)), "otherwise than as features"),
}


@pytest.mark.filterwarnings("ignore:The network samples")
@pytest.mark.parametrize("case", UNREAD)
def test_a_parameter_used_in_another_way_is_named_and_gives_no_top(data, seeded, probe, case):
    forward, reason = UNREAD[case]
    report = probe(seeded(lambda: Net(forward, 9, 3)), data(20), probes=["nrc.2", "deep.cka"])
    top = report.table[report.table["measure"] == "nrc.2"].iloc[0]
    assert top["status"] == "not defined"
    assert reason in dict(report.provenance[0]["left_out"])["head"]


def test_a_buffer_is_no_layer(data, seeded, probe):
    net = seeded(lambda: Net(lambda s, x: s.body(x) @ s.M, 1, M=nn.Buffer(torch.randn(9, 3))))
    report = probe(net, data(20), probes=["nrc.2"])
    assert report.table["note"].tolist() == [
        "'M' gives the outputs, and cannot be read as a layer: it is a buffer and no parameter"
    ]


def test_hidden_layers_of_parameters_are_pooled_over_tokens_and_stand_in_their_order(data, seeded, probe, row):
    X, Y = data(30, (5, 6))
    own = {"up": nn.Parameter(torch.randn(6, 9)), "down": nn.Linear(9, 3)}
    net = seeded(lambda: Net(lambda s, x: s.down((x @ s.up).relu() @ s.head).mean(1), 9, 9, **own))
    report = probe(net, (X, Y), probes=["deep.feature_stable_rank"], layers="!body.0")
    assert report.table["layer"].unique().tolist() == ["up", "head", "down"]
    assert row(report, "head", "deep.feature_stable_rank")["value"] == stable_rank((X @ net.up).relu().mean(1))


def test_samples_on_another_axis_and_the_rows_of_a_part_are_found(data, seeded, probe, row):
    X, Y = data(5, (5, 6))

    def time_first(s, x):
        return (s.body(x.transpose(0, 1)) @ s.head).mean(0)[:, :3]

    net = seeded(lambda: Net(time_first, 9, 4))
    report = probe(net, (X, Y), probes=["deep.feature_stable_rank", "nrc.2"])
    assert row(report, "head", "deep.feature_stable_rank")["value"] == stable_rank(net.body(X).mean(1))
    assert row(report, "head", "nrc.2")["note"] == "of 'head', rows 0, 1, 2"


def test_layers_names_parameters(data, seeded, probe):
    net, pair = seeded(HEADS["h @ W"][0]), data(20)

    def layers(chosen):
        return probe(net, pair, layers=chosen, probes=["deep.cka"]).table["layer"].unique().tolist()

    assert layers("head") == layers(["he*"]) == layers(["weights", "!body"]) == ["head"]
    assert layers(["body.0", "head"]) == ["body.0", "head"]
    assert layers("!head") == layers("body.*") == ["body.0"]
    with pytest.raises(UsageError, match=r"'body.0.bias' is a parameter, and nothing can be read there as a layer"):
        layers("body.0.bias")


def test_the_top_behind_blocks_is_a_parameter(data, seeded, probe):
    X, Y = data(20)
    net = seeded(HEADS["h @ W"][0])
    found = probe(net, (X, Y), layers=["body"], probes=["nrc.2"]).table.iloc[0]
    assert (found["layer"], found["value"]) == ("body", pytest.approx(numbers(net.body(X), net.head.T)[0]))


def test_the_weight_is_that_of_the_last_call(data, seeded):
    X, Y = data(20)
    net = seeded(HEADS["cosines"][0])
    with deepnrc.attach(net, probes=["nrc.2"]) as attachment, torch.no_grad():
        for _ in range(2):
            net.head += 1
            net(X)
            attachment.observe(Y)
        found = attachment.report().table.iloc[0]["value"]
    assert found == pytest.approx(numbers(rounded(net.body(X)), rounded(net.head))[0])
    assert torch.overrides._get_current_function_mode_stack() == []


def test_a_call_that_fails_leaves_no_mode_behind(data, seeded):
    X, Y = data(20)
    net = seeded(HEADS["h @ W"][0])
    with deepnrc.attach(net, probes=["nrc.2"]) as attachment:
        net(X)
        attachment.observe(Y)
        with pytest.raises(RuntimeError):
            net(X[:, :3])
        assert torch.overrides._get_current_function_mode_stack() == []


@pytest.mark.parametrize("use", [lambda w: w * 2, functional.normalize, lambda w: w.T.T])
def test_a_module_that_does_not_run_but_lends_its_weight_is_read_where_it_is_used(data, seeded, probe, use):
    class Lent(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.f = nn.Linear(6, 8), nn.Linear(8, 3)

        def forward(self, x):
            return functional.linear(self.body(x).relu(), use(self.f.weight))

    X, _ = data()
    found = probe(seeded(Lent), (X, torch.randn(len(X), 3))).table
    assert list(dict.fromkeys(found[found["depth"] >= 0]["layer"])) == ["body", "f.weight"]
    assert found[found["measure"] == "nrc.2"]["status"].tolist() == ["ok"]

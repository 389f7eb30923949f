"""Networks as strangers write them: features and weights of every layer against hooks of the test's own and numpy."""

import copy
import warnings
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, rnn
from torch.utils.checkpoint import checkpoint

N, K = 30, 3
Named = namedtuple("Named", "hidden prediction")


class Net(nn.Module):
    def __init__(self, forward, **parts):
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *args, **kwargs):
        return self.run(self, *args, **kwargs)


def two(forward, d=6, m=8, **more):
    """A network of a layer l and a head o."""
    return Net(forward, l=nn.Linear(d, m), o=nn.Linear(m, K), **more)


class Normed(nn.Module):
    """A classifier's head by cosines."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, K))

    def forward(self, x):
        return functional.normalize(x, dim=1) @ functional.normalize(self.weight, dim=0)


def in_place(s, x):
    h = s.l(x).add_(1).relu_()
    h[:, 0] = 0
    y = s.o(h)
    h.zero_()
    return y.mul_(2)


def experts(s, x):
    gate = s.g(x).softmax(1)
    return s.o(sum(gate[:, i : i + 1] * e(x) for i, e in enumerate(s.e)).relu())


def packed(s, x):
    lengths = torch.arange(len(x)) % x.shape[1] + 1
    cells = rnn.pack_padded_sequence(s.l(x), lengths, batch_first=True, enforce_sorted=False)
    return s.o(s.r(cells)[1][0][-1])


def hooked(change, head=False):
    net = two(lambda s, x: s.o(s.l(x).relu()))
    (net.o if head else net.l).register_forward_hook(change)
    return net


def copied():
    net = two(lambda s, x: s.o(s.l(x).relu()))
    net.l.weight = nn.Parameter(net.l.weight.detach()[:, :6].clone())
    net.ema = copy.deepcopy(net.o)
    return net


NETWORKS = {
    "tied weights": lambda: Net(
        lambda s, x: s.o(functional.linear(s.l(x), s.l.weight).relu()), l=nn.Linear(6, 6), o=nn.Linear(6, K)
    ),
    "a weight used twice": lambda: Net(lambda s, x: s.o(s.l(s.l(x).relu())), l=nn.Linear(6, 6), o=nn.Linear(6, K)),
    "a siamese pair": lambda: two(lambda s, x: s.o((s.l(x[:, :3]) - s.l(x[:, 3:])).abs()), d=3),
    "a head before the pooling": lambda: two(lambda s, x: s.o(s.l(x).relu()).mean(1)),
    "dropout in the head": lambda: Net(
        lambda s, x: s.o(s.l(x)),
        l=nn.Linear(6, 8),
        o=nn.Sequential(nn.Dropout(), nn.Linear(8, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, K)),
    ),
    "nested outputs": lambda: two(lambda s, x: {"aux": {"h": (h := s.l(x).relu())}, "out": [s.o(h)]}),
    "named outputs": lambda: two(lambda s, x: Named(h := s.l(x).relu(), s.o(h))),
    "experts": lambda: Net(
        experts, g=nn.Linear(6, 2), e=nn.ModuleList([nn.Linear(6, 8), nn.Linear(6, 8)]), o=nn.Linear(8, K)
    ),
    "words": lambda: Net(
        lambda s, i: s.o(s.l(s.words(i).mean(1)).relu()), words=nn.Embedding(9, 6), l=nn.Linear(6, 8), o=nn.Linear(8, K)
    ),
    "time first": lambda: two(lambda s, x: s.o(s.l(s.r(x.transpose(0, 1))[0]).relu()[-1]), d=7, r=nn.GRU(6, 7)),
    "both directions": lambda: Net(
        lambda s, x: s.o(s.r(x)[0][:, -1]), r=nn.LSTM(6, 4, bidirectional=True, batch_first=True), o=nn.Linear(8, K)
    ),
    "packed sequences": lambda: Net(packed, l=nn.Linear(6, 6), r=nn.LSTM(6, 8, batch_first=True), o=nn.Linear(8, K)),
    "complex numbers": lambda: two(lambda s, x: s.o(torch.fft.fft(s.l(x)).abs())),
    "changes in place": lambda: two(in_place),
    "spectral norm": lambda: nn.Sequential(
        parametrizations.spectral_norm(nn.Linear(6, 8)), nn.ReLU(), parametrizations.weight_norm(nn.Linear(8, K))
    ),
    "a traced graph": lambda: torch.fx.symbolic_trace(
        nn.Sequential(OrderedDict(a=nn.Linear(6, 8), r=nn.ReLU(), b=nn.Linear(8, K)))
    ),
    "checkpointed": lambda: two(lambda s, x: s.o(checkpoint(lambda z: s.l(z).relu(), x, use_reentrant=False))),
    "detached": lambda: two(lambda s, x: s.o(s.l(x).relu().detach())),
    "a hook that scales": lambda: hooked(lambda m, a, out: 3 * out + 1),
    "an average beside it": copied,
    "a shortcut to the head": lambda: Net(
        lambda s, x: s.o(torch.cat([s.l(x).relu(), x], 1)), l=nn.Linear(6, 8), o=nn.Linear(14, K)
    ),
    "another order": lambda: two(lambda s, x: s.o(s.l(x).relu())[:, [2, 0, 1]]),
    "folded windows": lambda: two(lambda s, x: s.o(s.l(x.reshape(-1, 6)).relu().reshape(len(x), 3, 8).mean(1))),
    "cosines": lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), Normed()),
    "an autoencoder": lambda: Net(lambda s, x: functional.linear(s.l(x).relu(), s.l.weight.T), l=nn.Linear(K, 8)),
}
OPTIONS = {
    "a weight used twice": {"repeats": "first"},
    "a siamese pair": {"repeats": "first"},
    "an average beside it": {"layers": ["!ema"]},
}
PREDICTION = {"nested outputs": lambda out: out["out"][0], "named outputs": lambda out: out.prediction}
INPUTS = {
    "words": (N, 4),
    "time first": (N, N, 6),
    "folded windows": (N, 18),
    "an autoencoder": (N, K),
    **dict.fromkeys(("a head before the pooling", "both directions", "packed sequences"), (N, 5, 6)),
}
PARAMETERS = {  # parameters that are layers: from the network and its inputs to a name, what it reads and its matrix
    "cosines": lambda net, x: (
        "2.weight",
        functional.normalize(net[0](x).relu()),
        functional.normalize(net[2].weight, dim=0).mT,
    ),
    "an autoencoder": lambda net, x: ("l.weight", net.l(x).relu(), net.l.weight.mT),
    "tied weights": lambda net, x: ("l.weight", net.l(x), net.l.weight),
}
TOP = {"cosines": "2.weight", "an autoencoder": "l.weight"}


def given(net, x):
    """What each Linear was first given, and what the network returned."""
    kept, handles = {}, []
    for name, module in net.named_modules():
        if isinstance(module, nn.Linear) and name != "ema":

            def keep(module, args, name=name):
                kept.setdefault(name, args[0].detach().clone())

            handles.append(module.register_forward_pre_hook(keep))
    with torch.no_grad():
        out = net(x)
    for handle in handles:
        handle.remove()
    return kept, out


def rows(H, case):
    if case == "folded windows" and len(H) > N:
        H = H.reshape(N, 3, -1)
    return (
        H.mean(0) if case == "time first" and H.ndim == 3 else H.flatten(1, -2).mean(1) if H.ndim > 2 else H
    ).numpy()


def alignment(H, W):
    V, R = (np.linalg.svd(A, full_matrices=False)[2][:K] for A in (H - H.mean(0), W))
    return np.linalg.svd(V @ R.T, compute_uv=False).mean()


def duality(H, W):
    U, Q = H / np.linalg.norm(H, axis=1, keepdims=True), np.linalg.qr(W.T)[0]
    return ((U - U @ Q @ Q.T) ** 2).sum(1).mean()


def value(report, measure, layer):
    table = report.table
    found = table[(table["measure"] == measure) & (table["layer"] == layer) & (table["variant"] == "default")].iloc[0]
    assert found["status"] == "ok", found["note"]
    return found["value"]


@pytest.mark.parametrize("case", NETWORKS)
def test_every_number_is_that_of_plain_hooks(seeded, probe, case):
    g = torch.Generator().manual_seed(0)
    shape = INPUTS.get(case, (N, 6))
    x = torch.randint(0, 9, shape, generator=g) if case == "words" else torch.randn(*shape, generator=g).double()
    y = torch.randn(N, K, generator=g).double()
    net = seeded(NETWORKS[case])
    kept, out = given(net, x)
    prediction = PREDICTION.get(case, lambda out: out)(out)
    layers = {name: (rows(H, case), net.get_submodule(name).weight.detach().numpy()) for name, H in kept.items()}
    if case in PARAMETERS:
        name, H, W = PARAMETERS[case](net, x)
        layers[name] = (H.detach().numpy(), W.detach().numpy())
    wanted = ["deep.feature_weight_alignment", "nrc.2", "model.mse"]
    report = probe(net, (x, y), probes=wanted, **OPTIONS.get(case, {}))
    assert {*report.table["layer"]} == {*layers, "(network)"}
    for name, (H, W) in layers.items():
        assert value(report, wanted[0], name) == pytest.approx(alignment(H, W), rel=1e-9)
    top = TOP.get(case, list(kept)[-1])
    assert value(report, "nrc.2", top) == pytest.approx(duality(*layers[top]), rel=1e-9)
    assert value(report, "model.mse", "(network)") == pytest.approx(float((prediction - y).square().mean()), rel=1e-9)


def fast(s, x):
    weights = {name: w + 1 for name, w in s.inner.named_parameters()}
    return torch.func.functional_call(s.inner, weights, (x,))


UNTOLD = {
    "a hook that adds to the head": (
        lambda: hooked(lambda m, args, out: out + args[0][:, :K], head=True),
        "give the prediction together",
    ),
    "inputs added to the prediction": (
        lambda: two(lambda s, x: s.o(s.l(x).relu()) + x[:, :K]),
        "the network's own inputs come in beside 'o': top= names the layer",
    ),
    "the last value added to it": (
        lambda: two(lambda s, x: s.o(s.l(x).relu()) * x.std(1, keepdim=True)),
        "the network's own inputs come in",
    ),
    "other parameters in the pass": (
        lambda: Net(fast, inner=nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, K))),
        "runs with other parameters than its modules hold",
    ),
}


@pytest.mark.parametrize("case", UNTOLD)
def test_what_no_weight_gives_alone_is_said(data, seeded, probe, case):
    make, reason = UNTOLD[case]
    found = probe(seeded(make), data(), probes=["nrc.2"]).table.iloc[0]
    assert (found["status"], reason in found["note"]) == ("not defined", True), found["note"]


def test_the_user_may_name_the_top_all_the_same(data, seeded, probe):
    net, (X, Y) = seeded(UNTOLD["inputs added to the prediction"][0]), data()
    found = probe(net, (X, Y), probes=["nrc.2"], top="o").table.iloc[0]
    right = duality(net.l(X).relu().detach().numpy(), net.o.weight.detach().numpy())
    assert found["value"] == pytest.approx(right, rel=1e-9)


def test_hooks_that_change_nothing_run_in_the_users_calls_alone(data, seeded, probe):
    calls = []
    net = seeded(lambda: hooked(lambda m, args, out: calls.append(len(out))))
    probe(net, data(), probes=["nrc.2"])
    assert calls == [60]


def test_parts_in_torchscript_are_named_and_not_read(data, seeded, probe):
    net = seeded(lambda: Net(lambda s, x: s.o(s.j(x)), j=nn.Sequential(nn.Linear(6, 8), nn.ReLU()), o=nn.Linear(8, K)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer torch would rather have it exported
        net.j = torch.jit.script(net.j)
    report = probe(net, data(), probes=["nrc.2"])
    assert report.table["layer"].tolist() == ["o"]
    assert [name for name, _ in report.provenance[0]["left_out"]] == ["j.0"]

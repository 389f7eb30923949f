"""Which weights give the outputs of a traced network, what keeps that from being told, and that no trace is left."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from deepnrc.networks.dataflow import trace


def made_of(forward, **parts):
    """A case of a table: what ``written`` makes a network of."""
    return forward, parts


def body(width=16):
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, width), nn.ReLU())


def matrix(d=16, m=4):
    return torch.linalg.qr(torch.randn(d, m))[0]


def on_normed(net, x):
    return functional.normalize(net.body(x), dim=1) @ net.M


def flow(net, *args, watched=(), **kwargs):
    torch.manual_seed(0)
    return trace(net.eval(), args, kwargs, watched).dataflow


X = torch.randn(5, 6)


def two_heads(first, second, joined):
    return made_of(joined, body=body(), a=nn.Linear(16, first), b=nn.Linear(16, second))


GIVING = {
    "two heads side by side": (
        two_heads(1, 1, lambda s, x: torch.cat([s.a(h := s.body(x)), s.b(h)], 1)),
        ("a", "b"),
    ),
    "two heads of different widths, in another order": (
        two_heads(3, 1, lambda s, x: torch.cat([s.b(h := s.body(x)).tanh(), s.a(h)], 1)),
        ("b", "a"),
    ),
    "heads stacked": (
        two_heads(1, 1, lambda s, x: torch.stack([s.a(h := s.body(x))[:, 0], s.b(h)[:, 0]], 1)),
        ("a", "b"),
    ),
    "a head in a Sequential": (
        made_of(lambda s, x: s.head(s.body(x)), body=body(), head=nn.Sequential(nn.Dropout(), nn.Linear(16, 2))),
        ("head.1",),
    ),
    "a parameter as the head": (made_of(on_normed, body=body(), M=nn.Parameter(matrix())), ("M",)),
    "a buffer as the head": (made_of(on_normed, body=body(), M=matrix()), ("M",)),
    "a vector as the head": (
        made_of(lambda s, x: s.body(x) @ s.w, body=body(), w=nn.Parameter(torch.randn(16))),
        ("w",),
    ),
    "a parameter through functional.linear": (
        made_of(
            lambda s, x: functional.linear(s.body(x), functional.normalize(s.M)),
            body=body(),
            M=nn.Parameter(matrix().T.clone()),
        ),
        ("M",),
    ),
    "tied weights": (
        made_of(
            lambda s, i: functional.linear(s.mix(s.words(i)), s.words.weight),
            words=nn.Embedding(6, 16),
            mix=nn.Linear(16, 16),
        ),
        ("words.weight",),
    ),
    "a frozen trunk": (
        made_of(lambda s, x: s.a(s.body(x)), body=body().requires_grad_(False), a=nn.Linear(16, 2)),
        ("a",),
    ),
    "squashed after the head": (
        made_of(lambda s, x: s.a(s.body(x)).tanh() * 2, body=body(), a=nn.Linear(16, 2)),
        ("a",),
    ),
}


@pytest.mark.parametrize("case", GIVING)
def test_the_weights_that_give_the_output(written, case):
    (forward, parts), weights = GIVING[case]
    given = flow(written(forward, **parts), torch.randint(0, 6, (5, 3)) if case == "tied weights" else X).outputs[""]
    assert (given.weights, given.missing) == (weights, "")


def dueling(s, x):
    h = s.body(x)
    return s.a(h) + s.b(h) - s.b(h).mean(1, keepdim=True)


class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, h, W):
        return h @ W

    @staticmethod
    def backward(ctx, g):
        return g, None


MISSING = {
    "dueling heads": (two_heads(1, 4, lambda s, x: s.a(h := s.body(x)) + s.b(h) - 1), "give the prediction together"),
    "a head that runs twice": (two_heads(1, 4, dueling), "together"),
    "a gated head": (two_heads(2, 2, lambda s, x: s.a(h := s.body(x)) * s.b(h).sigmoid()), "together"),
    "heads on different features": (
        two_heads(1, 1, lambda s, x: torch.cat([s.a(h := s.body(x)), s.b(h.tanh())], 1)),
        "different features",
    ),
    "distances to prototypes": (
        made_of(
            lambda s, x: -((s.a(s.body(x))[:, None] - s.P) ** 2).sum(2),
            body=body(),
            a=nn.Linear(16, 3),
            P=nn.Parameter(torch.randn(4, 3)),
        ),
        "'P' comes in between 'a' and the prediction",
    ),
    "no weight": (made_of(lambda s, x: x.cumsum(1), body=body()), "no weight gives the prediction"),
}


@pytest.mark.parametrize("case", MISSING)
def test_outputs_that_no_weight_gives_alone(written, case):
    (forward, parts), reason = MISSING[case]
    assert reason in flow(written(forward, **parts), X).outputs[""].missing


def test_the_rows_of_a_head_of_which_an_output_is_a_part(written):
    net = written(lambda s, x: s.head(s.body(x)).chunk(2, 1), body=body(), head=nn.Linear(16, 4))
    outputs = flow(net, X).outputs
    assert (outputs["0"].rows, outputs["1"].rows) == ((0, 1), (2, 3))


def test_rows_in_the_order_of_the_outputs(written):
    forward, parts = two_heads(2, 2, lambda s, x: torch.stack([s.a(h := s.body(x)), s.b(h)], 2).flatten(1))
    net = written(forward, **parts)
    assert flow(net, X).outputs[""].rows == (0, 2, 1, 3)


def test_an_output_behind_another_is_told(written):
    outputs = flow(written(lambda s, x: (h := s.body(x), s.a(h)), body=body(), a=nn.Linear(16, 2)), X).outputs
    assert (outputs["0"].behind, outputs["1"].behind) == (frozenset(), {"0"})


def test_positions_and_class_tokens_are_no_weights(written):
    net = written(
        lambda s, x: s.a(torch.cat([s.token.expand(len(x), -1, -1), s.up(x[:, None])], 1) + s.pos)[:, 0],
        up=nn.Linear(6, 8),
        a=nn.Linear(8, 2),
        token=nn.Parameter(torch.randn(1, 1, 8)),
        pos=nn.Parameter(torch.randn(1, 2, 8)),
    )
    assert flow(net, X).bare == {}
    assert flow(written(on_normed, body=body(), M=nn.Parameter(matrix())), X).bare == {"M": ""}


def test_what_an_own_autograd_function_multiplies_by(written):
    net = written(lambda s, x: Own.apply(s.body(x), s.M), body=body(), M=nn.Parameter(matrix()))
    assert flow(net, X).outputs[""].weights == ("M",)


def test_a_network_that_does_not_run_with_gradients_is_unknown(written):
    def numpy_out(s, x):
        return torch.relu_(s.a.weight) @ x.mT

    seen = flow(written(numpy_out, a=nn.Linear(6, 2)), X)
    assert "does not run with gradients on (RuntimeError" in seen.unknown
    assert seen.giving("").missing == seen.unknown
    assert seen.following("a") == (None, seen.unknown)


def test_outputs_without_a_path_to_any_weight(written):
    net = written(lambda s, x: torch.from_numpy(s.body(x).detach().numpy()), body=body())
    assert "no path in the graph" in flow(net, X).unknown


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_nothing_is_left_behind(written, mode):
    net = written(
        lambda s, x: s.head(s.norm(s.keep(s.body(x)))) @ s.M,
        body=body().requires_grad_(False),
        norm=nn.BatchNorm1d(16),
        head=nn.Linear(16, 4),
        keep=nn.Identity(),
        M=matrix(4, 4),
    )
    net.keep.register_forward_hook(lambda m, a, o: setattr(m, "seen", o))
    before = copy.deepcopy(net.state_dict())
    held = [(p, p.requires_grad) for p in net.parameters()]
    buffers = dict(net.named_buffers())
    with mode():
        trace(net, (X,), {})
    assert all(p.requires_grad is flag and p.grad is None for p, flag in held)
    assert [p for p, _ in held] == list(net.parameters()) or all(
        a is b for (a, _), b in zip(held, net.parameters(), strict=True)
    )
    assert all(buffer is buffers[name] for name, buffer in net.named_buffers())
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    assert not hasattr(net.keep, "seen")
    assert not any(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules() if m is not net.keep)

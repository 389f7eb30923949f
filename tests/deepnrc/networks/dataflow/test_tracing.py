import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from deepnrc.networks.dataflow import trace


class Forward(nn.Module):
    """A network whose forward is given as a function of itself and its inputs."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            if isinstance(part, nn.Parameter | nn.Module):
                setattr(self, name, part)
            else:
                self.register_buffer(name, part)

    def forward(self, *args, **kwargs):
        return self.run(self, *args, **kwargs)


def body(width=16):
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, width), nn.ReLU())


def matrix(d=16, m=4):
    return torch.linalg.qr(torch.randn(d, m))[0]


def on_normed(net, x):
    return functional.normalize(net.body(x), dim=1) @ net.M


class Prenorm(nn.Module):
    def __init__(self, d=8):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.up, self.down = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)

    def forward(self, x):
        h = self.norm1(x)
        x = x + self.o(functional.scaled_dot_product_attention(self.q(h), self.k(h), self.v(h)))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class Residual(nn.Module):
    def __init__(self, c, m, pre):
        super().__init__()
        self.a, self.b, self.match, self.pre = nn.Conv2d(c, m, 3, padding=1), nn.Conv2d(m, m, 3, padding=1), None, pre
        if c != m:
            self.match = nn.Conv2d(c, m, 1)

    def forward(self, x):
        main = self.b(functional.relu(self.a(functional.relu(x) if self.pre else x)))
        total = main + (x if self.match is None else self.match(x))
        return total if self.pre else functional.relu(total)


class Excited(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.down, self.up, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 2), nn.Linear(2, 8), nn.Linear(8, 2)

    def forward(self, x):
        h = self.conv(x)
        gate = torch.sigmoid(self.up(functional.relu(self.down(h.mean((2, 3))))))
        return self.head((h * gate[:, :, None, None]).mean((2, 3)))


def flow(net, *args, watched=(), **kwargs):
    torch.manual_seed(0)
    return trace(net.eval(), args, kwargs, watched).dataflow


X = torch.randn(5, 6)


def two_heads(first, second, joined):
    return Forward(joined, body=body(), a=nn.Linear(16, first), b=nn.Linear(16, second))


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
        Forward(lambda s, x: s.head(s.body(x)), body=body(), head=nn.Sequential(nn.Dropout(), nn.Linear(16, 2))),
        ("head.1",),
    ),
    "a parameter as the head": (Forward(on_normed, body=body(), M=nn.Parameter(matrix())), ("M",)),
    "a buffer as the head": (Forward(on_normed, body=body(), M=matrix()), ("M",)),
    "a vector as the head": (
        Forward(lambda s, x: s.body(x) @ s.w, body=body(), w=nn.Parameter(torch.randn(16))),
        ("w",),
    ),
    "a parameter through functional.linear": (
        Forward(
            lambda s, x: functional.linear(s.body(x), functional.normalize(s.M)),
            body=body(),
            M=nn.Parameter(matrix().T.clone()),
        ),
        ("M",),
    ),
    "tied weights": (
        Forward(
            lambda s, i: functional.linear(s.mix(s.words(i)), s.words.weight),
            words=nn.Embedding(6, 16),
            mix=nn.Linear(16, 16),
        ),
        ("words.weight",),
    ),
    "a frozen trunk": (
        Forward(lambda s, x: s.a(s.body(x)), body=body().requires_grad_(False), a=nn.Linear(16, 2)),
        ("a",),
    ),
    "squashed after the head": (
        Forward(lambda s, x: s.a(s.body(x)).tanh() * 2, body=body(), a=nn.Linear(16, 2)),
        ("a",),
    ),
}


@pytest.mark.parametrize("case", GIVING)
def test_the_weights_that_give_the_output(case):
    net, weights = GIVING[case]
    given = flow(net, torch.randint(0, 6, (5, 3)) if case == "tied weights" else X).outputs[""]
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
        Forward(
            lambda s, x: -((s.a(s.body(x))[:, None] - s.P) ** 2).sum(2),
            body=body(),
            a=nn.Linear(16, 3),
            P=nn.Parameter(torch.randn(4, 3)),
        ),
        "'P' comes in between 'a' and the prediction",
    ),
    "no weight": (Forward(lambda s, x: x.cumsum(1), body=body()), "no weight gives the prediction"),
}


@pytest.mark.parametrize("case", MISSING)
def test_outputs_that_no_weight_gives_alone(case):
    net, reason = MISSING[case]
    assert reason in flow(net, X).outputs[""].missing


def test_the_rows_of_a_head_of_which_an_output_is_a_part():
    net = Forward(lambda s, x: s.head(s.body(x)).chunk(2, 1), body=body(), head=nn.Linear(16, 4))
    outputs = flow(net, X).outputs
    assert (outputs["0"].rows, outputs["1"].rows) == ((0, 1), (2, 3))


def test_rows_in_the_order_of_the_outputs():
    net = two_heads(2, 2, lambda s, x: torch.stack([s.a(h := s.body(x)), s.b(h)], 2).flatten(1))
    assert flow(net, X).outputs[""].rows == (0, 2, 1, 3)


def test_an_output_behind_another_is_told():
    outputs = flow(Forward(lambda s, x: (h := s.body(x), s.a(h)), body=body(), a=nn.Linear(16, 2)), X).outputs
    assert (outputs["0"].behind, outputs["1"].behind) == (frozenset(), {"0"})


def pairs(dataflow):
    return {(link.source, link.target) for link in dataflow.links}


@pytest.mark.parametrize(
    "forward",
    [
        lambda s, x: s.a(s.body(x).detach()),
        lambda s, x: s.a(s.body(x).data),
        lambda s, x: s.a(torch.no_grad()(s.body)(x)),
    ],
)
def test_what_is_cut_inside_the_network_is_read_through(forward):
    net = Forward(forward, body=body(), a=nn.Linear(16, 2))
    seen = flow(net, X)
    assert pairs(seen) == {("body.0", "body.2"), ("body.2", "a")}
    assert seen.detached
    assert not flow(Forward(lambda s, x: s.a(s.body(x)), body=body(), a=nn.Linear(16, 2)), X).detached


def test_integers_through_an_embedding():
    net = Forward(lambda s, i: s.a(s.words(i).mean(1)), words=nn.Embedding(9, 16), a=nn.Linear(16, 2))
    assert pairs(flow(net, torch.randint(0, 9, (5, 3)))) == {("words", "a")}


def test_positions_and_class_tokens_are_no_weights():
    net = Forward(
        lambda s, x: s.a(torch.cat([s.token.expand(len(x), -1, -1), s.up(x[:, None])], 1) + s.pos)[:, 0],
        up=nn.Linear(6, 8),
        a=nn.Linear(8, 2),
        token=nn.Parameter(torch.randn(1, 1, 8)),
        pos=nn.Parameter(torch.randn(1, 2, 8)),
    )
    assert flow(net, X).bare == ()
    assert flow(Forward(on_normed, body=body(), M=nn.Parameter(matrix())), X).bare == ("M",)


def test_parallel_readers_of_one_tensor():
    seen = flow(nn.Sequential(Prenorm(), Prenorm()), torch.randn(5, 3, 8), watched=("0",))
    assert seen.readers["0"] == ("1.q", "1.k", "1.v")
    assert ("0.down", "1.up") in pairs(seen)


def test_a_gate_is_a_path_of_its_own():
    seen = flow(Excited(), torch.randn(5, 3, 8, 8))
    assert pairs(seen) == {("conv", "down"), ("down", "up"), ("up", "head"), ("conv", "head")}
    assert not any(link.alone for link in seen.links if link.target == "head")


@pytest.mark.parametrize("pre", [True, False])
def test_a_convolution_on_a_shortcut_has_two_ends(pre):
    net = nn.Sequential(nn.Conv2d(3, 4, 1), Residual(4, 4, pre), Residual(4, 8, pre), nn.Conv2d(8, 2, 1))
    assert flow(net, torch.randn(5, 3, 8, 8)).shortcuts == {"2.match": ("1.b", "3")}


def test_an_adapter_beside_a_weight_makes_it_no_shortcut():
    net = Forward(
        lambda s, x: s.head(s.base(x) + s.up(s.down(x))),
        base=nn.Linear(6, 6),
        down=nn.Linear(6, 2),
        up=nn.Linear(2, 6),
        head=nn.Linear(6, 2),
    )
    assert flow(net, X).shortcuts == {}


CONSECUTIVE = {
    "ReLU": (nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)), ("ReLU",)),
    "in place": (nn.Sequential(nn.Linear(6, 5), nn.ReLU(inplace=True), nn.Linear(5, 2)), ("ReLU",)),
    "nothing": (nn.Sequential(nn.Linear(6, 5), nn.Dropout(), nn.Identity(), nn.Linear(5, 2)), ()),
    "a slope that is learned": (nn.Sequential(nn.Linear(6, 5), nn.PReLU(), nn.Linear(5, 2)), ("PReLU",)),
}


@pytest.mark.parametrize("case", CONSECUTIVE)
def test_consecutive_weights(case):
    net, between = CONSECUTIVE[case]
    link, reason = flow(net, X).following("0")
    assert (link.target, set(link.between), reason) == (str(len(net) - 1), set(between), "")


APART = {
    "a norm": (nn.Sequential(nn.Linear(6, 5), nn.LayerNorm(5), nn.Linear(5, 2)), "normalisation"),
    "a batch norm": (nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 2)), "what else comes in"),
    "a softmax": (nn.Sequential(nn.Linear(6, 5), nn.Softmax(1), nn.Linear(5, 2)), "more than elementwise"),
}


@pytest.mark.parametrize("case", APART)
def test_weights_that_are_not_consecutive(case):
    net, reason = APART[case]
    link, why = flow(net, X).following("0")
    assert link is None
    assert reason in why or "what else comes in" in why


def test_a_weight_with_two_readers_or_a_shortcut_has_none_that_follows():
    both = Forward(lambda s, x: s.a(h := s.up(x)) + s.b(h), up=nn.Linear(6, 5), a=nn.Linear(5, 2), b=nn.Linear(5, 2))
    assert "2 weights read" in flow(both, X).following("up")[1]
    past = Forward(lambda s, x: s.b(s.a(x) + x), a=nn.Linear(6, 6), b=nn.Linear(6, 2))
    assert "together with what else comes in" in flow(past, X).following("a")[1]
    shown = Forward(lambda s, x: (h := s.a(x), s.b(h)), a=nn.Linear(6, 6), b=nn.Linear(6, 2))
    assert "an output of the network too" in flow(shown, X).following("a")[1]
    cut = Forward(lambda s, x: s.b(s.a(x).detach()), a=nn.Linear(6, 6), b=nn.Linear(6, 2))
    assert "detach()" in flow(cut, X).following("a")[1]
    twice = Forward(lambda s, x: s.b(s.a(s.a(x))), a=nn.Linear(6, 6), b=nn.Linear(6, 2))
    assert "used 2 times" in flow(twice, X).following("a")[1]


def test_what_an_own_autograd_function_multiplies_by():
    net = Forward(lambda s, x: Own.apply(s.body(x), s.M), body=body(), M=nn.Parameter(matrix()))
    assert flow(net, X).outputs[""].weights == ("M",)


def test_a_network_that_does_not_run_with_gradients_is_unknown():
    def numpy_out(s, x):
        return torch.relu_(s.a.weight) @ x.mT

    seen = flow(Forward(numpy_out, a=nn.Linear(6, 2)), X)
    assert "does not run with gradients on (RuntimeError" in seen.unknown
    assert seen.giving("").missing == seen.unknown
    assert seen.following("a") == (None, seen.unknown)


def test_outputs_without_a_path_to_any_weight():
    net = Forward(lambda s, x: torch.from_numpy(s.body(x).detach().numpy()), body=body())
    assert "no path in the graph" in flow(net, X).unknown


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_nothing_is_left_behind(mode):
    net = Forward(
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

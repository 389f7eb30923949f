"""Which weight reads what another one gives, alone or beside others, and where shortcuts end."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from deepnrc.networks.dataflow import trace


def body(width=16):
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, width), nn.ReLU())


def flow(net, *args, watched=()):
    torch.manual_seed(0)
    return trace(net.eval(), args, {}, watched).dataflow


X = torch.randn(5, 6)


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
def test_what_is_cut_inside_the_network_is_read_through(written, forward):
    net = written(forward, body=body(), a=nn.Linear(16, 2))
    seen = flow(net, X)
    assert pairs(seen) == {("body.0", "body.2"), ("body.2", "a")}
    assert seen.detached
    assert not flow(written(lambda s, x: s.a(s.body(x)), body=body(), a=nn.Linear(16, 2)), X).detached


def test_integers_through_an_embedding(written):
    net = written(lambda s, i: s.a(s.words(i).mean(1)), words=nn.Embedding(9, 16), a=nn.Linear(16, 2))
    assert pairs(flow(net, torch.randint(0, 9, (5, 3)))) == {("words", "a")}


def test_parallel_readers_of_one_tensor():
    seen = flow(nn.Sequential(Prenorm(), Prenorm()), torch.randn(5, 3, 8), watched=("0",))
    assert seen.readers["0"] == ("1.q", "1.k", "1.v")
    assert seen.through == {("0", f"1.{name}"): ("normalisation",) for name in "qkv"}
    assert ("0.down", "1.up") in pairs(seen)


@pytest.mark.parametrize(
    ("between", "words"),
    [
        ((), None),
        ((nn.ReLU(), nn.LayerNorm(8)), ("ReLU", "normalisation")),
        ((nn.LayerNorm(8), nn.Tanh(), nn.Dropout()), ("normalisation", "tanh")),
        ((nn.BatchNorm1d(8),), ("normalisation",)),
    ],
)
def test_what_lies_between_a_block_and_its_reader_is_said_in_order(between, words):
    net = nn.Sequential(nn.Linear(8, 8), *between, nn.Linear(8, 2)).eval()
    seen = flow(net, torch.randn(5, 8), watched=("0",))
    assert seen.readers["0"] == (str(len(between) + 1),)
    assert seen.through == ({} if words is None else {("0", str(len(between) + 1)): words})


def test_a_gate_is_a_path_of_its_own():
    seen = flow(Excited(), torch.randn(5, 3, 8, 8))
    assert pairs(seen) == {("conv", "down"), ("down", "up"), ("up", "head"), ("conv", "head")}
    assert not any(link.alone for link in seen.links if link.target == "head")


@pytest.mark.parametrize("pre", [True, False])
def test_a_convolution_on_a_shortcut_has_two_ends(pre):
    net = nn.Sequential(nn.Conv2d(3, 4, 1), Residual(4, 4, pre), Residual(4, 8, pre), nn.Conv2d(8, 2, 1))
    assert flow(net, torch.randn(5, 3, 8, 8)).shortcuts == {"2.match": ("1.b", "3")}


def test_an_adapter_beside_a_weight_makes_it_no_shortcut(written):
    net = written(
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


def test_a_weight_with_two_readers_or_a_shortcut_has_none_that_follows(written):
    both = written(lambda s, x: s.a(h := s.up(x)) + s.b(h), up=nn.Linear(6, 5), a=nn.Linear(5, 2), b=nn.Linear(5, 2))
    assert "2 weights read" in flow(both, X).following("up")[1]
    past = written(lambda s, x: s.b(s.a(x) + x), a=nn.Linear(6, 6), b=nn.Linear(6, 2))
    assert "together with what else comes in" in flow(past, X).following("a")[1]
    shown = written(lambda s, x: (h := s.a(x), s.b(h)), a=nn.Linear(6, 6), b=nn.Linear(6, 2))
    assert "an output of the network too" in flow(shown, X).following("a")[1]
    cut = written(lambda s, x: s.b(s.a(x).detach()), a=nn.Linear(6, 6), b=nn.Linear(6, 2))
    assert "detach()" in flow(cut, X).following("a")[1]
    twice = written(lambda s, x: s.b(s.a(s.a(x))), a=nn.Linear(6, 6), b=nn.Linear(6, 2))
    assert "used 2 times" in flow(twice, X).following("a")[1]

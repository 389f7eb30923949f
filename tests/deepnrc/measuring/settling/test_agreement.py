"""Heads at every token, and what the network takes of them: read right, or said."""

import re

import pytest
import torch
from torch import nn

import deepnrc

N, T, D = 24, 5, 7
X, Y = (torch.randn(N, *shape, generator=torch.Generator().manual_seed(0)).double() for shape in [(T, 6), (3,)])
LENGTHS = torch.arange(N) % T + 1
REAL = torch.arange(T) < LENGTHS[:, None]
ALL = ["nrc.1", "nrc.2"]


class Net(nn.Module):
    def __init__(self, take, m=3):
        super().__init__()
        self.body, self.head, self.take = nn.Linear(6, D), nn.Linear(D, m), take
        self.weights = nn.Parameter(torch.rand(T))

    def forward(self, x, attention_mask=None):
        h = self.head(self.body(x).tanh())
        return self.take(h) if attention_mask is None else self.take(h, attention_mask)

    def features(self):
        return self.body(X).tanh().detach()


def measured(net, targets=Y, data=None, **options):
    """Values of nrc.1 and nrc.2, their statuses, and what was said of them."""
    table = deepnrc.probe(net, data or (X, targets), probes=ALL, progress=False, **options).table
    table = table[table["variant"] == "default"]
    return dict(zip(table["measure"], table["value"], strict=True)), set(table["status"]), set(table["note"])


def by_hand(H, W):
    """nrc.1 and nrc.2 by the definition."""
    V = torch.linalg.svd(H - H.mean(0), full_matrices=False)[2][:3]
    Q = torch.linalg.svd(W, full_matrices=False)[2]
    u = nn.functional.normalize(H, dim=1)
    return {name: float((u - u @ P.T @ P).square().sum(1).mean()) for name, P in zip(ALL, (V, Q), strict=True)}


OTHERWISE = "the network predicts from them otherwise: a function as pool="
TAKEN = {
    "last": (lambda z: z[:, -1], lambda h: h[:, -1], "the last one: pool='last'"),
    "first": (lambda z: z[:, 0], lambda h: h[:, 0], "the first one: pool='cls'"),
    "third": (lambda z: z[:, 2], lambda h: h[:, 2], "some of them: pool=lambda x: x[:, 2]"),
    "last two": (lambda z: z[:, -2:].mean(1), lambda h: h[:, -2:].mean(1), "pool=lambda x: x[:, 3:5].mean(1)"),
    "mean": (lambda z: z.mean(1), lambda h: h.mean(1), ""),
    "sum": (lambda z: z.sum(1), lambda h: h.mean(1), ""),
    "tanh of the mean": (lambda z: z.mean(1).tanh(), lambda h: h.mean(1), ""),
    "median": (lambda z: z.median(1).values, None, OTHERWISE),
    "amax": (lambda z: z.amax(1), None, OTHERWISE),
    "std": (lambda z: z.std(1), None, OTHERWISE),
    "logsumexp": (lambda z: z.logsumexp(1), None, OTHERWISE),
    "topk": (lambda z: z.topk(2, 1).values.mean(1), None, OTHERWISE),
    "mean of tanh": (lambda z: z.tanh().mean(1), None, OTHERWISE),
    "fixed weights": (lambda z: (z * torch.arange(1.0, T + 1)[:, None]).sum(1), None, OTHERWISE),
}
POOLS = {"last": "last", "first": "cls", "third": lambda x: x[:, 2], "last two": lambda x: x[:, 3:5].mean(1)}


@pytest.mark.parametrize("name", TAKEN)
def test_the_top_is_pooled_as_the_network_pools_or_is_not_defined(seeded, name):
    take, own, said = TAKEN[name]
    net = seeded(lambda: Net(take))
    if said:
        with pytest.warns(UserWarning, match=f"Measures of the top layer are not defined.*{re.escape(said)}"):
            _, statuses, notes = measured(net)
        assert statuses == {"not defined"}
        assert all(said in note for note in notes)
    if own is not None:
        values, _, _ = measured(net, pool=POOLS.get(name, "mean"))
        assert values == pytest.approx(by_hand(own(net.features()), net.head.weight.detach()), rel=1e-10)


@pytest.mark.parametrize("pool", ["max", "last", "cls", "flatten", lambda x: x[:, 1]])
def test_another_pooling_than_the_networks_is_said(seeded, pool):
    with pytest.warns(UserWarning, match="the network predicts from their mean: pool='mean' pools as it does"):
        assert measured(seeded(lambda: Net(lambda z: z.mean(1))), pool=pool)[1] == {"not defined"}


def test_weights_that_are_learned_are_no_pooling_but_one_of_the_users_own(seeded):
    net = seeded(lambda: Net(lambda z: (z * net.weights.softmax(0)[:, None]).sum(1)))
    with pytest.warns(UserWarning, match="not defined"):
        measured(net)
    w = net.weights.detach().softmax(0)
    values, _, _ = measured(net, pool=lambda x: torch.einsum("ntd,t->nd", x, w.to(x.dtype)))
    assert values == pytest.approx(by_hand(torch.einsum("ntd,t->nd", net.features(), w), net.head.weight.detach()))


def test_outputs_of_each_place_are_told_of_tokens(seeded):
    targets = torch.randn(N, T, dtype=torch.float64)
    with pytest.warns(
        UserWarning, match=r"each of them gives outputs of its own: .*\(N, places, n\) with 'tokens' as pool="
    ):
        assert measured(seeded(lambda: Net(lambda z: z.flatten(1), m=1)), targets)[1] == {"not defined"}


def test_one_output_that_is_bent_behind_the_pooling_is_read(seeded):
    net = seeded(lambda: Net(lambda z: z[:, -1].tanh(), m=1))
    assert measured(net, Y[:, :1], pool="last")[1] == {"ok"}
    with pytest.warns(UserWarning, match="pool='last'"):
        measured(net, Y[:, :1])


BENT = {
    "ReLU": lambda z: z.relu().mean(1),
    "ReLU6": lambda z: nn.functional.relu6(z * 0.5 + 1).mean(1),
    "clamp": lambda z: z[:, 1:].clamp(0).sum(1) * 2,
    "absolute value": lambda z: z[:, 3].abs() + z[:, 4].abs(),
    "maximum": lambda z: nn.functional.avg_pool1d(torch.maximum(z, torch.zeros(()).double()).mT, T).flatten(1),
}
BENT_AS_ONE = {
    "ReLU": (lambda z: (z.mean(1) * 2 + 1).relu(), "mean"),
    "leaky ReLU": (lambda z: nn.functional.leaky_relu(z)[:, -1] + 1, "last"),
}


def measured_straight_at_first(seeded, take, **options):
    """Of a network in whose first batch all that is bent lies on one straight piece, and not behind it."""
    net = seeded(lambda: Net(take))
    with torch.no_grad():
        net.head.weight *= 9
        net.head.bias += 2
        net.body.bias.zero_()
    x = torch.where(torch.arange(N)[:, None, None] < 8, X * 1e-3, X)
    return measured(net, data=list(zip(x.split(8), Y.split(8), strict=True)), **options)[1]


@pytest.mark.parametrize("name", BENT)
def test_places_that_are_bent_before_they_are_summed_are_not_read_by_their_mean(seeded, name):
    with pytest.warns(UserWarning, match=re.escape(OTHERWISE)):
        assert measured_straight_at_first(seeded, BENT[name]) == {"not defined"}


@pytest.mark.parametrize("name", BENT_AS_ONE)
def test_what_is_bent_behind_the_sum_or_at_one_place_is_read(seeded, name):
    take, pool = BENT_AS_ONE[name]
    assert measured_straight_at_first(seeded, take, pool=pool) == {"ok"}


MASKED = {
    "mean": (lambda z, m: (z * m[..., None]).sum(1) / m.sum(1, keepdim=True), "mean", ""),
    "sum": (lambda z, m: (z * m[..., None]).sum(1), "mean", OTHERWISE),
    "tanh of the sum": (lambda z, m: (z * m[..., None]).sum(1).tanh(), "mean", OTHERWISE),
    "mean over padding": (lambda z, m: z.mean(1), "mean", "their mean: pool='mean' with mask=None"),
    "last": (lambda z, m: z[torch.arange(len(z)), m.sum(1) - 1], "last", ""),
    "last by the mean": (lambda z, m: z[torch.arange(len(z)), m.sum(1) - 1], "mean", "the last one: pool='last' pools"),
    "last of all": (lambda z, m: z[:, -1], "last", "the last one: pool='last' with mask=None"),
}


@pytest.mark.parametrize("name", MASKED)
def test_padding_counts_as_it_does_for_the_network(seeded, name):
    take, pool, said = MASKED[name]
    data = [({"x": X, "attention_mask": REAL.long()}, Y)]
    if not said:
        assert measured(seeded(lambda: Net(take)), data=data, pool=pool)[1] == {"ok"}
        return
    with pytest.warns(UserWarning, match=re.escape(said)):
        measured(seeded(lambda: Net(take)), data=data, pool=pool)


def test_padding_behind_the_first_samples_counts_too(seeded):
    order = LENGTHS.argsort(descending=True)
    data = [({"x": X[order], "attention_mask": REAL[order].long()}, Y)]
    mean = MASKED["mean"][0]
    assert measured(seeded(lambda: Net(mean)), data=data)[1] == {"ok"}
    with pytest.warns(UserWarning, match="their mean: pool='mean' with mask=None"):
        measured(seeded(lambda: Net(lambda z, m: z.mean(1))), data=data)


def test_a_place_at_a_length_beside_the_input_asks_for_a_mask(seeded):
    net = seeded(lambda: Net(lambda z, length: z[torch.arange(len(z)), length - 1]))
    with pytest.warns(UserWarning, match=r"another in each sample: 'last' as pool= reads that, if mask= is a function"):
        measured(net, data=[((X, LENGTHS), Y)])


def test_the_layer_that_the_user_names_is_measured_all_the_same(seeded):
    net = seeded(lambda: Net(lambda z: z[:, -1]))
    with pytest.warns(UserWarning, match=r"The top layer that was named is measured with .* pool='last'"):
        values, _, _ = measured(net, top="head")
    assert values == pytest.approx(by_hand(net.features().mean(1), net.head.weight.detach()))


MAPS = {
    "mean": (lambda z: z.mean((2, 3)), 1, ""),
    "centre": (lambda z: z[:, :, 1, 1], 1, r"pool=lambda x: x\[:, 4\]"),
    "mean of ReLU": (lambda z: z.relu().mean((2, 3)), 1, OTHERWISE),
    "every second": (lambda z: z.mean((2, 3)), 2, "the places that 'head' reads and gives do not correspond"),
}


@pytest.mark.parametrize("name", MAPS)
def test_maps_are_read_by_their_mean_if_the_network_takes_that(seeded, name):
    take, stride, said = MAPS[name]

    class Maps(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Conv2d(6, 3, 1, stride=stride)

        def forward(self, x):
            return take(self.head(x))

    data = (torch.randn(N, 6, 3, 3, dtype=torch.float64), Y)
    if not said:
        assert measured(seeded(Maps), data=data)[1] == {"ok"}
        return
    with pytest.warns(UserWarning, match=said):
        assert measured(seeded(Maps), data=data)[1] == {"not defined"}


@pytest.mark.parametrize("norm", [nn.Identity, lambda: nn.LayerNorm(6)])
def test_a_block_in_front_of_the_head_is_pooled_as_the_head_reads_it(seeded, norm):
    class Tokens(nn.Module):
        def __init__(self, take):
            super().__init__()
            self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(6, 6), nn.Tanh()) for _ in range(2)])
            self.norm, self.head, self.take = norm(), nn.Linear(6, 3), take

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return self.head(self.take(self.norm(x)))

    first, mean = (seeded(lambda take=take: Tokens(take)) for take in (lambda h: h[:, 0], lambda h: h.mean(1)))
    assert measured(first, layers="blocks", pool="cls")[1] == measured(mean, layers="blocks")[1] == {"ok"}
    for net, pool, said in ((first, "mean", "cls"), (mean, "cls", "mean")):
        with pytest.warns(UserWarning, match=f"pool='{said}' pools as it does"):
            measured(net, layers="blocks", pool=pool)

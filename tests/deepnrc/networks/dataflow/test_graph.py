"""What lies between a tensor and the weights that gave it."""

import pytest
import torch
from torch import nn

from deepnrc.networks.dataflow.graph import Bare, Graph
from deepnrc.networks.dataflow.recording import place, record

X = torch.randn(5, 6)


@pytest.fixture
def region(written):
    """Everything between the output of a network of two Linears, "a" and "b", and what gave it."""

    def walk(forward, **parts):
        net = written(forward, a=nn.Linear(6, 4), b=nn.Linear(6, 4), **parts)
        graph = Graph(recording := record(net, (X,), {}, {"a", "b"}), {"a", "b"})
        return graph.region([place(recording.output)])

    return walk


@pytest.mark.parametrize(
    ("forward", "names", "mixed"),
    [
        (lambda s, x: s.a(x).relu(), ["a"], False),
        (lambda s, x: torch.cat([s.b(x), s.a(x)], 1), ["b", "a"], False),
        (lambda s, x: torch.cat([s.b(x).relu(), s.a(x).tanh()], 1), ["b", "a"], False),
        (lambda s, x: s.a(x) + s.b(x), ["a", "b"], True),
        (lambda s, x: torch.cat([s.a(x) * s.b(x), s.a(x)], 1).sum(1), ["a", "b", "a"], True),
    ],
)
def test_the_nearest_weights_come_in_the_order_of_the_columns_and_sums_mix_them(region, forward, names, mixed):
    found = region(forward)
    assert [giver.name for giver in found.givers] == names
    assert found.mixed is mixed


def test_the_words_of_a_weight_go_from_it_upwards_each_once(region):
    found = region(lambda s, x: s.a(x).tanh().relu().tanh().softmax(1))
    assert found.words[found.givers[0]] == ("tanh", "ReLU", "attention")


@pytest.mark.parametrize(
    ("forward", "told"),
    [
        (lambda s, x: s.a(x), (False, False, [], False)),
        (lambda s, x: s.a(x) + x[:, :4], (True, False, [], False)),
        (lambda s, x: s.a(x) * s.scale, (False, False, [], True)),
        (lambda s, x: s.a(x)[:, None] - s.table, (False, False, ["table"], False)),
        (lambda s, x: s.a(x).detach(), (False, False, [], False)),
    ],
)
def test_what_comes_in_beside_the_weights_is_told(region, forward, told):
    found = region(forward, scale=nn.Parameter(torch.ones(4)), table=nn.Parameter(torch.ones(3, 4)))
    assert (found.inputs, found.others, found.matrices, found.vectors) == told


@pytest.mark.parametrize("product", [lambda s, h: h @ s.M, lambda s, h: torch.addmm(s.c, h, s.M.relu())])
def test_a_product_with_a_bare_parameter_is_a_weight_too(region, product):
    M, c = nn.Parameter(torch.randn(4, 2)), nn.Parameter(torch.randn(2))
    (giver,) = region(lambda s, x: product(s, s.a(x)), M=M, c=c).givers
    assert isinstance(giver, Bare)
    assert giver.name == "M"


def test_the_product_of_two_activations_is_none():
    net = nn.Sequential(nn.Linear(6, 5))
    recording = record(net, (X,), {}, {"0"})
    graph = Graph(recording, {"0"})
    squared = recording.output @ recording.output.mT
    assert graph.bare(squared.grad_fn) is None
    assert [giver.name for giver in graph.region([place(squared)]).givers] == ["0"]


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda m, w, h: (m @ m.mT).relu(), {"m"}),
        (lambda m, w, h: m @ w, {"m", "w"}),
        (lambda m, w, h: h @ m, None),
        (lambda m, w, h: (m @ w).mT + h.sum(), None),
    ],
)
def test_only_what_is_made_of_parameters_alone_is_parametric(written, make, names):
    def forward(s, x):
        s.made.append(make(s.m, s.w, s.a(x)))
        return s.made[-1]

    net = written(forward, a=nn.Linear(6, 4), m=nn.Parameter(torch.randn(4, 3)), w=nn.Parameter(torch.randn(3, 2)))
    net.made = []
    recording = record(net, (X,), {}, {"a"})
    found = Graph(recording, {"a"}).parametric(recording.output.grad_fn)
    assert found == (None if names is None else frozenset(names))


def test_a_module_that_holds_a_matrix_and_multiplies_by_none_is_no_weight(written):
    positions = written(lambda s, x: x + s.table, table=nn.Parameter(torch.randn(5, 6)))
    net = nn.Sequential(positions, nn.Linear(6, 2))
    graph = Graph(record(net, (X,), {}, {"0", "1"}), {"0", "1"})
    assert [call.name for call in graph.calls] == ["1"]

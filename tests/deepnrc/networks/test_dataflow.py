import pytest
import torch
from torch import nn

from deepnrc.networks.dataflow import following


def named(**modules):
    return modules


def linear(d, m):
    return nn.Linear(d, m)


def test_the_linear_that_runs_next_and_fits():
    weights = named(a=linear(3, 4), b=linear(4, 5), c=linear(5, 6))
    ran = ["a", "Block", "b", "c"]
    assert following(weights["a"], "", ran, weights) == (weights["b"], "")
    assert following(weights["b"], "", ran, weights) == (weights["c"], "")


@pytest.mark.parametrize(
    ("after", "ran", "words"),
    [
        (linear(4, 2), ["a"], "no weight runs after this one"),
        (linear(4, 2), ["b", "a"], "no weight runs after this one"),
        (linear(5, 2), ["a", "b"], "the next weight, 'b', reads 5 features and not 4"),
        (nn.Conv2d(4, 2, 1), ["a", "b"], "the next weight, 'b', is Conv2d and not Linear"),
        (nn.GRU(4, 2), ["a", "b"], "the next weight, 'b', is GRU and not Linear"),
        (linear(4, 2), ["a", "b", "b"], "the next weight, 'b', is used 2 times in a pass"),
        (linear(4, 4), ["a", "b", "a"], "the weight is used 2 times in a pass"),
        (linear(4, 4), ["b"], "the weight is used 0 times in a pass"),
    ],
)
def test_where_none_fits_the_reason_is_given(after, ran, words):
    weights = named(a=linear(3, 4), b=after)
    assert following(weights["a"], "", ran, weights) == (None, words)


def test_a_weight_that_is_no_linear_or_not_there():
    conv = nn.Conv2d(3, 4, 1)
    assert following(conv, "", ["a"], named(a=conv)) == (None, "Conv2d is not Linear")
    assert following(None, "no weight layer reads this output", [], {}) == (None, "no weight layer reads this output")


def test_a_linear_with_a_forward_of_its_own_is_not_taken_for_its_weight():
    class Own(nn.Linear):
        def forward(self, x):
            return super().forward(x) ** 2

    weights = named(a=linear(3, 4), b=Own(4, 5))
    found, words = following(weights["a"], "", ["a", "b"], weights)
    assert found is None
    assert words == "Own has a forward of its own and may not use its weight as it is"


def test_every_layer_of_a_network_is_held_against_the_next(mlp, data, probe, row):
    net = mlp()
    report = probe(net, data())
    for name, after in (("0", "2"), ("2", "4")):
        W, V = (net.get_submodule(n).weight.detach() for n in (name, after))
        A, B = V.T @ V, W @ W.T
        wanted = float((A - B).norm() / torch.hypot(A.norm(), B.norm()))
        assert row(report, name, "deep.balancedness")["value"] == pytest.approx(wanted, rel=1e-12)
    found = row(report, "4", "deep.balancedness")
    assert (found["status"], found["note"]) == ("not defined", "no weight runs after this one")


def test_behind_a_block_it_is_the_weight_that_reads_it(seeded, data, probe, row):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(6, 6)

        def forward(self, x):
            return x + self.inner(x).relu()

    net = seeded(lambda: nn.Sequential(Block(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))
    found = row(probe(net, data(), layers="blocks"), "0", "deep.balancedness")
    wanted = row(probe(net, data()), "1", "deep.balancedness")
    assert (found["status"], found["value"]) == ("ok", wanted["value"])

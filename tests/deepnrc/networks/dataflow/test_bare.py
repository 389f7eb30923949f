"""Which bare products can be read as layers."""

import pytest
import torch
from torch import nn

from deepnrc.networks.dataflow.bare import matrices_of, sighted
from deepnrc.networks.dataflow.flow import Dataflow
from deepnrc.networks.dataflow.passes import Inputs


@pytest.fixture
def found(written):
    """What two passes tell of a network of a parameter W and a buffer M."""

    def look(forward, bare, **runs):
        net = written(forward, W=nn.Parameter(torch.randn(6, 3)), M=torch.randn(6, 3), a=nn.Linear(6, 3))
        x = torch.randn(4, 6)
        seen = [sighted(net, Inputs((x[:n],), {}, n), bare, seed) for seed, n in enumerate((4, 3))]
        return net, matrices_of(net, Dataflow(bare=bare, runs=runs), *seen)

    return look


def test_one_product_is_a_layer(found):
    net, read = found(lambda s, x: s.a(x) + x @ s.W, {"W": ""}, W=1)
    assert torch.equal(read["W"], net.W.mT)


@pytest.mark.parametrize(
    ("forward", "name", "runs", "reason"),
    [
        (lambda s, x: x @ s.W, "W", 2, "it is used 2 times in a pass"),
        (lambda s, x: x @ s.W + x @ s.W, "W", 1, "it is used 2 times in a pass"),
        (lambda s, x: x @ s.M, "M", 1, "it is a buffer and no parameter"),
        (lambda s, x: x.sum(1) + s.W.sum(), "W", 1, "it is used otherwise than as features times one matrix"),
        (lambda s, x: x @ (s.W * len(x)), "W", 1, "what activations are multiplied by changes from pass to pass"),
    ],
)
def test_why_no_layer_can_be_read(found, forward, name, runs, reason):
    assert found(forward, {name: ""}, **{name: runs})[1] == {name: reason}


def test_what_the_graph_closes_stays_closed(found):
    assert found(lambda s, x: x @ s.W, {"W": "an own function"})[1] == {"W": "an own function"}

"""What the graph showed is put to the test on the network itself."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from deepnrc.networks.dataflow.interventions import NOISES, _noisy, proved
from deepnrc.networks.dataflow.passes import Inputs
from deepnrc.networks.dataflow.tracing import trace
from deepnrc.networks.outputs import EVERY

INPUTS = Inputs((torch.randn(5, 6),), {}, 5)
PAST = "more than 'b' gives the prediction, where no graph could be had"


def unseen(x):
    """The same numbers, past the autograd graph."""
    return torch.from_numpy(x.detach().numpy().copy())


@pytest.fixture
def tried(written):
    """A network of four Linears, its dataflow as traced, and after interventions."""

    def run(forward):
        net = written(forward, a=nn.Linear(6, 5), b=nn.Linear(5, 2), c=nn.Linear(6, 2), d=nn.Linear(5, 2)).eval()
        traced = trace(net, INPUTS.args, {})
        return net, traced, proved(net, INPUTS, traced, (), EVERY)

    return run


@pytest.mark.parametrize(
    ("forward", "missing"),
    [
        (lambda s, x: s.b(s.a(x).relu()), ""),
        (lambda s, x: (s.c(x), s.b(s.a(x)))[1], ""),
        (lambda s, x: s.b(s.a(x)) + torch.ones(2), ""),
        (lambda s, x: s.b(s.a(x)) + unseen(s.c(x)), PAST),
        (lambda s, x: s.b(h := s.a(x)) * unseen(s.d(h)), PAST),
        (lambda s, x: s.b(h := s.a(x)) + unseen(h[:, :2]), PAST),
    ],
)
def test_with_the_head_held_nothing_else_may_move_the_output(tried, forward, missing):
    _, traced, found = tried(forward)
    assert traced.dataflow.outputs[""].missing == ""
    assert found.outputs[""].missing == missing


@pytest.mark.parametrize(
    ("forward", "hidden"),
    [
        (lambda s, x: (s.c(x), s.b(s.a(x)))[1], ""),
        (lambda s, x: s.b(s.a(x)) + unseen(s.c(x)), "what 'c', 'd' give is used where no graph could be had"),
    ],
)
def test_what_leads_nowhere_in_the_graph_may_move_no_output(tried, forward, hidden):
    def run(s, x):
        s.d(s.a(x))
        return forward(s, x)

    assert tried(run)[2].hidden == hidden


def test_a_network_that_refuses_disturbed_numbers_shows_nothing(tried):
    def forward(s, x):
        h = s.a(x)
        if not torch.allclose(h, nn.functional.linear(x, s.a.weight, s.a.bias)):
            raise ValueError("these are not mine")
        return s.b(h)

    _, traced, found = tried(forward)
    assert found == traced.dataflow


def test_an_output_that_is_not_given_by_weights_alone_stays_so(tried):
    net, traced, _ = tried(lambda s, x: s.b(s.a(x)) + unseen(s.c(x)))
    known = replace(traced.dataflow.outputs[""], missing="known already")
    told = replace(traced, dataflow=replace(traced.dataflow, outputs={"": known}))
    assert proved(net, INPUTS, told, (), EVERY).outputs[""] == known


def test_the_network_is_left_as_it_was(tried, hooks):
    net, traced, _ = tried(lambda s, x: s.b(s.a(x)))
    before = copy.deepcopy(net.state_dict())
    proved(net, INPUTS, traced, (), EVERY)
    assert hooks(net) == 0
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("shape", [(0, 3), (1,), (2, NOISES), (3, 300, 300), (NOISES + 1,)])
def test_what_is_disturbed_is_so_in_every_number(shape):
    x = torch.ones(shape, dtype=torch.float64)
    noise = _noisy(x) - x
    assert noise.shape == shape
    assert bool((noise != 0).all())
    assert torch.equal(_noisy(x), _noisy(x))

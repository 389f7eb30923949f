"""Passes that leave no trace, and when two are alike."""

import copy

import torch
from torch import nn

from deepnrc.networks.choosing.layers import choose
from deepnrc.networks.dataflow.passes import Inputs, alike, near, run


def test_a_pass_reads_every_site_and_leaves_the_network_as_it_was():
    net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 2))
    before, x = copy.deepcopy(net.state_dict()), torch.randn(5, 4)
    sites = choose(net).sites
    first = run(net, Inputs((x,), {}, 5), sites)
    assert {name: [t.shape[1] for t in read] for name, read in first.read.items()} == {"0": [4], "3": [6]}
    assert torch.equal(first.read["0"][0], x)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_dropout_draws_the_same_from_one_seed_and_not_from_another():
    net, inputs = nn.Sequential(nn.Linear(4, 64), nn.Dropout(0.5)), Inputs((torch.randn(5, 4),), {}, 5)
    assert alike(run(net, inputs).outputs, run(net, inputs).outputs)
    assert not alike(run(net, inputs).outputs, run(net, inputs, seed=1).outputs)


def test_inputs_are_cut_wherever_they_hold_the_samples():
    x, mask = torch.randn(5, 3), torch.ones(5, 7)
    cut = Inputs((x, 2), {"mask": mask, "scale": torch.ones(3)}, 5).cut(4, 0)
    assert cut.samples == 4
    assert torch.equal(cut.args[0], x[:4])
    assert cut.args[1] == 2
    assert cut.kwargs["mask"].shape == (4, 7)
    assert cut.kwargs["scale"].shape == (3,)


def test_tensors_are_near_within_the_square_root_of_their_precision():
    a = torch.ones(4, dtype=torch.float64)
    assert near(a, a + 1e-9)
    assert not near(a, a + 1e-7)
    assert near(a.float(), a.float() + 1e-5)
    assert not near(a, a.float())
    assert not near(a, a[:3])
    assert near(a[:0], a[:0])
    assert not alike({"a": a}, {"b": a})

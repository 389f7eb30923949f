"""A network is after a recorded pass what it was before, whatever its forward writes."""

import copy

import pytest
import torch
from torch import nn

from deepnrc.networks.dataflow.recording import as_it_was


class Counting(nn.Module):
    """Writes into a buffer in place, also in evaluation mode."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.linear, self.seen = nn.Linear(4, 2), None

    def forward(self, x):
        self.calls += 1
        self.seen = x
        return self.linear(x)


class Replacing(Counting):
    def forward(self, x):
        self.calls = self.calls + len(x)
        return self.linear(x)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        Counting,
        Replacing,
        lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)),
        lambda: nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, momentum=None), nn.ReLU(), nn.BatchNorm1d(3)),
        lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3)),
    ],
)
def test_buffers_attributes_and_flags_are_as_before(make, training):
    net = make().train(training)
    next(net.parameters()).requires_grad_(False)
    flags = [p.requires_grad for p in net.parameters()]
    before, buffers = copy.deepcopy(net.state_dict()), list(net.buffers())
    with as_it_was(net):
        net.requires_grad_(True)
        net(torch.randn(5, 4))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(a is b for a, b in zip(net.buffers(), buffers, strict=True))
    assert [p.requires_grad for p in net.parameters()] == flags
    assert getattr(net, "seen", None) is None


def test_it_is_as_before_also_where_the_pass_fails():
    net = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(3, 2))
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(RuntimeError), as_it_was(net):
        net(torch.randn(5, 4))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())

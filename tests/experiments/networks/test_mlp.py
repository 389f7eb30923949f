"""The networks that studies train."""

import pytest
import torch
from torch import nn

from experiments.networks.mlp import Mlp, mlp


def test_layers_are_named_in_order_and_sized():
    net = mlp(5, 3, hidden=[7, 6])
    assert [(n, m.in_features, m.out_features) for n, m in net.named_children() if isinstance(m, nn.Linear)] == [
        ("layer1", 5, 7), ("layer2", 7, 6), ("layer3", 6, 3),
    ]  # fmt: skip
    assert net(torch.zeros(2, 5)).shape == (2, 3)


@pytest.mark.parametrize(("last_relu", "count"), [(True, 2), (False, 1)])
def test_the_last_relu_is_a_choice(last_relu, count):
    net = mlp(5, 3, hidden=[7, 6], last_relu=last_relu)
    assert sum(isinstance(m, nn.ReLU) for m in net) == count
    assert isinstance(net[-2], nn.ReLU) == last_relu


@pytest.mark.parametrize("bias", [True, False])
def test_biases_are_everywhere_or_nowhere(bias):
    layers = [m for m in mlp(5, 3, hidden=[7, 6], bias=bias) if isinstance(m, nn.Linear)]
    assert [m.bias is not None for m in layers] == [bias] * 3


@pytest.mark.parametrize(("norm", "kind"), [("layer", nn.LayerNorm), ("batch", nn.BatchNorm1d)])
def test_norms_follow_each_hidden_layer(norm, kind):
    net = mlp(5, 3, hidden=[7, 6], norm=norm)
    names = [name for name, _ in net.named_children()]
    assert [names[i - 1] for i, m in enumerate(net) if isinstance(m, kind)] == ["layer1", "layer2"]


def test_the_seed_decides_the_weights_and_leaves_the_random_state():
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    first, again, other = (mlp(5, 3, hidden=[7], seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), wanted)
    assert torch.equal(first.layer1.weight, again.layer1.weight)
    assert not torch.equal(first.layer1.weight, other.layer1.weight)


@pytest.mark.parametrize("hidden", [[], [0], [4, -1]])
def test_a_network_without_units_is_refused(hidden):
    with pytest.raises(ValueError, match="at least 1 hidden layer of at least 1 unit; the widths are"):
        mlp(5, 3, hidden=hidden)


def test_an_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="no norm 'group'; choose 'layer', 'batch' or None"):
        mlp(5, 3, hidden=[4], norm="group")


def test_the_gain_scales_weights_and_leaves_biases():
    plain, scaled = (mlp(3, 2, hidden=[4], gain=gain, seed=1) for gain in (1.0, 1.6))
    for one, other in zip(plain.parameters(), scaled.parameters(), strict=True):
        assert torch.equal(other, one * 1.6 if one.ndim == 2 else one)


@pytest.mark.parametrize("gain", [0.0, -1.0, float("inf"), float("nan")])
def test_a_gain_that_is_none_is_refused(gain):
    with pytest.raises(ValueError, match="gain of the initial weights must be positive and finite"):
        Mlp((4,), gain=gain)

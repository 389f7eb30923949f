"""Which modules of several Linears are one layer: those that adapt one of them, and no perceptrons."""

import pytest
import torch
from torch import nn

from deepnrc.networks.weights.adapters import adapted, base_of_peft
from deepnrc.networks.weights.registry import weight_of


class Three(nn.Module):
    """Three layers whose shapes are those of an adapter: i -> h -> h -> i, or a pair of low rank beside a shortcut."""

    def __init__(self, *shapes, kind=nn.Linear, activation=torch.relu):
        super().__init__()
        self.first, self.second, self.third = (kind(*shape) for shape in shapes)
        self.activation = activation

    def forward(self, x):
        return self.third(self.activation(self.second(self.activation(self.first(x)))))


class Beside(Three):
    """A bottleneck beside a projection, with an activation in it."""

    def forward(self, x):
        return self.third(x) + self.second(self.activation(self.first(x)))


@pytest.mark.parametrize(
    "module",
    [
        Three((2, 64), (64, 64), (64, 2)),
        Three((1, 16), (16, 16), (16, 1), activation=torch.tanh),
        Three((6, 16), (16, 16), (16, 6), activation=nn.functional.gelu),
        Three((6, 16), (16, 16), (16, 6), activation=lambda x: x),
        Three((4, 8, 1), (8, 8, 1), (8, 4, 1), kind=nn.Conv1d),
        Beside((4, 3), (3, 16), (4, 16)),
    ],
)
def test_three_layers_of_an_adapter_s_shapes_are_no_adapter(module):
    assert weight_of(module) is None


def test_a_pair_of_low_rank_beside_a_layer_is_one_layer_with_it():
    module = Beside((4, 3), (3, 16), (4, 16), activation=lambda x: x)
    used = module.third.weight + module.second.weight @ module.first.weight
    torch.testing.assert_close(weight_of(module).matrix(), used.detach().double(), rtol=1e-5, atol=1e-6)


def test_a_pair_of_other_ranks_or_with_an_activation_module_is_none():
    assert adapted(Beside((4, 3), (3, 16), (4, 16))) is not None  # may be one; its response says that it is none
    assert adapted(Beside((4, 5), (5, 16), (4, 16))) is None
    assert adapted(Three((2, 8), (8, 8), (8, 2), activation=nn.ReLU())) is None
    assert base_of_peft(Beside((4, 3), (3, 16), (4, 16))) is None

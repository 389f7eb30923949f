"""Every layer beside the closed form: a network at its minimum is met, and one that is not says by how much."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from deepnrc.errors import UsageError
from experiments.data.prescribed import covariance, spread
from experiments.theory import every_layer
from probes.ufm import LinearMinimum

DECAY = 2e-3


def at_the_minimum(eigenvalues=(1.0, 0.5, 0.2), layers=4, decay=DECAY, mean=0.4, bias=True):
    """A linear network at the minimum of its loss, with the white inputs and the targets that it learned."""
    Y = spread(eigenvalues, 100, mean=mean)
    S = covariance(Y) if bias else Y.T @ Y / len(Y)
    penalty = decay * Y.shape[1] / 2
    minimum = LinearMinimum(S, penalty, (penalty,) * (layers - 1))
    rows = Y - Y.mean(0) if bias else Y
    X = rows @ minimum.targets.vectors * minimum.targets.values.rsqrt()
    frames = [torch.linalg.qr(torch.randn(7, Y.shape[1], dtype=torch.float64)).Q for _ in range(layers - 1)]
    outer = [torch.eye(Y.shape[1], dtype=torch.float64), *frames, minimum.targets.vectors]
    values = minimum.weight_values(1)
    parts = []
    for a, b in pairwise(outer):
        part = nn.Linear(a.shape[0], b.shape[0], bias=bias).double()
        part.weight.data = b * values @ a.T
        if bias:
            part.bias.data.zero_()
        parts.append(part)
    if bias:
        parts[-1].bias.data = Y.mean(0)
    return nn.Sequential(*parts), X, Y


@pytest.mark.parametrize(("layers", "decay"), [(2, 1e-2), (4, 2e-3), (7, 1e-4)])
def test_a_linear_network_at_its_minimum_is_met_in_every_layer(layers, decay):
    found = every_layer(*at_the_minimum(layers=layers, decay=decay), decay)
    assert found.layers == layers
    assert found.weights.shape == (layers, 3)
    assert found.features.shape == (layers - 1, 3)
    for ratios in (found.weight_ratios, found.feature_ratios, found.rank_ratios):
        assert ratios.flatten().tolist() == pytest.approx([1] * ratios.numel(), rel=1e-9)
    assert found.mse == pytest.approx(found.minimum.mse, rel=1e-9)
    assert found.penalty == pytest.approx(1, rel=1e-6)


def test_without_a_bias_the_mean_is_a_target_too():
    model, X, Y = at_the_minimum(bias=False)
    found = every_layer(model, X, Y, DECAY)
    assert found.weight_ratios.flatten().tolist() == pytest.approx([1] * 12, rel=1e-9)
    assert found.rank_ratios.tolist() == pytest.approx([1] * 3, rel=1e-9)
    moments = Y.T @ Y / len(Y)
    assert found.target_rank == pytest.approx(float(moments.trace() / torch.linalg.eigvalsh(moments)[-1]))


def test_features_ought_to_be_wider_than_the_targets_the_more_layers_follow():
    found = every_layer(*at_the_minimum(layers=6, decay=1e-6), 1e-6)
    ranks = [*found.predicted_ranks.tolist(), found.target_rank]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] == pytest.approx(1 + 0.5 ** (1 / 6) + 0.2 ** (1 / 6), rel=1e-3)


@pytest.mark.parametrize("more", [0.5, 3.0])
def test_a_network_trained_with_another_penalty_says_which(more):
    found = every_layer(*at_the_minimum(decay=more * DECAY), DECAY)
    assert found.penalty == pytest.approx(more, rel=1e-6)
    assert (found.mse > found.minimum.mse) == (more > 1)


def test_a_direction_that_the_prediction_drops_is_left_out():
    model, X, Y = at_the_minimum((1.0, 0.5, 1e-4), decay=0.02)
    found = every_layer(model, X, Y, 0.02)
    assert found.minimum.rank == 2
    assert found.weights.shape == (4, 2)
    assert found.weight_ratios.flatten().tolist() == pytest.approx([1] * 8, rel=1e-9)


def test_an_error_that_no_penalty_makes_without_dropping_a_direction_has_none():
    model, X, Y = at_the_minimum()
    model[-1].weight.data.mul_(0.2)
    assert math.isnan(every_layer(model, X, Y, DECAY).penalty)


def test_what_the_closed_form_is_not_of_is_refused():
    model, X, Y = at_the_minimum()
    with pytest.raises(UsageError, match="1 of them"):
        every_layer(nn.Sequential(nn.Linear(3, 3)).double(), X, Y, DECAY)
    with pytest.raises(UsageError, match="2 of them, and LayerNorm besides"):
        every_layer(nn.Sequential(nn.Linear(3, 7), nn.LayerNorm(7), nn.Linear(7, 3)).double(), X, Y, DECAY)
    with pytest.raises(UsageError, match="needs weight decay"):
        every_layer(model, X, Y, 0.0)
    with pytest.raises(UsageError, match="would learn nothing"):
        every_layer(model, X, Y, 100.0)


def test_no_hook_is_left():
    model, X, Y = at_the_minimum()
    every_layer(model, X, Y, DECAY)
    assert not any(part._forward_pre_hooks for part in model.modules())

"""The training loop: what is published, step by step, and how it stops."""

import pytest
import torch
from torch import nn

from experiments.models import mlp
from experiments.training import DivergedError, Recipe, train


@pytest.fixture
def pairs():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(30, 4, generator=g)
    return x, x[:, :2] - 2 * x[:, 2:]


def trained(pairs, recipe, after=lambda epoch: None):
    net = mlp(4, 2, hidden=[8])
    train(net, *pairs, recipe, after, progress=False)
    return net


def by_hand(pairs, recipe, step):
    """The same in plain numbers: ``step(epoch, parameter, gradient, state)`` changes a parameter in place."""
    net, order = mlp(4, 2, hidden=[8]), torch.Generator().manual_seed(recipe.seed)
    states = [{} for _ in net.parameters()]
    for epoch in range(recipe.epochs):
        for rows in torch.randperm(30, generator=order).split(recipe.batch):
            loss = (net(pairs[0][rows]) - pairs[1][rows]).square().mean()
            grads = torch.autograd.grad(loss, list(net.parameters()))
            with torch.no_grad():
                for p, g, state in zip(net.parameters(), grads, states, strict=True):
                    step(epoch, p, g, state)
    return net


def same(a, b):
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6)


def test_sgd_with_momentum_decay_and_both_cuts(pairs):
    recipe = Recipe(lr=0.1, weight_decay=0.05, momentum=0.8, epochs=6, batch=8, seed=4)

    def step(epoch, p, g, state):
        lr = 0.1 * 0.1 ** ((epoch >= 2) + (epoch >= 4))
        g = g + 0.05 * p
        state["v"] = g if "v" not in state else 0.8 * state["v"] + g
        p -= lr * state["v"]

    same(trained(pairs, recipe), by_hand(pairs, recipe, step))


@pytest.mark.parametrize(("optimizer", "decoupled"), [("adam", False), ("adamw", True)])
def test_adam_adds_decay_to_the_gradient_and_adamw_does_not(pairs, optimizer, decoupled):
    recipe = Recipe(optimizer=optimizer, lr=0.01, weight_decay=0.5, epochs=2, batch=10, cuts=())

    def step(epoch, p, g, state):
        if decoupled:
            p *= 1 - 0.01 * 0.5
        else:
            g = g + 0.5 * p
        t = state["t"] = state.get("t", 0) + 1
        m = state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
        v = state["v"] = 0.999 * state.get("v", 0) + 0.001 * g * g
        p -= 0.01 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)

    same(trained(pairs, recipe), by_hand(pairs, recipe, step))


def test_the_callback_sees_epoch_0_and_every_epoch(pairs):
    seen = []
    trained(pairs, Recipe(epochs=3), seen.append)
    assert seen == [0, 1, 2, 3]


def test_no_epochs_leave_the_network_as_it_was(pairs):
    assert torch.equal(trained(pairs, Recipe(epochs=0)).layer1.weight, mlp(4, 2, hidden=[8]).layer1.weight)


def test_it_learns_what_can_be_learned(pairs):
    net = trained(pairs, Recipe(lr=0.05, epochs=400))
    assert nn.functional.mse_loss(net(pairs[0]), pairs[1]) < 0.01


def test_the_seed_decides_the_digits(pairs):
    first, again, other = (trained(pairs, Recipe(epochs=2, batch=8, seed=s)).layer1.weight for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_divergence_is_said_with_its_epoch_and_what_to_lower(pairs):
    seen = []
    with pytest.raises(DivergedError, match=r"is (nan|inf) in epoch \d+\. Lower the learning rate \(1e\+06\)"):
        trained(pairs, Recipe(lr=1e6, epochs=50), seen.append)
    assert seen[0] == 0
    assert seen[-1] < 50


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"optimizer": "sdg"}, "no optimizer 'sdg'; choose from sgd, adam, adamw"),
        ({"lr": 0.0}, "learning rate must be positive and finite; it is 0"),
        ({"lr": float("nan")}, "learning rate must be positive and finite; it is nan"),
        ({"weight_decay": -1e-3}, "weight decay must be 0 or more and finite; it is -0.001"),
        ({"weight_decay": float("nan")}, "weight decay must be 0 or more and finite; it is nan"),
        ({"epochs": -1}, r"Epochs must be 0 or more \(-1\)"),
        ({"batch": 0}, r"a batch 1 or more \(0\)"),
    ],
)
def test_a_senseless_recipe_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        Recipe(**wrong)

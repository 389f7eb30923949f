"""The training loop: what is published, step by step, and how it stops."""

import pytest
import torch
from torch import nn

from experiments.networks.mlp import mlp
from experiments.runner.training import DivergedError, Recipe, objective, outputs, train


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


def test_one_cycle_rises_to_its_rate_and_comes_back(pairs):
    rates, net = [], mlp(4, 2, hidden=[8])
    step = torch.optim.SGD.step

    def watched(self, *args):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.SGD, "step", watched)
        train(net, *pairs, Recipe(lr=0.1, epochs=5, batch=8, schedule="one-cycle"), progress=False)
    assert len(rates) == 20
    assert max(rates) == pytest.approx(0.1, rel=0.02)
    assert rates[0] < 0.005
    assert rates[-1] < 1e-4
    assert 0 < rates.index(max(rates)) < 10


def test_classes_are_trained_on_by_cross_entropy_or_one_hot():
    outputs, classes = torch.tensor([[1.0, 3.0], [0.5, 0.0]]), torch.tensor([1, 0])
    assert float(objective(outputs, classes, "mse")) == pytest.approx((1 + 4 + 0.25 + 0) / 4)
    log = torch.log_softmax(outputs, 1)
    assert float(objective(outputs, classes, "cross-entropy")) == pytest.approx(float(-(log[0, 1] + log[1, 0]) / 2))


def test_outputs_are_those_of_the_evaluated_network(pairs):
    net = mlp(4, 2, hidden=[8], norm="batch")
    net.train()
    whole = outputs(net, pairs[0], batch=7)
    assert not net.training
    torch.testing.assert_close(whole, net(pairs[0]))


def test_decay_time_counts_foldings_at_the_full_rate():
    assert Recipe(lr=0.1, weight_decay=1e-3, epochs=30, batch=10).decay_time(100) == pytest.approx(1e-3 * 300 / 3)
    assert Recipe(lr=0.1, weight_decay=1e-3, epochs=30, batch=10, cuts=()).decay_time(101) == pytest.approx(0.33)
    decoupled = Recipe(optimizer="adamw", lr=0.1, weight_decay=1e-3, epochs=30, batch=10, cuts=())
    assert decoupled.decay_time(100) == pytest.approx(0.03)
    assert Recipe(optimizer="adam").decay_time(100) is None


@pytest.mark.parametrize("name", ["optimizer", "loss", "schedule"])
def test_what_is_unknown_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"There is no {name} 'lamb'; choose from"):
        Recipe(**{name: "lamb"})

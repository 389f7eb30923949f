"""The closed form of the rank of the last features, against descent's limit and against a deep linear network."""

import math

import pytest
import torch

from experiments.theory.learnedrank import linear_rank
from probes.ufm import LinearMinimum


def targets(*eigenvalues, n=4):
    g = torch.Generator().manual_seed(0)
    drawn = torch.randn(300, len(eigenvalues), generator=g, dtype=torch.float64)
    white = torch.linalg.qr(drawn - drawn.mean(0)).Q * 300**0.5
    frame = torch.linalg.qr(torch.randn(n, len(eigenvalues), generator=g, dtype=torch.float64)).Q
    return 3 + white * torch.tensor(eigenvalues, dtype=torch.float64).sqrt() @ frame.T


@pytest.mark.parametrize("layers", [2, 3, 6])
def test_without_penalty_eigenvalues_are_the_targets_to_the_power_of_all_but_one_layer(layers):
    power = (layers - 1) / layers  # one of as many balanced factors is left out
    wanted = 1 + 0.49**power + 0.1**power
    assert linear_rank(targets(1.0, 0.49, 0.1), layers, 1e-9) == pytest.approx(wanted, rel=1e-4)


def test_weight_decay_narrows_the_features():
    ranks = [linear_rank(targets(1.0, 0.2), 4, decay) for decay in (1e-9, 1e-3, 1e-2, 0.03, 0.1)]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[-1] == 1  # the weaker direction is left out
    assert math.isnan(linear_rank(targets(1.0, 0.2), 4, 100.0))


def test_equal_eigenvalues_are_learned_whole():
    assert linear_rank(targets(1.0, 1.0, 1.0), 5, 1e-3) == pytest.approx(3)


def test_the_minimum_of_a_linear_network_has_that_rank():
    """Descent on two layers of a white input, which are the factors of the closed form."""
    Y, decay = targets(1.0, 0.3, n=2), 0.02
    X = torch.linalg.qr(torch.cat([Y - Y.mean(0), torch.randn(300, 3, dtype=torch.float64)], 1)).Q * 300**0.5
    W = [
        torch.randn(a, b, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 0.5
        for a, b in ((6, 5), (2, 6))
    ]
    parameters = [w.requires_grad_() for w in W]
    optimizer = torch.optim.LBFGS(
        parameters, max_iter=500, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        error = (X @ W[0].T @ W[1].T - (Y - Y.mean(0))).square().mean()
        loss = error + decay / 2 * sum(w.square().sum() for w in W)
        loss.backward()
        return loss

    optimizer.step(closure)
    values = torch.linalg.svdvals(X @ W[0].detach().T).square()
    assert float(values.sum() / values[0]) == pytest.approx(linear_rank(Y, 2, decay), rel=1e-3)
    penalty = decay * 2 / 2
    centred = Y - Y.mean(0)
    assert LinearMinimum(centred.T @ centred / 300, penalty, (penalty,)).rank == 2

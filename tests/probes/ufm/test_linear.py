import math

import pytest
import torch

from probes.ufm import LinearMinimum, RegressionMinimum, threshold

CASES = [(0.02,), (0.01, 0.02), (0.005, 0.01, 0.02), (0.002, 0.003, 0.001, 0.004, 0.002, 0.003)]


def covariance(Y):
    return (Y - Y.mean(0)).T @ (Y - Y.mean(0)) / len(Y)


@pytest.mark.parametrize("lambdas", CASES)
def test_the_minimiser_has_the_loss_no_gradient_and_the_singular_values(targets, chain_loss, lambdas):
    Y = targets()
    minimum = LinearMinimum(covariance(Y), 0.03, lambdas)
    H, weights = minimum.at(Y, tuple(range(5, 5 + len(lambdas))), seed=1)
    loss, gradients = chain_loss(Y - Y.mean(0), H, weights, torch.zeros(3), 0.03 / len(Y), lambdas)
    assert loss == pytest.approx(minimum.loss, rel=1e-13)
    assert max(float(g.abs().max()) for g in gradients[:-1]) < 1e-14
    assert minimum.rank == 3
    assert minimum.notes == ()
    entering = H
    for k, W in enumerate(weights, 1):
        assert torch.linalg.svdvals(W)[:3].tolist() == pytest.approx(minimum.weight_values(k).tolist(), rel=1e-12)
        found = torch.linalg.eigvalsh(covariance(entering)).flip(0)[:3]
        assert found.tolist() == pytest.approx(minimum.feature_values(k).tolist(), rel=1e-12)
        entering = entering @ W.T
    assert torch.linalg.svdvals(entering / math.sqrt(len(Y))).tolist() == pytest.approx(minimum.image.tolist())
    assert float((entering - (Y - Y.mean(0))).square().mean()) == pytest.approx(minimum.mse, rel=1e-12)


@pytest.mark.parametrize("lambdas", CASES[1:])
def test_consecutive_factors_balance(targets, lambdas):
    Y = targets()
    minimum = LinearMinimum(covariance(Y), 0.03, lambdas)
    H, weights = minimum.at(Y, (6,) * len(lambdas), seed=2)
    assert torch.allclose(weights[0].T @ weights[0] * lambdas[0], 0.03 * H.T @ H / len(Y), atol=1e-14)
    for k in range(len(lambdas) - 1):
        after, before = weights[k + 1].T @ weights[k + 1], weights[k] @ weights[k].T
        assert torch.allclose(lambdas[k + 1] * after, lambdas[k] * before, atol=1e-14)


@pytest.mark.parametrize("penalties", [(0.1, 0.2), (0.5, 0.8), (2.0, 2.0)])
def test_one_layer_is_the_regression_model(targets, penalties):
    h, w = penalties
    S_Y = covariance(targets())
    one, known = LinearMinimum(S_Y, h, (w,)), RegressionMinimum(S_Y, h, w)
    assert one.loss == pytest.approx(known.loss, rel=1e-14)
    assert one.image.tolist() == pytest.approx(known.shrunk.tolist(), abs=1e-14)
    assert one.weight_values(1).tolist() == pytest.approx(known.weight_values.tolist(), abs=1e-14)
    assert one.feature_values(1).tolist() == pytest.approx(known.feature_values.tolist(), abs=1e-14)
    assert one.unexplained.tolist() == pytest.approx(known.unexplained.tolist(), abs=1e-14)


def test_directions_fall_out_at_their_thresholds_and_are_marked():
    S_Y = torch.diag(torch.tensor([1.0, 0.25], dtype=torch.float64))
    below, at, above = (LinearMinimum(S_Y, G, (G, G)) for G in (0.15, threshold(3) * 0.5 ** (4 / 3), 0.16))
    assert below.rank == 2
    assert above.rank == 1
    assert above.notes == ("the penalties leave out target direction 2",)
    assert at.notes == ("direction 2 is at its threshold: keeping it and leaving it out cost the same",)
    assert below.image[1] >= 0.25  # a kept direction keeps at least (m - 2)/(m - 1) of itself


def test_a_direction_without_variance_is_left_out_and_marked(targets, chain_loss):
    Y = targets((1.0, 0.5, 0.0))
    minimum = LinearMinimum(covariance(Y), 0.03, (0.01, 0.02))
    H, weights = minimum.at(Y, (4, 4))
    loss, _ = chain_loss(Y - Y.mean(0), H, weights, torch.zeros(3), 0.03 / len(Y), (0.01, 0.02))
    assert loss == pytest.approx(minimum.loss, rel=1e-13)
    assert minimum.notes == ("S_Y is singular: target direction 3 does not vary",)


def test_what_has_no_closed_form_is_refused(targets):
    Y = targets()
    with pytest.raises(ValueError, match="at least one layer"):
        LinearMinimum(covariance(Y), 0.1, ())
    with pytest.raises(ValueError, match="lambda_2 must be above 0"):
        LinearMinimum(covariance(Y), 0.1, (0.1, 0.0))
    minimum = LinearMinimum(covariance(Y), 0.1, (0.1, 0.1))
    with pytest.raises(ValueError, match="2 layers read features of 2 widths; 1 were given"):
        minimum.at(Y, (4,))
    with pytest.raises(ValueError, match="needs a width d >= 3"):
        minimum.at(Y, (4, 2))

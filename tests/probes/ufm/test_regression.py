import pytest
import torch

from probes import Directions, Moments
from probes.measures.top import gram_distance
from probes.ufm import RegressionMinimum, interpolating

REGIMES = [(0.1, 0.2), (0.02, 3.0), (0.5, 0.8), (0.9, 0.9), (2.0, 2.0)]  # c below, between and above l = 1, .5, .2


def covariance(Y):
    return (Y - Y.mean(0)).T @ (Y - Y.mean(0)) / len(Y)


def orthonormal(n, d, seed=5):
    g = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(d, n, dtype=torch.float64, generator=g)).Q.T


@pytest.mark.parametrize(("h", "w"), REGIMES)
def test_the_minimiser_has_the_loss_no_gradient_and_all_that_is_said(targets, chain_loss, h, w):
    Y = targets()
    minimum = RegressionMinimum(covariance(Y), h, w)
    at = minimum.at(Y, 12, orthonormal(3, 12))
    loss, gradients = chain_loss(Y, at.H, [at.W], at.b, h / len(Y), [w])
    assert loss == pytest.approx(minimum.loss, rel=1e-13)
    assert max(float(g.abs().max()) for g in gradients) < 1e-14
    residual = at.H @ at.W.T + at.b - Y
    assert torch.allclose(covariance(residual), minimum.residual_covariance, atol=1e-14)
    assert float(residual.square().mean()) == pytest.approx(minimum.mse, rel=1e-13)
    assert torch.allclose(at.W @ at.W.T, minimum.gram, atol=1e-14)
    assert torch.linalg.svdvals(at.W).tolist() == pytest.approx(minimum.weight_values.tolist(), abs=1e-8)
    features = torch.linalg.eigvalsh(covariance(at.H)).flip(0)
    assert features[:3].tolist() == pytest.approx(minimum.feature_values.tolist(), abs=1e-13)
    assert h * float(at.H.square().sum()) == pytest.approx(len(Y) * w * float(at.W.square().sum()), rel=1e-13)
    assert float(at.H.mean(0).abs().max()) < 1e-15
    assert int(torch.linalg.matrix_rank(at.W)) == minimum.rank == sum(v > h * w for v in (1.0, 0.5, 0.2))


@pytest.mark.parametrize(("h", "w"), REGIMES)
def test_no_point_nearby_is_lower(targets, chain_loss, h, w):
    Y = targets()
    minimum = RegressionMinimum(covariance(Y), h, w)
    at = minimum.at(Y, 12)
    g = torch.Generator().manual_seed(1)
    for size in (1e-3, 0.1, 1.0):
        H, W, b = (
            part + size * torch.randn(part.shape, dtype=torch.float64, generator=g) for part in (at.H, at.W, at.b)
        )
        assert chain_loss(Y, H, [W], b, h / len(Y), [w])[0] > minimum.loss


def test_residuals_are_white_while_c_is_below_every_eigenvalue(targets):
    minimum = RegressionMinimum(covariance(targets()), 0.1, 0.2)
    assert torch.allclose(minimum.residual_covariance, 0.02 * torch.eye(3, dtype=torch.float64), atol=1e-15)
    assert minimum.mse == pytest.approx(0.02, rel=1e-12)
    assert minimum.notes == ()


@pytest.mark.parametrize(("h", "w"), REGIMES[:4])
def test_the_weights_gram_has_no_distance_at_gamma_c(targets, h, w):
    minimum = RegressionMinimum(covariance(targets()), h, w)
    assert gram_distance(minimum.gram, minimum.targets, 3, minimum.c) == pytest.approx(0, abs=1e-24)


def test_targets_of_low_rank_take_the_pseudo_inverse(targets, chain_loss):
    Y = targets((1.0, 0.5, 0.0))
    minimum = RegressionMinimum(covariance(Y), 0.1, 0.2)
    at = minimum.at(Y, 5)
    loss, gradients = chain_loss(Y, at.H, [at.W], at.b, 0.1 / len(Y), [0.2])
    assert loss == pytest.approx(minimum.loss, rel=1e-13)
    assert max(float(g.abs().max()) for g in gradients) < 1e-14
    assert minimum.rank == 2
    assert minimum.notes == ("S_Y is singular: 1 of 3 target directions do not vary",)


def test_dropped_directions_and_thresholds_are_marked(targets):
    S_Y = covariance(targets())
    assert RegressionMinimum(S_Y, 0.5, 0.8).notes == (
        "c = 0.4 leaves out 1 target directions: the residuals are not white",
    )
    (first, *_) = RegressionMinimum(S_Y, 0.5, 1.0).notes
    assert first == "c is at the threshold l_2 = 0.5: whether the direction is kept is rounding"
    assert RegressionMinimum(S_Y, 2.0, 2.0).rank == 0


def test_without_regularisation_nothing_collapses(targets, chain_loss):
    Y = targets((1.0, 0.5, 0.2), N=400)
    at = interpolating(Y, 12, seed=3)
    loss, gradients = chain_loss(Y, at.H, [at.W], at.b, 0.0, [0.0])
    assert loss < 1e-25
    assert max(float(g.abs().max()) for g in gradients) < 1e-12
    moments, directions = Moments(12, 3), Directions(12)
    moments.update(at.H, Y)
    directions.update(at.H)
    V = torch.linalg.eigh(moments.covariance[:12, :12]).eigenvectors[:, -3:]
    Q = torch.linalg.qr(at.W.T).Q
    outside = [1 - float((directions.second @ basis @ basis.T).trace()) for basis in (V, Q)]
    assert outside[0] > 0.3
    assert outside[1] > 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lambda_h": -0.1}, "lambda_h must be a finite number of at least 0"),
        ({"lambda_w": 0.0}, "lambda_w must be above 0"),
        ({"S_Y": torch.ones(2, 3)}, "S_Y must be a covariance"),
    ],
)
def test_what_has_no_theorem_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        RegressionMinimum(**{"S_Y": torch.eye(2), "lambda_h": 0.1, "lambda_w": 0.1} | change)


def test_narrow_features_other_targets_and_slanted_frames_are_refused(targets):
    Y = targets()
    minimum = RegressionMinimum(covariance(Y), 0.1, 0.2)
    with pytest.raises(ValueError, match=r"needs a width d >= 3 \(as many as the n = 3 targets\); d is 2"):
        minimum.at(Y, 2)
    with pytest.raises(ValueError, match="needs a width d >= 3"):
        interpolating(Y, 2)
    with pytest.raises(ValueError, match=r"R must be \(3, 5\) with orthonormal rows"):
        minimum.at(Y, 5, torch.ones(3, 5, dtype=torch.float64))
    with pytest.raises(ValueError, match="do not have the covariance S_Y"):
        minimum.at(2 * Y, 5)

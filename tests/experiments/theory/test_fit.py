import math

import pytest
import torch

from deepnrc.errors import UsageError
from experiments.data.prescribed import covariance, spread
from experiments.theory.fit import fit
from probes.ufm import LinearMinimum, RegressionMinimum


def at_minimum(eigenvalues=(1.0, 0.5, 0.2, 0.01), h=0.1, w=0.05):
    Y = spread(eigenvalues, 100, mean=0.4)
    return RegressionMinimum(covariance(Y), h, w).at(Y, 9), Y


@pytest.mark.parametrize(("h", "w"), [(0.1, 0.05), (0.3, 0.2), (0.001, 0.02)])
def test_an_exact_minimum_gives_its_penalties_back(h, w):
    at, Y = at_minimum(h=h, w=w)
    found = fit(at.H, at.W, at.b, Y, weight_decay=0.01)
    assert (found.minimum.lambda_h, found.minimum.lambda_w) == pytest.approx((h, w), rel=1e-9)
    assert found.gram_error < 1e-12
    assert found.misaligned < 1e-12
    assert found.predicted_residual(found.minimum.targets.values).tolist() == pytest.approx(
        found.residual.tolist(), rel=1e-9
    )
    assert found.minimum.mse == pytest.approx(found.mse, rel=1e-9)
    assert found.decayed == pytest.approx(4 * 0.01 / 2)
    assert found.white == pytest.approx(max(h * w / 0.01, 1))
    assert found.note == ""
    assert found.shrinks
    assert found.row()["lambda_w of the weight decay"] == found.decayed


@pytest.mark.parametrize("eigenvalues", [(0.7,), (0.5, 0.5)])
def test_a_single_eigenvalue_takes_the_slope_from_the_balance(eigenvalues):
    at, Y = at_minimum(eigenvalues)
    found = fit(at.H, at.W, at.b, Y)
    assert (found.minimum.lambda_h, found.minimum.lambda_w) == pytest.approx((0.1, 0.05), rel=1e-9)
    assert "slope from the balance" in found.note
    assert "weight decay" not in str(found.row())


def test_what_is_no_minimum_shows_in_what_was_not_fitted():
    at, Y = at_minimum()
    g = torch.Generator().manual_seed(0)
    found = fit(at.H, at.W + 0.05 * torch.randn(at.W.shape, generator=g, dtype=torch.float64), at.b, Y)
    assert found.misaligned > 0.01
    assert found.white > 3


def test_a_network_that_shrinks_nothing_says_so():
    Y = spread((1.0, 0.5), 50)
    values, U = torch.linalg.eigh(covariance(Y))
    W = (U * (values.sqrt() + 0.2).sqrt()) @ U.T @ torch.eye(2, 5, dtype=torch.float64)
    found = fit(Y @ torch.linalg.pinv(W).T, W, None, Y)
    assert not found.shrinks
    assert found.minimum.c < 1e-9


@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_layers_behind_the_last_one_show_in_the_power_of_the_eigenvalues(layers):
    Y = spread((1.0, 0.5, 0.2), 80)
    H, weights = LinearMinimum(covariance(Y), 1e-5, (1e-5,) * layers).at(Y, (6,) * layers, seed=1)
    for W in weights[:-1]:
        H = H @ W.T
    found = fit(H, weights[-1], None, Y)
    assert found.factors == pytest.approx(layers + 1, rel=1e-3)
    assert found.shrinks == (layers == 1)
    assert found.row()["m of WW' ~ l^(1/m)"] == found.factors


def test_two_directions_and_a_network_of_no_use_are_marked():
    at, Y = at_minimum((1.0, 0.5))
    found = fit(at.H, at.W, at.b, Y)
    assert found.note == "two directions determine the line exactly: only residuals and error test the theory"
    at, Y = at_minimum()
    assert "hardly more than the mean" in fit(at.H, 1e-12 * at.W, at.b, Y).note
    assert "hardly" not in fit(at.H, at.W, at.b, Y).note


def test_a_single_target_has_no_power():
    at, Y = at_minimum((0.7,))
    assert math.isnan(fit(at.H, at.W, at.b, Y).factors)


def test_parts_that_do_not_go_together_are_refused():
    at, Y = at_minimum()
    with pytest.raises(UsageError, match=r"do not go together: H \(99, 9\), W \(4, 9\)"):
        fit(at.H[1:], at.W, at.b, Y)
    with pytest.raises(
        UsageError, match="nothing to fit: the targets or features do not vary, or the last weight is 0"
    ):
        fit(at.H, 0 * at.W, at.b, Y)
    with pytest.raises(UsageError, match="nothing to fit"):
        fit(torch.ones_like(at.H), at.W, at.b, Y)

import math

import pytest
import torch

from probes import CATALOG
from probes.ufm import LinearMinimum, RegressionMinimum, predicted

# balancedness is of two layers, and not of one
NAMES = {(p.name, p.variant) for p in CATALOG if p.name.split(".")[0] in ("deep", "nrc") or p.name == "model.mse"}
OTHER_FORMS = {"first n columns", "without intercept", "unnormalised", "un-normalised optimum", "gamma = 0"}
NAMES = {name for name in NAMES if name[0] != "deep.balancedness" and "direction_r2" not in name[0]}
NAMES = {name for name in NAMES if name[1] not in OTHER_FORMS}
LAYERED = {name for name in NAMES if not name[0].startswith("nrc.")}


def covariance(Y):
    return (Y - Y.mean(0)).T @ (Y - Y.mean(0)) / len(Y)


def disagreements(expected, found, tolerance=1e-7):
    """Measures whose value is predicted and is not what was found."""
    wrong = {}
    for name, outcome in expected.items():
        value = found(name).value
        if math.isnan(outcome.value):
            continue
        if math.isinf(outcome.value):
            near = value > 1e12
        else:
            near = abs(value - outcome.value) <= tolerance * max(1, abs(outcome.value))
        if not near:
            wrong[name] = (value, outcome.value)
    return wrong


@pytest.mark.parametrize("k", [None, 1, 2, 3, 5])
@pytest.mark.parametrize("penalties", [(0.1, 0.2), (0.02, 3.0), (0.5, 0.8), (0.9, 0.9)])
def test_every_measure_of_the_regression_minimum_is_predicted(targets, snap, outcome, penalties, k):
    Y = targets()
    minimum = RegressionMinimum(covariance(Y), *penalties)
    at = minimum.at(Y, 8)
    snapshot = snap(at.H, Y, at.W, rank=k, network_mse=float((at.H @ at.W.T + at.b - Y).square().mean()))
    expected = predicted(minimum, 8, len(Y), k=k)
    assert set(expected) == NAMES
    assert disagreements(expected, lambda name: outcome(name[0], snapshot, name[1])) == {}
    for name, said in expected.items():
        if said.status == "not defined":
            assert outcome(name[0], snapshot, name[1]).status == "not defined", name


@pytest.mark.parametrize("lambdas", [(0.02,), (0.01, 0.02), (0.005, 0.01, 0.02), (0.3, 0.3)])
def test_every_measure_of_every_linear_layer_is_predicted(targets, snap, outcome, lambdas):
    Y = targets(mean=0.0)
    minimum = LinearMinimum(covariance(Y), 0.03, lambdas)
    H, weights = minimum.at(Y, (6,) * len(lambdas), seed=1)
    entering = [H]
    for W in weights:
        entering.append(entering[-1] @ W.T)
    mse = float((entering[-1] - Y).square().mean())
    for layer, W in enumerate(weights, 1):
        snapshot = snap(entering[layer - 1], Y, W, network_mse=mse)
        expected = predicted(minimum, 6, len(Y), layer=layer)
        assert set(expected) == (NAMES if layer == len(lambdas) else LAYERED)
        assert disagreements(expected, lambda name, s=snapshot: outcome(name[0], s, name[1])) == {}


def test_collapse_is_what_is_predicted(targets):
    found = predicted(RegressionMinimum(covariance(targets()), 0.1, 0.2), 8, 60, k=2)
    value = {name: outcome.value for (name, variant), outcome in found.items() if variant == "default"}
    assert [value[f"nrc.{i}"] for i in (1, 2, 3)] == [0, 0, 0]
    assert value["nrc.3_gamma_ratio"] == pytest.approx(0.02 / 0.2)
    assert value["deep.feature_weight_alignment"] == 1
    a = torch.tensor([1.0, 0.5, 0.2], dtype=torch.float64).sqrt() - 0.02**0.5
    assert value["deep.noise_fraction"] == pytest.approx(float(a[2] / a.sum()))
    assert value["deep.linear_r2"] == 1


def test_what_the_minimum_leaves_open_has_no_value(targets):
    equal = predicted(RegressionMinimum(covariance(targets((1.0, 0.5, 0.5))), 0.1, 0.2), 8, 60, k=2)
    assert math.isnan(equal["deep.feature_weight_alignment", "default"].value)
    assert "which is kept is open" in equal["deep.feature_side_alignment", "default"].note
    zero = predicted(RegressionMinimum(covariance(targets()), 2.0, 2.0), 8, 60)
    known = {name for name, outcome in zero.items() if not math.isnan(outcome.value)}
    assert known == {
        ("deep.target_stable_rank", "default"), ("deep.target_stable_rank", "covariance"), ("model.mse", "default"),
    }  # fmt: skip
    isotropic = predicted(RegressionMinimum(covariance(targets((0.5, 0.5))), 0.1, 0.2), 8, 60)
    assert isotropic["nrc.3_gamma_ratio", "default"].status == "degenerate"
    rank_one = predicted(RegressionMinimum(covariance(targets((0.5, 0.0))), 0.1, 0.2), 8, 60)
    assert rank_one["nrc.3", "default"].value == 0
    assert rank_one["nrc.3_gamma_ratio", "default"].status == "not defined"
    single = predicted(RegressionMinimum(covariance(targets((0.5,))), 0.1, 0.2), 3, 60)
    assert single["nrc.3", "default"].status == "not defined"
    assert single["nrc.evr_4", "default"].status == "not defined"
    few = [predicted(RegressionMinimum(covariance(targets()), 0.1, 0.2), 60, N) for N in (4, 5)]
    assert [found["deep.linear_mse", "default"].status for found in few] == ["degenerate", "ok"]


def test_what_is_not_there_is_refused(targets):
    minimum = LinearMinimum(covariance(targets()), 0.1, (0.1, 0.1))
    for layer in (0, 3):
        with pytest.raises(ValueError, match=f"layers 1 to 2; layer {layer} was asked for"):
            predicted(minimum, 8, 60, layer=layer)
    with pytest.raises(ValueError, match="needs a width d >= 3"):
        predicted(minimum, 2, 60)
    for k in (0, 9):
        with pytest.raises(ValueError, match=f"from 1 to the width 8; it is {k}"):
            predicted(minimum, 8, 60, k=k)

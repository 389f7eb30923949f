"""Claims about classifiers across depth, on numbers made by hand."""

import math

import pytest

from experiments.claims import deepcollapse
from experiments.claims.acrossdepth import classifier_claims
from experiments.claims.claim import within


@pytest.fixture
def losses(made):
    """Two losses, each with no decay and with some: values by depth of one measure, for each of the four."""

    def make(measure, *curves, decays=(0.0, 1e-2, 0.0, 5e-3), **others):
        names = ("MSE, 0", "MSE, 1", "cross-entropy, 0", "cross-entropy, 1")
        values = {name: {0: {measure: curve, **others}} for name, curve in zip(names, curves, strict=True)}
        return made(values, list(decays), apart={name: {"loss": name.partition(",")[0]} for name in names})

    return make


def aligned(layers):
    """What layers that are collapsed but for their noise have."""
    return {
        "deep.feature_weight_alignment": [0.9] * layers,
        "deep.direction_r2_gap": [0.0] * layers,
        "model.accuracy": {-1: 0.99},
    }


def of(loss):
    return within(classifier_claims(), loss=loss)


def test_no_claim_is_read_off_another_loss(made, monkeypatch):
    monkeypatch.setattr(deepcollapse, "FIRST_COLLAPSED", "layer1")
    falling = [0.9, 0.5, 0.2, 0.1, 0.05, 0.01]
    measures = dict.fromkeys(("nc.1", "nc.1/total", "nc.2", "nc.3", "deep.noise_fraction"), falling) | aligned(6)
    facts = {name: {"loss": name.partition(",")[0]} for name in ("MSE, 0", "cross-entropy, 0", "cross-entropy, 1")}
    results = made({name: {0: measures} for name in facts}, [0, 0, 5e-3], apart=facts)
    assert not any(math.isnan(claim.measured(results)) for claim in of("cross-entropy"))
    assert all(math.isnan(claim.measured(results)) for claim in of("MSE"))  # it has no weight decay
    assert all(math.isnan(claim.measured(results)) for claim in of("hinge"))


def test_variability_is_read_off_its_loss(losses):
    rises, falls = [1.0, 2.0, 3.0, 4.0], [10.0, 1.0, 0.1, 0.01]
    results = losses("nc.1", rises, falls, rises, rises)
    gradual, orders = of("MSE")[:2]
    assert (gradual.measured(results), orders.measured(results)) == pytest.approx((-1, 3))
    assert gradual.against(-1).holds
    assert orders.against(3).holds
    gradual, orders = of("cross-entropy")[:2]
    assert gradual.measured(results) == pytest.approx(1)
    assert not gradual.against(1).holds


def test_class_means_are_held_against_those_of_early_layers(losses):
    flat = [0.8] * 5
    results = losses("nc.2", flat, [1.0, 0.6, 0.7, 0.3, 0.2], flat, flat)
    assert of("MSE")[2].measured(results) == pytest.approx(0.25)
    results = losses("nc.3", flat, [math.nan, math.nan, math.nan, math.nan, 0.03], flat, flat)
    assert of("MSE")[3].measured(results) == pytest.approx(0.03)


def test_the_onset_is_that_of_the_losses_own_settings(losses, monkeypatch):
    monkeypatch.setattr(deepcollapse, "FIRST_COLLAPSED", "layer1")
    curves = ([0.5, 0.5], [0.5, 0.1], [0.5, 0.5], [0.1, 0.1])
    results = losses("deep.noise_fraction", *curves, **aligned(2))
    assert [of(loss)[4].measured(results) for loss in ("MSE", "cross-entropy")] == [0, -1]


def test_measures_of_classes_and_of_regression_are_compared_in_the_upper_half(made):
    values = {"deep.noise_fraction": [0.0, 0.1, 0.9, 0.9, 0.5, 0.2], "nc.1/total": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]}
    assert classifier_claims()[-1].measured(made({"a": {0: values}}, [1e-2])) == pytest.approx(1)

"""Claims about residual networks, on numbers made by hand."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from experiments.claims import residual as claims


@pytest.fixture
def losses(made):
    """Two losses, each with no decay and with some: values by depth of one measure, for each of the four."""

    def make(measure, *curves, decays=(0.0, 1e-2, 0.0, 5e-3)):
        names = ("MSE, 0", "MSE, 1", "cross-entropy, 0", "cross-entropy, 1")
        results = made({name: {0: {measure: curve}} for name, curve in zip(names, curves, strict=True)}, list(decays))
        settings = [
            replace(s, facts=dict(s.facts) | {"loss": s.label.split(",")[0]}) for s in results.study.settings
        ]  # fmt: skip
        return replace(results, study=replace(results.study, settings=tuple(settings)))

    return make


@pytest.mark.parametrize(
    ("noise", "measured"),
    [([0.5, 0.5, 0.1, 0.1], 0), ([0.5, 0.1, 0.1, 0.1], -1), ([0.5, 0.1, 0.5, 0.1], 1), ([0.5, 0.5, 0.5, 0.5], 2)],
)
def test_the_onset_is_counted_from_a_layer(made, noise, measured):
    results = made({"a": {0: {"deep.noise_fraction": noise}}})
    assert claims.behind(results, "layer2") == measured
    assert math.isnan(claims.behind(results, "layer9"))


def test_the_onset_of_a_setting_without_numbers_is_not_measurable(made):
    values = {"a": {0: {"deep.noise_fraction": [0.5, 0.1, 0.1]}}, "b": {0: {"deep.noise_fraction": [math.nan] * 3}}}
    assert [claims.behind(made(values), "layer1", at) for at in (0, 1)] == pytest.approx([0, math.nan], nan_ok=True)
    values["b"][0]["deep.noise_fraction"] = [0.5, 0.5, 0.1]
    assert claims.behind(made(values), "layer1") == 1
    assert math.isnan(claims.behind(made(values, diverged=[("b", 0)]), "layer1"))
    assert math.isnan(claims.behind(made(values, diverged=[("a", 0), ("b", 0)]), "layer1"))


@pytest.mark.parametrize(
    ("shares", "measured"), [([0.9, 0.6], 0), ([0.9, 0.1], math.nan), ([0.4, 0.9], math.nan), ([], 0)]
)
def test_the_onset_of_a_network_that_has_not_learned_is_not_measurable(made, shares, measured):
    results = made({"a": {0: {"deep.noise_fraction": [0.5, 0.1, 0.1]}}})
    results = replace(results, records=tuple(r | {"explained": shares} for r in results.records))
    assert claims.behind(results, "layer1") == pytest.approx(measured, nan_ok=True)


def test_the_onset_of_a_shallower_network_lies_behind_its_own_last_layer(made):
    values = {"deep": [0.5] * 6, "shallow": [0.5] * 3}
    results = made({label: {0: {"deep.noise_fraction": noise}} for label, noise in values.items()})
    assert [claims.behind(results, "layer1", at) for at in (0, 1)] == [5, 2]
    assert math.isnan(claims.behind(results, "layer5"))


def test_the_onset_is_that_of_the_chosen_setting(losses):
    results = losses("deep.noise_fraction", [0.5, 0.5], [0.5, 0.1], [0.5, 0.5], [0.1, 0.1])
    assert [claims.behind(results, "layer1", claims.decayed(results, loss)) for loss in ("MSE", "cross-entropy")] == [
        0, -1,
    ]  # fmt: skip


def test_a_loss_is_judged_at_its_largest_decay_and_not_without_any(losses):
    curves = ([1.0, 1.0],) * 4
    assert claims.decayed(losses("nc.1", *curves), "MSE") == 1
    assert claims.decayed(losses("nc.1", *curves), "cross-entropy") == 3
    assert claims.decayed(losses("nc.1", *curves), "hinge") is None
    assert claims.decayed(losses("nc.1", *curves, decays=(0.0, 0.0, 0.0, 5e-3)), "MSE") is None


def test_no_claim_is_read_off_another_loss(made, monkeypatch):
    monkeypatch.setattr(claims, "FIRST_COLLAPSED", "layer1")
    falling = [0.9, 0.5, 0.2, 0.1, 0.05, 0.01]
    measures = dict.fromkeys(("nc.1", "nc.1/total", "nc.2", "nc.3", "deep.noise_fraction"), falling)
    results = made({name: {0: measures} for name in ("MSE, 0", "cross-entropy, 0", "cross-entropy, 1")}, [0, 0, 5e-3])
    settings = tuple(
        replace(s, facts={**s.facts, "loss": s.label.split(",")[0]}) for s in results.study.settings
    )  # fmt: skip
    results = replace(results, study=replace(results.study, settings=settings))
    assert not any(math.isnan(claim.measured(results)) for claim in claims.classifier_claims("cross-entropy"))
    assert all(math.isnan(claim.measured(results)) for claim in claims.classifier_claims("MSE"))


def test_variability_is_read_off_its_loss(losses):
    rises, falls = [1.0, 2.0, 3.0, 4.0], [10.0, 1.0, 0.1, 0.01]
    results = losses("nc.1", rises, falls, rises, rises)
    gradual, orders = claims.classifier_claims("MSE")[:2]
    assert (gradual.measured(results), orders.measured(results)) == pytest.approx((-1, 3))
    assert gradual.against(-1).holds
    assert orders.against(3).holds
    gradual, orders = claims.classifier_claims("cross-entropy")[:2]
    assert gradual.measured(results) == pytest.approx(1)
    assert not gradual.against(1).holds


def test_class_means_are_held_against_those_of_early_layers(losses):
    flat = [0.8] * 5
    results = losses("nc.2", flat, [1.0, 0.6, 0.7, 0.3, 0.2], flat, flat)
    assert claims.classifier_claims("MSE")[2].measured(results) == pytest.approx(0.25)
    results = losses("nc.3", flat, [math.nan, math.nan, math.nan, math.nan, 0.03], flat, flat)
    assert claims.classifier_claims("MSE")[3].measured(results) == pytest.approx(0.03)


def test_measures_are_compared_over_the_layers_that_have_both():
    one = pd.Series([math.nan, 3.0, 2.0, 1.0])
    assert claims.alike(one, pd.Series([0.0, 9.0, 1.0, 0.5])) == pytest.approx(1)
    assert claims.alike(one, pd.Series([0.0, 0.5, 1.0, 9.0])) == pytest.approx(-1)
    assert math.isnan(claims.alike(one, pd.Series([0.0, 1.0, 2.0])))
    assert claims.with_depth(pd.Series([5.0, 7.0, 6.0])) == pytest.approx(0.5)


def test_measures_of_classes_and_of_regression_are_compared_in_the_upper_half(made):
    values = {"deep.noise_fraction": [0.0, 0.1, 0.9, 0.9, 0.5, 0.2], "nc.1/total": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]}
    results = made({"a": {0: values}}, [1e-2])
    setting = replace(results.study.settings[0], facts={"weight decay": 1e-2, "loss": "MSE"})
    results = replace(results, study=replace(results.study, settings=(setting,)))
    assert claims.classifier_claims("MSE")[-1].measured(results) == pytest.approx(1)


def test_the_top_is_compared_with_no_decay(made):
    def values(*tops):
        return {f"d{i}": {0: {"nrc.1_centred": {3: v}}} for i, v in enumerate(tops)}

    assert claims.top_ratio(made(values(0.4, 0.3, 0.1), [0.0, 1e-3, 1e-2]), "nrc.1_centred") == pytest.approx(0.25)
    assert math.isnan(claims.top_ratio(made(values(0.4, 0.1), [1e-3, 1e-2]), "nrc.1_centred"))
    assert math.isnan(claims.top_ratio(made(values(0.4), [0.0]), "nrc.1_centred"))


def test_one_weight_decay_leaves_nothing_to_order():
    assert len(claims.regression_claims(2)) - len(claims.regression_claims(1)) == 5

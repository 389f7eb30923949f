"""What is read off layers: where they collapse, which way a measure goes, and how two go together."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.claims import layerwise as claims
from experiments.claims.layerwise import falls, judged, onset_share, rank_mismatch, rises, worst_prediction

NAN = float("nan")
NOISE, RANK, TARGET = "deep.noise_fraction", "deep.feature_stable_rank", "deep.target_stable_rank"
ALIGNMENT = "deep.feature_weight_alignment"
GAP, SMALLEST = "deep.direction_r2_gap", "model.direction_r2_smallest"
COLLAPSED = {
    NOISE: [0.9, 0.1, 0.1, 0.1],
    RANK: [50, 9, 1.5, 2.4],
    TARGET: {-1: 2.0},
    ALIGNMENT: [0.1, 0.7, 0.8, 0.9],
    "deep.linear_mse/ratio": [80, 1.0, 1.0, 1.1],
    GAP: [0.9, 0.0, 0.0, 0.04],
    SMALLEST: {-1: 0.9},
}


def layers(noise, **changed):
    """Measures of layers that are collapsed but for their noise."""
    fine = {ALIGNMENT: [0.9] * len(noise), GAP: [0.0] * len(noise), SMALLEST: {-1: 0.9}}
    return {NOISE: noise} | fine | changed


def test_noise_is_that_of_the_mean_over_seeds(made):
    results = made({"a": {0: layers([0.9, 0.25]), 1: layers([0.9, 0.03])}})
    assert judged(results).collapsed == [1]


@pytest.mark.parametrize(
    ("changed", "layers"),
    [
        ({}, [2, 3]),
        ({ALIGNMENT: [0.9] * 4}, [1, 2, 3]),
        ({ALIGNMENT: [0.9, 0.9, 0.9, 0.79]}, []),
        ({GAP: [0, 0, 0.1, 0]}, [3]),
        ({SMALLEST: {-1: 0.1}}, []),
        ({NOISE: [0.1, 0.1, 0.3, 0.1]}, [3]),
    ],
)
def test_collapsed_layers_are_so_by_their_verdicts(made, changed, layers):
    results = made({"a": {0: COLLAPSED | changed}})
    assert judged(results).collapsed == layers
    assert onset_share(results) == len(layers) / 4


@pytest.mark.parametrize("missing", [GAP, ALIGNMENT, SMALLEST])
def test_low_noise_alone_is_no_collapse_and_leaves_the_share_unknown(made, missing):
    measures = {name: values for name, values in COLLAPSED.items() if name != missing} | {NOISE: [0.1] * 4}
    results = made({"a": {0: measures}})
    assert judged(results).collapsed == []
    assert math.isnan(onset_share(results))
    assert math.isnan(worst_prediction(results))
    assert math.isnan(claims.behind(results, "layer1"))


def test_layers_that_only_another_setting_has_do_not_count(made):
    results = made({"short": {0: layers([0.5, 0.1])}, "long": {0: layers([0.5, 0.5, 0.1, 0.1])}})
    assert judged(results, 0).collapsed == [1]
    assert onset_share(results, 0) == 1 / 2


@pytest.mark.parametrize(
    ("depth", "status", "rank", "prediction"),
    [(2, "not defined", 0.2, 1.1), (3, "not defined", 0.25, 1.0), (2, "degenerate", math.nan, math.nan)],
)
def test_a_layer_that_is_unknown_leaves_the_largest_unknown_unless_it_has_none(made, depth, status, rank, prediction):
    ratio = made({"a": {0: COLLAPSED}}, statuses={("deep.linear_mse", depth): status})
    ranks = made({"a": {0: COLLAPSED}}, statuses={(RANK, depth): status})
    assert worst_prediction(ratio) == pytest.approx(prediction, nan_ok=True)
    assert rank_mismatch(ranks) == pytest.approx(rank, nan_ok=True)


def test_a_position_chooses_the_setting(made):
    results = made({"a": {0: layers([0.1, 0.1])}, "b": {0: layers([0.9, 0.9])}})
    assert [onset_share(results, i) for i in (0, 1, -1)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("noise", "measured"),
    [([0.5, 0.5, 0.1, 0.1], 0), ([0.5, 0.1, 0.1, 0.1], -1), ([0.5, 0.1, 0.5, 0.1], 1), ([0.5, 0.5, 0.5, 0.5], 2)],
)
def test_the_onset_is_counted_from_a_layer(made, noise, measured):
    results = made({"a": {0: layers(noise)}})
    assert claims.behind(results, "layer2") == measured
    assert math.isnan(claims.behind(results, "layer9"))


def test_the_onset_of_a_setting_without_numbers_is_not_measurable(made):
    values = {"a": {0: layers([0.5, 0.1, 0.1])}, "b": {0: layers([math.nan] * 3)}}
    assert [claims.behind(made(values), "layer1", at) for at in (0, 1)] == pytest.approx([0, math.nan], nan_ok=True)
    values["b"][0][NOISE] = [0.5, 0.5, 0.1]
    assert claims.behind(made(values), "layer1") == 1
    assert math.isnan(claims.behind(made(values, diverged=[("b", 0)]), "layer1"))
    assert math.isnan(claims.behind(made(values, diverged=[("a", 0), ("b", 0)]), "layer1"))


@pytest.mark.parametrize(
    ("shares", "measured"), [([0.9, 0.6], 0), ([0.9, 0.1], math.nan), ([0.4, 0.9], math.nan), ([], 0)]
)
def test_the_onset_of_a_network_that_has_not_learned_is_not_measurable(made, shares, measured):
    results = made({"a": {0: layers([0.5, 0.1, 0.1])}})
    results = replace(results, records=tuple(r | {"explained": shares} for r in results.records))
    assert claims.behind(results, "layer1") == pytest.approx(measured, nan_ok=True)


def test_the_onset_of_a_shallower_network_lies_behind_its_own_last_layer(made):
    values = {"deep": [0.5] * 6, "shallow": [0.5] * 3}
    results = made({label: {0: layers(noise)} for label, noise in values.items()})
    assert [claims.behind(results, "layer1", at) for at in (0, 1)] == [5, 2]
    assert math.isnan(claims.behind(results, "layer5"))


def test_measures_are_compared_over_the_layers_that_have_both():
    one = pd.Series([math.nan, 3.0, 2.0, 1.0])
    assert claims.alike(one, pd.Series([0.0, 9.0, 1.0, 0.5])) == pytest.approx(1)
    assert claims.alike(one, pd.Series([0.0, 0.5, 1.0, 9.0])) == pytest.approx(-1)
    assert math.isnan(claims.alike(one, pd.Series([0.0, 1.0, 2.0])))
    assert claims.with_depth(pd.Series([5.0, 7.0, 6.0])) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("rows", "falling", "rising"),
    [
        ([[3, 2, 1], [1, 2, 3]], 0.5, 0.5), ([[3, 2, 1], [9, 5, 0]], 1, 0), ([[3, 2, 2.5]], 0, 0),
        ([[1, 1, 1]], 0, 0), ([[1, 1.009]], 0, 0), ([[1, 1.02]], 0, 1), ([[1, 0.991]], 0, 0), ([[1, 0.98]], 1, 0),
        ([[1, 1.009, 0.5]], 1, 0), ([[1, 0.991, 2]], 0, 1),
    ],
)  # fmt: skip
def test_falling_and_rising_with_ties_of_a_percent(rows, falling, rising):
    assert falls(pd.DataFrame(rows)) == falling
    assert rises(pd.DataFrame(rows)) == rising


@pytest.mark.parametrize("rows", [[[1.0], [2.0]], np.empty((0, 3)), [[1.0, NAN], [2.0, 1.0]]])
def test_where_there_is_nothing_to_compare_no_share_is_made_up(rows):
    assert np.isnan(falls(pd.DataFrame(rows)))
    assert np.isnan(rises(pd.DataFrame(rows)))


@pytest.mark.parametrize("values", [[1, 1, 1], [1, 1.005, 0.995], [1, 1.009, 1.018], [1, 0.991, 0.991]])
def test_what_hardly_changes_neither_falls_nor_rises(values):
    table = pd.DataFrame([values])
    assert falls(table) == 0
    assert rises(table) == (values[-1] > 1.01)

"""What is read off layers: where they collapse, which way a measure goes, and how two go together."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.claims import layerwise as claims
from experiments.claims.layerwise import (
    judged,
    largest_gap,
    lower_at_most,
    onset_share,
    rank_correlation,
    rank_mismatch,
)

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


@pytest.mark.parametrize(("signal", "share"), [(None, 0), (1, 0.5), (2, 0.5), (3, 0)])
def test_directions_of_noise_need_not_be_learned_where_the_signal_is_named(made, signal, share):
    along = {f"model.direction_r2_{i}": {-1: r2} for i, r2 in enumerate((0.99, 0.9, 0.001), 1)}
    results = made({"a": {0: COLLAPSED | along | {SMALLEST: {-1: 0.001}}}})
    assert onset_share(results, signal=signal) == share
    assert math.isnan(rank_mismatch(results, signal=signal)) == (share == 0)


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
    assert math.isnan(claims.behind(results, "layer1"))


def test_layers_that_only_another_setting_has_do_not_count(made):
    results = made({"short": {0: layers([0.5, 0.1])}, "long": {0: layers([0.5, 0.5, 0.1, 0.1])}})
    assert judged(results, 0).collapsed == [1]
    assert onset_share(results, 0) == 1 / 2


@pytest.mark.parametrize(
    ("depth", "status", "rank"), [(2, "not defined", 0.2), (3, "not defined", 0.25), (2, "degenerate", math.nan)]
)
def test_a_layer_that_is_unknown_leaves_the_largest_unknown_unless_it_has_none(made, depth, status, rank):
    ranks = made({"a": {0: COLLAPSED}}, statuses={(RANK, depth): status})
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
    ("rows", "lower", "correlation"),
    [
        ([[3, 2, 1], [1, 2, 3]], 0.5, 0), ([[3, 2, 1], [9, 5, 0]], 1, -1), ([[3, 1, 2]], 1, -0.5),
        ([[1, 1, 1]], 0, 0), ([[1, 1, 1], [1, 2, 3]], 0, 0.5),
    ],
)  # fmt: skip
def test_ends_are_compared_and_ranks_correlated(rows, lower, correlation):
    assert lower_at_most(pd.DataFrame(rows)) == lower
    assert rank_correlation(pd.DataFrame(rows)) == pytest.approx(correlation)


@pytest.mark.parametrize("rows", [[[1.0], [2.0]], np.empty((0, 3)), [[1.0, NAN, 2.0], [2.0, 1.0, 3.0]]])
def test_where_there_is_nothing_to_compare_no_share_is_made_up(rows):
    assert np.isnan(lower_at_most(pd.DataFrame(rows)))
    assert np.isnan(rank_correlation(pd.DataFrame(rows)))


def test_two_settings_have_ends_and_no_rank_correlation():
    assert lower_at_most(pd.DataFrame([[2.0, 1.0]])) == 1
    assert np.isnan(rank_correlation(pd.DataFrame([[2.0, 1.0]])))


@pytest.mark.parametrize(
    ("noise", "gaps", "largest"),
    [([0.9, 0.1, 0.1, 0.1], [0.9, 0.2, 0.0, 0.04], 0.2), ([0.9, 0.1, 0.3, 0.1], [0.9, 0.2, 0.0, 0.04], 0.04),
     ([0.9, 0.1, 0.1, 0.3], [0, 0, 0, 0], NAN), ([0.9, 0.1, 0.1, 0.1], [0.9, NAN, 0, 0], NAN)],
)  # fmt: skip
def test_the_gap_is_that_of_all_layers_low_in_noise_up_to_the_last(made, noise, gaps, largest):
    results = made({"a": {0: layers(noise, **{GAP: gaps, ALIGNMENT: [0.1] * 4})}})  # aligned or not
    assert largest_gap(results) == pytest.approx(largest, nan_ok=True)

"""Reading results: means over seeds, the last step, the sweep's own settings, falling and rising."""

import numpy as np
import pandas as pd
import pytest

from experiments.runner.results import falls, rises

NAN = float("nan")


@pytest.fixture
def results(made):
    return made({
        "no": {0: {"deep.noise": [1.0, 2.0, 3.0, 4.0]}, 1: {"deep.noise": [3.0, 4.0, 5.0, 8.0]}},
        "yes": {0: {"deep.noise": [1.0, 1.0, 1.0, 1.0]}, 1: {"deep.noise": [1.0, 1.0, 2.0, 2.0]}},
    })  # fmt: skip


def test_means_over_seeds_at_the_last_step_by_layer(results):
    expected = pd.DataFrame({"no": [2.0, 3.0, 4.0, 6.0], "yes": [1.0, 1.0, 1.5, 1.5]})
    np.testing.assert_array_equal(results.by_layer("deep.noise"), expected)
    assert list(results.by_layer("deep.noise").columns) == ["no", "yes"]


def test_inner_layers_leave_out_the_first_and_the_last(results):
    np.testing.assert_array_equal(results.inner("deep.noise"), [[3.0, 1.0], [4.0, 1.5]])


def test_the_network_as_a_whole_is_no_inner_layer(made):
    results = made({"a": {0: {"m": {-1: 9.0, 0: 1.0, 1: 2.0, 2: 3.0}}}})
    np.testing.assert_array_equal(results.inner("m"), [[2.0]])


def test_top_is_the_last_layer_for_which_the_measure_is_defined(made):
    values = {"a": {0: {"m": [1.0, 2.0, NAN]}, 1: {"m": [1.0, 4.0, NAN]}}, "b": {0: {"m": [1.0, 6.0, NAN]}}}
    results = made(values, statuses={("m", 2): "not defined"})
    assert results.top("m").to_dict() == {"a": 3.0, "b": 6.0}


def test_a_measure_that_was_not_taken_is_nan(results):
    assert results.top("nrc.1").isna().all()


def test_variants_are_kept_apart(made):
    results = made({"a": {0: {"m": [1.0], "m/ratio": [5.0]}}})
    assert results.by_layer("m").iloc[0, 0] == 1
    assert results.by_layer("m", "ratio").iloc[0, 0] == 5


def test_degenerate_values_are_no_measurements(made):
    results = made({"a": {0: {"m": [1.0, 2.0, 3.0]}}}, statuses={("m", 1): "degenerate"})
    np.testing.assert_array_equal(results.by_layer("m")["a"], [1, np.nan, 3])
    assert results.overall().table["value"].notna().all()  # a heatmap marks them itself


def test_the_top_is_the_last_layer_even_if_it_has_no_value(made):
    results = made({"a": {0: {"m": [1.0, 2.0]}}}, statuses={("m", 1): "degenerate"})
    assert results.top("m").isna().all()
    assert results.last_layer("m").empty


def test_what_stands_beside_the_sweep_is_no_part_of_it(made):
    results = made({"untrained": {0: {"m": [7.0]}}, "a": {0: {"m": [1.0]}}}, decays=[None, 0.0])
    assert results.swept == ["a"]
    assert list(results.by_layer("m").columns) == ["a"]
    assert results.settings == ["untrained", "a"]


def test_no_mean_takes_in_what_diverged(made):
    values = {"a": {0: {"m": [1.0]}, 1: {"m": [99.0]}}, "b": {0: {"m": [5.0]}, 1: {"m": [6.0]}}}
    results = made(values, diverged=[("a", 1), ("b", 0), ("b", 1)])
    assert results.by_layer("m")["a"].tolist() == [1.0]
    assert results.by_layer("m")["b"].isna().all()
    assert results.top("m").isna().tolist() == [False, True]
    assert results.overall().runs == ["a"]
    assert np.isnan(falls(results.by_layer("m")))


def test_overall_is_the_mean_over_seeds_with_a_run_a_setting(results):
    report = results.overall()
    assert report.runs == ["no", "yes"]
    last = report.table.query("step == 3")
    assert last["value"].tolist() == [2.0, 3.0, 4.0, 6.0, 1.0, 1.0, 1.5, 1.5]
    assert last["depth"].tolist() == [0, 1, 2, 3] * 2


def test_overall_of_a_seed_is_that_seeds(study, swept):
    results = swept(study(seeds=(4, 5)))
    mine = results.overall(5)
    assert mine.runs == ["none", "some"]
    expected = results.table.query("seed == 5 and setting == 'some'")["value"].to_numpy()
    np.testing.assert_array_equal(mine.table.query("run == 'some'")["value"].to_numpy(), expected)


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

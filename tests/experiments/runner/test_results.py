"""Reading results: means over seeds, the last step, the sweep's own settings, falling and rising."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepnrc.errors import UsageError

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


def test_the_top_is_the_last_layer_even_if_it_has_no_value(made):
    results = made({"a": {0: {"m": [1.0, 2.0]}}}, statuses={("m", 1): "degenerate"})
    assert results.top("m").isna().all()


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
    assert results.report.runs == ["a, seed 0"]


def test_the_report_has_a_run_a_cell_and_runs_say_of_which_setting(results):
    assert results.report.runs == ["no, seed 0", "no, seed 1", "yes, seed 0", "yes, seed 1"]
    assert list(results.runs().values()) == ["no", "no", "yes", "yes"]
    (group,) = results.groups()
    assert list(results.runs(group)) == results.report.runs


def test_a_seed_has_a_run_a_setting(study, swept):
    results = swept(study(seeds=(4, 5)))
    mine = results.of_seed(5)
    assert mine.runs == ["none", "some"]
    expected = results.table.query("seed == 5 and setting == 'some'")["value"].to_numpy()
    np.testing.assert_array_equal(mine.table.query("run == 'some'")["value"].to_numpy(), expected)


@pytest.fixture
def crossed(made):
    """Two scales of targets, each with two weight decays, and one setting beside them."""
    names = ["untrained", "raw, 0", "raw, 1", "scaled, 0", "scaled, 1"]
    facts = {name: {"targets": name.partition(",")[0]} for name in names[1:]}
    values = {name: {0: {"m": [i]}, 1: {"m": [i]}} for i, name in enumerate(names)}
    return made(values, decays=[None, 0.0, 1.0, 0.0, 1.0], apart=facts)


def test_results_are_filtered_by_facts(crossed):
    raw = crossed.where(targets="raw")
    assert raw.settings == raw.swept == ["raw, 0", "raw, 1"]
    assert set(raw.table["setting"]) == {"raw, 0", "raw, 1"}
    assert len(raw.records) == len(raw.reports) == 4
    assert raw.where(weight_decay=1.0).top("m").to_dict() == {"raw, 1": 2}
    assert crossed.where(weight_decay=None).settings == ["untrained"]
    assert crossed.where().settings == crossed.settings


@pytest.mark.parametrize(
    ("facts", "words"),
    [({"target": "raw"}, "No setting has the fact 'target'; there are weight_decay, targets"),
     ({"targets": "none"}, "No setting has none; there are: untrained; raw, 0"),
     ({"targets": "raw", "weight_decay": 7.0}, "No setting has raw, weight decay 7; there are: ")],
)  # fmt: skip
def test_facts_that_no_setting_has_are_refused(crossed, facts, words):
    with pytest.raises(UsageError, match=words):
        crossed.where(**facts)


@pytest.mark.parametrize(
    ("decays", "most", "none"),
    [
        ([0.0, 1.0, 5.0], "c", "a"),
        ([0.0, 0.0, 0.0], None, "a"),
        ([None, 1.0, 0.0], "b", "c"),
        ([0.1, 0.2, 0.3], "c", None),
    ],
)
def test_the_most_decayed_and_the_undecayed_setting(made, decays, most, none):
    results = made({label: {0: {"m": [1.0]}} for label in "abc"}, decays=decays)
    assert (results.most_decayed, results.undecayed) == (most, none)


def test_a_fact_that_all_settings_share_names_no_group(made):
    values = {"a": {0: {"m": [1.0]}}, "b": {0: {"m": [2.0]}}}
    (group,) = made(values, apart={label: {"form": "as asked"} for label in values}).groups()
    assert (group.name, group.labels) == ("", {"a": "a", "b": "b"})


def test_a_weight_decay_that_follows_what_is_swept_makes_no_groups(made):
    values = {label: {0: {"m": [1.0]}} for label in ("two", "five", "eight")}
    apart = {label: {"layers": layers} for label, layers in zip(values, (2, 5, 8), strict=True)}
    results = made(values, [4e-3, 2e-3, 1e-3], apart=apart)
    by_layers = replace(results, study=replace(results.study, sweep="layers"))
    assert [list(group.labels) for group in by_layers.groups()] == [["two", "five", "eight"]]
    same = {label: {"layers": 2} for label in values}
    crossed = made(values, [4e-3, 2e-3, 1e-3], apart=same)
    assert len(replace(crossed, study=replace(crossed.study, sweep="layers")).groups()) == 3

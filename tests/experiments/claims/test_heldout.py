"""Both readings of collapse and generalisation, on numbers made by hand."""

import math

import pytest

from experiments.claims import COLLAPSED, generalisation, read_networks

NAMES = ("low", "learned", "kept", "harms", "helps", "carries")


def values(error, held, noise, noise_held, dimension, targets):
    return {
        "model.mse": {-1: error},
        "model.mse/held out": {-1: held},
        "deep.noise_fraction": {0: 0.9, 1: noise},
        "deep.noise_fraction/held out": {0: 0.9, 1: noise_held},
        "dimension.two_nn": {0: 99.0, 1: dimension},
        "dimension.two_nn/targets": {-1: targets},
    }


@pytest.fixture
def results(made):
    """Two seeds; collapse halves the held-out error in the one and doubles it in the other."""

    def make(collapsed=True, **given):
        networks = {
            "none": {seed: values(0.1, 0.4, 0.2, 0.2, 6.0, 2.0) for seed in (0, 1)},
            "some": {0: values(0.1, 0.2, 0.01, 0.03, 1.5, 2.0), 1: values(0.1, 0.8, 0.01, 0.01, 2.2, 2.0)},
        }
        found = made(networks, **given)
        found.table[COLLAPSED] = (found.table["setting"] == "some") & collapsed
        return found

    return make


def judged(results):
    return dict(zip(NAMES, (claim.judged(results) for claim in generalisation()), strict=True))


def test_effects_are_ratios_of_the_ends_of_the_sweep_seed_by_seed(results):
    told = {name: tuple(verdict.readings.values()) for name, verdict in judged(results()).items()}
    expected = {
        "low": (0.75, 1.1), "learned": (0.25, 0.1), "kept": (3.0, 3.0), "harms": (0.5, 2.0), "helps": (0.5, 2.0),
        "carries": (3.0, 1.0),
    }  # fmt: skip
    assert {name: pytest.approx(readings) for name, readings in expected.items()} == told


def test_the_two_readings_exclude_one_another(results):
    verdicts = judged(results())
    assert verdicts["harms"].held + verdicts["helps"].held == 2
    assert [verdicts[name].answer for name in ("harms", "helps")] == ["holds in 1 of 2 seeds"] * 2
    assert verdicts["harms"].source != verdicts["helps"].source


def test_networks_that_are_not_collapsed_tell_nothing_of_collapse(results):
    verdicts = judged(results(collapsed=False))
    assert [name for name, verdict in verdicts.items() if verdict.standing != "cannot be judged"] == ["kept"]
    assert verdicts["harms"].left_out == {0: "some is not collapsed", 1: "some is not collapsed"}


def test_a_network_that_learned_nothing_is_no_measure_of_the_others(results):
    found = results()
    for record in found.records:
        if record["label"] == "none":
            record["explained"] = [0.1]
    verdicts = judged(found)
    assert math.isnan(verdicts["kept"].measured)
    assert verdicts["helps"].left_out[0] == "none has not learned the targets"
    assert verdicts["low"].readings  # which is about the collapsed one alone


def test_targets_without_a_dimension_are_the_reason_for_what_is_said_of_dimension(results):
    found = results(statuses={("dimension.two_nn", -1): "not defined"})
    found.table.loc[found.table["status"] != "ok", ["value", "note"]] = [math.nan, "10 points"]
    verdicts = judged(found)
    assert verdicts["low"].left_out[0] == "the targets have no intrinsic dimension: 10 points"
    assert verdicts["helps"].readings


def test_the_table_has_a_row_a_network_by_weight_decay_and_seed(results):
    table = read_networks(results())
    assert table[["setting", "seed"]].to_numpy().tolist() == [["none", 0], ["none", 1], ["some", 0], ["some", 1]]
    assert table["collapsed"].tolist() == [False, False, True, True]
    assert table["held-out error"].tolist() == [0.4, 0.4, 0.2, 0.8]
    assert table["dimension"].tolist() == [6.0, 6.0, 1.5, 2.2]
    assert table["targets' dimension"].tolist() == [2.0] * 4

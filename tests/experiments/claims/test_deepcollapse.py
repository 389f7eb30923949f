"""Claims on tables whose answers are known."""

import math
from dataclasses import replace

import pytest

from experiments.claims.deepcollapse import learned_dimension, upper_layers_collapse, weight_decay_orders
from experiments.claims.layerwise import largest_gap, rank_mismatch

NOISE, RANK, TARGET = "deep.noise_fraction", "deep.feature_stable_rank", "deep.target_stable_rank"
ALIGNMENT = "deep.feature_weight_alignment"


def one(made, **measures):
    """Results of a single setting and seed."""
    return made({"a": {0: {name.replace("__", ".").replace("_over_", "/"): v for name, v in measures.items()}}})


def explained(results, shares):
    """The results, with the shares of target directions that each cell explains, in order."""
    records = tuple(r | {"explained": share} for r, share in zip(results.records, shares, strict=True))
    return replace(results, records=records)


def numbers(claims, results):
    return [claim.measured(results) for claim in claims]


def test_orders_over_weight_decay_compare_the_ends_and_go_by_ranks(made):
    results = made({
        "0": {0: {NOISE: [9, 0.5, 0.5, 9], ALIGNMENT: [0, 0.5, 0.5, 0], "deep.weight_stable_rank": [0, 4, 4, 0]}},
        "1": {0: {NOISE: [9, 0.6, 0.4, 9], ALIGNMENT: [0, 0.4, 0.6, 0], "deep.weight_stable_rank": [0, 4, 4, 0]}},
        "2": {0: {NOISE: [10, 0.4, 0.3, 10], ALIGNMENT: [0, 0.6, 0.7, 0], "deep.weight_stable_rank": [1, 5, 5, 1]}},
    })  # fmt: skip
    claims = weight_decay_orders(3)
    found = numbers(claims, results)
    assert found == pytest.approx([1, -0.75, 1, 0.75, 0, 0.866], abs=1e-3)
    assert [c.against(n).holds for c, n in zip(claims, found, strict=True)] == [True] * 4 + [False] * 2
    assert [claim.relation for claim in claims] == [">", "<", ">", ">", ">", "<"]


def test_orders_need_two_weight_decays(made):
    measures = {NOISE: [1, 1, 1], "deep.feature_weight_alignment": [1, 1, 1], "deep.weight_stable_rank": [1, 1, 1]}
    assert all(math.isnan(n) for n in numbers(weight_decay_orders(3), made({"only": {0: measures}})))
    two = numbers(weight_decay_orders(3), made({"a": {0: measures}, "b": {0: measures}}))
    assert [math.isnan(n) for n in two] == [False, True] * 3  # two ends have no rank correlation
    assert [len(weight_decay_orders(decays)) for decays in (1, 2, 3, 4)] == [0, 3, 6, 6]


COLLAPSED = {
    NOISE: [0.9, 0.1, 0.1, 0.1],
    RANK: [50, 9, 1.5, 2.4],
    TARGET: {-1: 2.0},
    ALIGNMENT: [0.1, 0.7, 0.8, 0.9],
    "deep.linear_mse/ratio": [80, 1.0, 1.0, 1.1],
    "deep.direction_r2_gap": [0.9, 0.0, 0.0, 0.04],
    "model.direction_r2_smallest": {-1: 0.9},
}


def test_upper_layers_on_known_numbers(made):
    results = made({"a": {0: COLLAPSED}})
    assert numbers(upper_layers_collapse(), results) == pytest.approx([2 / 4, 0.25, 0.04])
    assert rank_mismatch(results) == pytest.approx(0.25)
    assert largest_gap(results) == pytest.approx(0.04)


def test_a_claim_says_of_how_many_directions_learning_is_asked(made):
    along = {"model.direction_r2_1": {-1: 0.99}, "model.direction_r2_smallest": {-1: 0.001}}
    results = made({"a": {0: COLLAPSED | along}})
    share, ranks, _ = upper_layers_collapse(signal=1)
    assert share.measured(results) == 0.5
    assert all("on the strongest target direction alone" in claim.statement for claim in (share, ranks))
    assert "on the 2 strongest target directions alone" in upper_layers_collapse(signal=2)[0].statement
    assert upper_layers_collapse()[0].measured(results) == 0


def test_the_learned_dimension_is_held_against_each_settings_targets(made):
    values = {"a": {0: {RANK: [9, 9, 1.1], TARGET: {-1: 1.0}}}, "b": {0: {RANK: [9, 3.4], TARGET: {-1: 4.0}}}}
    (claim,) = learned_dimension()
    assert claim.measured(made(values)) == pytest.approx(0.15)


def test_the_learned_dimension_is_not_measurable_with_a_setting_unknown(made):
    (claim,) = learned_dimension()
    same = {0: {RANK: [9, 1.1], TARGET: {-1: 1.0}}}
    lost = made({"a": same, "b": same}, diverged=[("b", 0)])
    degenerate = made({"a": same, "b": {0: {RANK: [9, math.nan], TARGET: {-1: 1.0}}}})
    unlearned = explained(made({"a": same, "b": same}), [[0.9, 0.9], [0.4, 0.4]])
    dropped = explained(made({"a": same, "b": same}), [[0.9, 0.9], [0.9, 0.0]])
    found = [claim.measured(results) for results in (lost, degenerate, unlearned, dropped)]
    assert found == pytest.approx([math.nan] * 3 + [0.1], nan_ok=True)


def test_the_statement_on_linear_maps_says_what_is_measured():
    statement = upper_layers_collapse()[2].statement
    assert "predicts the targets no worse than the network" in statement


def test_without_collapsed_layers_their_shape_is_not_measurable(made):
    values = COLLAPSED | {NOISE: [0.9, 0.9, 0.9, 0.9]}
    share, ranks, gap = numbers(upper_layers_collapse(), made({"a": {0: values}}))
    assert share == 0
    assert math.isnan(ranks)
    assert math.isnan(gap)


def test_when_everything_diverged_nothing_is_measurable(made):
    results = made({"a": {0: COLLAPSED}}, diverged=[("a", 0)])
    assert all(math.isnan(n) for n in numbers(upper_layers_collapse(), results))


@pytest.mark.parametrize(
    ("shares", "measurable"),
    [([[0.9, 0.6], [0.9, 0.5]], True), ([[0.9, 0.6], [0.9, 0.3]], False), ([[], [0.9]], True), ([[0.4]] * 2, False)],
)
def test_collapse_of_a_network_that_has_not_learned_every_direction_is_not_measurable(made, shares, measurable):
    results = explained(made({"a": {0: COLLAPSED, 1: COLLAPSED}}), shares)
    found = numbers(upper_layers_collapse(), results)
    assert [not math.isnan(value) for value in found] == [measurable] * 3


def test_orders_say_nothing_if_a_network_has_not_learned(made):
    measures = {NOISE: [1.0, 0.5, 0.1], ALIGNMENT: [0.1, 0.5, 0.9], "deep.weight_stable_rank": [9.0, 5.0, 2.0]}
    results = made({"0": {0: measures}, "1": {0: {name: [v / 2 for v in vs] for name, vs in measures.items()}}})
    assert numbers(weight_decay_orders(3), results)[0] == 1
    seeds = weight_decay_orders(3)[0].judged(results)
    assert seeds.answer == "holds in 1 of 1 seed"
    records = tuple(r | {"explained": [0.1]} if r["label"] == "1" else r for r in results.records)
    unlearned = replace(results, records=records)
    assert all(math.isnan(n) for n in numbers(weight_decay_orders(3), unlearned))
    assert weight_decay_orders(3)[0].judged(unlearned).left_out == {0: "1 has not learned the targets"}


@pytest.mark.parametrize(("dead", "share"), [((), 0.75), ((1,), 1.0), ((1, 2), 1.0), ((1, 2, 3), math.nan)])
def test_branches_that_died_are_left_out_unless_they_are_more_than_half(made, dead, share):
    with_decay = [5.0, 3.0, 0.9, 0.5, 0.5, 9.0]  # of six layers, four of them inner; the first of those does not fall
    values = [math.nan if layer in dead else value for layer, value in enumerate(with_decay)]
    results = made({"a": {0: {"deep.noise_fraction": [1.0] * 6}}, "b": {0: {"deep.noise_fraction": values}}})
    assert weight_decay_orders(3, branches=True)[0].measured(results) == pytest.approx(share, nan_ok=True)
    strict = weight_decay_orders(3)[0].measured(results)
    assert math.isnan(strict) if dead else strict == 0.75

"""Claims on the last layer, on tables whose answers are known."""

import math
from dataclasses import replace

import pytest

from experiments.claims.toplayer import all_in_one_network, stays_literal, top_layer_collapses, top_ratio

TOP = {
    "0": {0: {"nrc.1": {3: 0.5}, "nrc.2": {3: 0.05}}},
    "1": {0: {"nrc.1": {3: 2e-3}, "nrc.2": {3: 2e-3}}},
    "5": {0: {"nrc.1": {3: 1e-6}, "nrc.2": {3: 1e-3}}},
}


def numbers(claims, results):
    return [claim.measured(results) for claim in claims]


def test_the_top_layer_with_the_most_weight_decay_and_with_none(made):
    results = made(TOP, decays=[0.0, 1.0, 5.0])
    claims = top_layer_collapses()
    assert numbers(claims, results) == [1e-6, 0.5, 1e-3, 0.05]
    assert [c.against(c.measured(results)).holds for c in claims] == [True, True, False, False]


@pytest.mark.parametrize(("decays", "missing"), [([0.1, 1.0, 5.0], [1, 3]), ([0.0, 0.0, 0.0], [0, 2])])
def test_the_top_layer_is_not_judged_by_settings_that_were_not_run(made, decays, missing):
    results = made(TOP, decays=decays)
    assert [i for i, n in enumerate(numbers(top_layer_collapses(), results)) if math.isnan(n)] == missing


def test_the_top_is_compared_with_no_decay(made):
    def values(*tops):
        return {f"d{i}": {0: {"nrc.1_centred": {3: v}}} for i, v in enumerate(tops)}

    assert top_ratio(made(values(0.4, 0.3, 0.1), [0.0, 1e-3, 1e-2]), "nrc.1_centred") == pytest.approx(0.25)
    assert math.isnan(top_ratio(made(values(0.4, 0.1), [1e-3, 1e-2]), "nrc.1_centred"))
    assert math.isnan(top_ratio(made(values(0.4), [0.0]), "nrc.1_centred"))


def networks(decayed, undecayed, names=("nrc.1_centred", "nrc.2_centred", "nrc.3")):
    """Of one seed each: the three measures of the last layer with weight decay and without."""
    return {
        label: {seed: {name: {3: v} for name, v in zip(names, values, strict=True)} for seed, values in by.items()}
        for label, by in (("0", undecayed), ("5", decayed))
    }


def test_all_three_are_read_off_one_network_and_never_put_together_from_several(made):
    """Each property is best in another seed, and no seed has them all."""
    decayed = {0: (0.01, 0.01, 0.4), 1: (0.4, 0.01, 0.01), 2: (0.02, 0.03, 0.04)}
    results = made(networks(decayed, dict.fromkeys(decayed, (0.5, 0.3, 0.16))), decays=[0.0, 5.0])
    vanish, fall = (claim.judged(results) for claim in all_in_one_network(literal=False))
    assert vanish.readings == pytest.approx({0: 0.4, 1: 0.4, 2: 0.04})
    assert vanish.answer == "holds in 1 of 3 seeds"
    assert fall.readings == pytest.approx({0: 2.5, 1: 0.8, 2: 0.25})
    assert fall.answer == "holds in 1 of 3 seeds"


def test_literal_ones_are_read_as_defined(made):
    values = networks({0: (0.5, 0.6, 0.01)}, {0: (0.8, 0.9, 0.1)}, ("nrc.1", "nrc.2", "nrc.3"))
    results = made(values, decays=[0.0, 5.0])
    assert numbers(all_in_one_network(literal=True), results) == pytest.approx([0.6, 2 / 3])
    assert stays_literal().measured(results) == 0.5
    assert numbers(all_in_one_network(literal=False), results) == pytest.approx([math.nan, math.nan], nan_ok=True)


def test_a_network_that_dropped_a_direction_or_was_not_compared_is_not_judged_jointly(made):
    results = made(networks({0: (0.01, 0.01, 0.01)}, {0: (0.5, 0.5, 0.5)}), decays=[0.0, 5.0])
    dropped = replace(results, records=tuple(r | {"explained": [0.9, 0.2]} for r in results.records))
    assert all(map(math.isnan, numbers(all_in_one_network(literal=False), dropped)))
    alone = made(networks({0: (0.01, 0.02, 0.01)}, {0: (0.5, 0.5, 0.5)}), decays=[1.0, 5.0])
    vanish, fall = numbers(all_in_one_network(literal=False), alone)
    assert vanish == 0.02
    assert math.isnan(fall)

"""Claims on the last layer, on tables whose answers are known."""

import math

import pytest

from experiments.claims.toplayer import top_layer_collapses, top_ratio

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

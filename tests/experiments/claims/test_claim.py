"""Claims: whose results they are read off, and when their number bears them out."""

import math
from dataclasses import replace

import pytest

from experiments.claims.claim import Claim, Inquiry, within
from experiments.claims.verdict import Verdict


def test_a_claim_hands_on_all_it_says():
    claim = Claim("a", "b", lambda r: 0.0, ">", 2, published=3.0, why="short")
    assert claim.against(3) == Verdict("a", "b", 3, ">", 2, published=3.0, why="short")


@pytest.fixture
def crossed(made):
    """Raw and scaled targets, each with a ReLU before the last layer and without, and one measure that tells which."""
    facts = {
        f"{targets}, {relu}": {"targets": targets, "last_relu": relu}
        for targets in ("raw", "scaled")
        for relu in (True, False)
    }
    values = {label: {0: {"m": [float(i)]}} for i, label in enumerate(facts)}
    return made(values, decays=[0.0, 1.0, 0.0, 1.0], apart=facts)


def total(results):
    return float(results.top("m").sum())


@pytest.mark.parametrize(
    ("where", "measured"),
    [({}, 6), ({"targets": "raw"}, 1), ({"targets": "raw", "last_relu": False}, 1), ({"last_relu": True}, 2),
     ({"weight_decay": 1.0}, 4), ({"targets": "scaled", "weight_decay": 0}, 2), ({"targets": "none"}, math.nan)],
)  # fmt: skip
def test_a_claim_is_read_off_the_settings_that_it_is_about(crossed, where, measured):
    claim = Claim("in all", "us", total, ">", 0, where)
    assert claim.measured(crossed) == pytest.approx(measured, nan_ok=True)
    (narrowed,) = within([Claim("in all", "us", total, ">", 0)], **where)
    assert narrowed.measured(crossed) == pytest.approx(measured, nan_ok=True)


def test_a_claim_says_which_settings_it_is_about():
    (claim,) = within([Claim("in all", "us", total, ">", 0, {"targets": "raw"})], last_relu=False, weight_decay=1e-3)
    assert claim.against(1).statement == "in all (raw, no last ReLU, weight decay 0.001)"


def test_a_claim_about_a_fact_that_there_is_not_is_refused(crossed):
    claim = Claim("in all", "us", total, ">", 0, {"target": "raw"})
    with pytest.raises(ValueError, match="fact 'target', which no setting of 'tiny' has; there are targets, last_relu"):
        Inquiry(crossed.study, (claim,))


def seeds(made, tops, **given):
    return made({"a": {seed: {"m": [top]} for seed, top in enumerate(tops)}}, **given)


def test_a_claim_is_read_in_each_seed(made):
    verdict = Claim("high", "us", total, ">", 2).judged(seeds(made, [1.0, 3.0, 5.0]))
    assert verdict.readings == {0: 1, 1: 3, 2: 5}
    assert (verdict.measured, verdict.answer, verdict.standing) == (3, "holds in 2 of 3 seeds", "in some seeds")
    assert verdict.interval == (1, 5)


@pytest.mark.parametrize(("lost", "answer"), [(1, "holds in 2 of 2 seeds"), (2, "cannot be judged")])
def test_seeds_that_diverged_are_left_out_by_name(made, lost, answer):
    diverged = [("a", seed) for seed in range(lost)]
    verdict = Claim("high", "us", lambda r: float(r.last("m")["value"].mean()), ">", 0).judged(
        seeds(made, [1.0, 1.0, 1.0], diverged=diverged)
    )
    assert verdict.answer == answer
    assert list(verdict.left_out.values()) == ["a diverged"] * lost


def test_one_seed_alone_is_judged_with_the_intervals_of_the_probe(made):
    results = seeds(made, [3.0])
    claim = Claim("falls", "us", lambda r: float(r.last("m")["value"].mean()), "<", 5)
    assert claim.judged(results).answer == "holds in 1 of 1 seed"
    assert math.isnan(claim.judged(results).interval[0])
    ended = replace(results, table=results.table.assign(low=2.0, high=4.5))
    ended = replace(ended, reports=tuple(replace(r, table=r.table.assign(low=2.0, high=4.5)) for r in ended.reports))
    assert claim.judged(ended).interval == (2.0, 4.5)


def test_ends_of_intervals_are_crossed_between_settings(made):
    results = made({"a": {0: {"m": [3.0]}}, "b": {0: {"m": [3.0]}}})
    given = {"low": 2.0, "high": 5.0}
    results = replace(results, table=results.table.assign(**given),
                      reports=tuple(replace(r, table=r.table.assign(**given)) for r in results.reports))  # fmt: skip
    claim = Claim("alike", "us", lambda r: float(r.top("m")["a"] - r.top("m")["b"]), "<", 1)
    assert claim.judged(results).interval == (-3, 3)


def test_a_claim_about_settings_that_were_not_run_is_left_out(crossed):
    verdict = Claim("in all", "us", total, ">", 0, {"targets": "none"}).judged(crossed)
    assert (verdict.answer, verdict.left_out) == ("cannot be judged", {0: "was not run"})

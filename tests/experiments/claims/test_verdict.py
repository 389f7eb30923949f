"""Verdicts: when an effect bears a statement out, over seeds and as a single number."""

import math

import numpy as np
import pytest

from experiments.claims.verdict import Verdict, bootstrap

NAN = math.nan


@pytest.mark.parametrize(
    ("measured", "relation", "holds", "answer"),
    [
        (0.4, "<", True, "holds"), (0.5, "<", False, "does not hold"), (0.6, "<", False, "does not hold"),
        (0.6, ">", True, "holds"), (0.5, ">", False, "does not hold"), (0.4, ">", False, "does not hold"),
        (NAN, "<", False, "cannot be judged"), (NAN, ">", False, "cannot be judged"), (math.inf, ">", True, "holds"),
    ],
)  # fmt: skip
def test_a_single_number_is_held_strictly_against_its_threshold(measured, relation, holds, answer):
    verdict, said = (
        Verdict("it is so", "us", measured, relation, 0.5),
        "-" if math.isnan(measured) else f"{measured:.3g}",
    )
    assert (verdict.holds, verdict.answer, verdict.standing) == (holds, answer, answer)
    assert verdict.row() == {
        "claim": "it is so", "source": "us", "measured": said, "threshold": f"{relation} 0.5",
        "published": "", "verdict": answer, "left out": "", "standing": answer,
        "why": "", "held": 0, "judged": 0,
    }  # fmt: skip
    assert verdict.line == f"[{answer}] it is so: {said} (ours: {relation} 0.5)"


@pytest.mark.parametrize(
    ("readings", "standing", "answer"),
    [
        ({0: 0.1, 1: 0.2, 2: 0.3}, "holds", "holds in 3 of 3 seeds"),
        ({0: 0.1, 2: 0.9}, "in some seeds", "holds in 1 of 2 seeds"),
        ({0: 0.7, 1: 0.9}, "does not hold", "holds in 0 of 2 seeds"),
        ({0: 0.1}, "cannot be judged", "cannot be judged"),
        ({}, "cannot be judged", "cannot be judged"),
    ],
)
def test_over_seeds_it_says_in_how_many(readings, standing, answer):
    out = {seed: "a has not learned the targets" for seed in range(3) if seed not in readings}
    verdict = Verdict("s", "us", 0.2, "<", 0.5, readings, out, needed=2)
    assert (verdict.standing, verdict.answer) == (standing, answer)
    assert all(f"seed {seed}: a has not learned the targets" in verdict.line for seed in out)


@pytest.mark.parametrize(("measured", "why"), [(0.4, ""), (0.6, "short of samples"), (NAN, "")])
def test_why_it_does_not_hold_is_told_where_it_does_not(measured, why):
    assert Verdict("s", "us", measured, "<", 0.5, why="short of samples").row()["why"] == why


def test_what_published_curves_give_stands_beside_and_is_judged_too():
    verdict = Verdict("s", "us", 0.2, "<", 0.5, {0: 0.2}, interval=(0.1, 0.3), published=0.6)
    assert verdict.line == "[holds in 1 of 1 seed] s: 0.2 [0.1, 0.3] (ours: < 0.5; published: 0.6, does not hold)"
    assert verdict.row()["published"] == "0.6, does not hold"


def test_the_bootstrap_takes_every_resample_of_few_seeds():
    assert bootstrap([1.0, 3.0]) == (1.0, 3.0)
    assert all(math.isnan(end) for end in bootstrap([1.0]))
    assert bootstrap([0.0, 1.0, 3.0]) == (0, 3)


def test_the_bootstrap_of_many_seeds_is_near_the_normal_interval_and_the_same_each_time():
    drawn = np.random.default_rng(1).normal(size=200)
    low, high = bootstrap(list(drawn))
    half = 1.96 * drawn.std() / 200**0.5
    assert (low, high) == pytest.approx((drawn.mean() - half, drawn.mean() + half), abs=0.03)
    assert bootstrap(list(drawn)) == (low, high)

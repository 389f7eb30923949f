"""Whether networks learned their targets."""

import math
from dataclasses import replace

import pytest

from experiments.claims.learning import learned, learned_every_direction, why_unread

SEEN = {"m": [1.0]}


def explained(results, shares):
    """The results, with the shares of target directions that each cell explains, in order."""
    records = tuple(r | {"explained": share} for r, share in zip(results.records, shares, strict=True))
    return replace(results, records=records)


@pytest.mark.parametrize(
    ("shares", "strongest", "every"),
    [([[0.9, 0.6], [0.9, 0.4]], True, True), ([[0.9, 0.1], [0.9, 0.2]], True, False), ([[0.4, 0.9]] * 2, False, False),
     ([[0.9, math.nan]] * 2, True, False), ([[0.9], [0.9, 0.1]], True, False), ([[], []], True, True)],
)  # fmt: skip
def test_a_network_has_learned_the_strongest_direction_or_every_one(made, shares, strongest, every):
    results = explained(made({"a": {0: SEEN, 1: SEEN}}), shares)
    assert (learned(results), learned_every_direction(results)) == (strongest, every)


def test_what_diverged_has_not_learned(made):
    results = explained(made({"a": {0: SEEN, 1: SEEN}}, diverged=[("a", 0), ("a", 1)]), [[], []])
    assert (learned(results), learned_every_direction(results)) == (False, False)
    results = explained(made({"a": {0: SEEN, 1: SEEN}}, diverged=[("a", 0)]), [[], [0.9, 0.9]])
    assert (learned(results), learned_every_direction(results)) == (True, True)


@pytest.mark.parametrize(
    ("shares", "why"),
    [([0.9, 0.9], "there is nothing to read it off"), ([0.9, 0.1], "a has dropped a target direction"),
     ([0.1, 0.1], "a has not learned the targets")],
)  # fmt: skip
def test_what_left_a_seed_out_is_named(made, shares, why):
    assert why_unread(explained(made({"a": {0: SEEN}}), [shares])) == why
    assert why_unread(made({"a": {0: SEEN}}, diverged=[("a", 0)])) == "a diverged"

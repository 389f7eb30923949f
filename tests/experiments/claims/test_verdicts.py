"""Verdicts: a number on the threshold does not hold, NaN never does, and what is told of it."""

import math

import pytest

from experiments.claims.verdicts import Verdict
from experiments.runner.study import Claim


@pytest.mark.parametrize(
    ("measured", "relation", "holds", "answer"),
    [
        (0.4, "<", True, "holds"), (0.5, "<", False, "does not hold"), (0.6, "<", False, "does not hold"),
        (0.6, ">", True, "holds"), (0.5, ">", False, "does not hold"), (0.4, ">", False, "does not hold"),
        (math.nan, "<", False, "not measurable"), (math.nan, ">", False, "not measurable"),
        (math.inf, ">", True, "holds"),
    ],
)  # fmt: skip
def test_a_number_is_held_strictly_against_its_threshold(measured, relation, holds, answer):
    verdict = Claim("it is so", "us", lambda r: measured, relation, 0.5).against(measured)
    assert verdict.holds is holds
    assert verdict.answer == answer
    assert verdict.row() == {
        "claim": "it is so", "source": "us", "measured": f"{measured:.3g}", "threshold": f"{relation} 0.5",
        "verdict": answer,
    }  # fmt: skip
    assert verdict.line == f"[{answer}] it is so: {measured:.3g} ({relation} 0.5)"


def test_a_claim_hands_on_all_it_says():
    claim = Claim("a", "b", lambda r: 0.0, ">", 2)
    assert claim.against(3) == Verdict("a", "b", 3, ">", 2)

"""Claims: whose results they are read off, and when their number bears them out."""

import math

import pytest

from experiments.claims.claim import Claim, Inquiry, Verdict, within


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

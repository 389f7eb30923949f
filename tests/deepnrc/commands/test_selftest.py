import math

import pytest

from deepnrc.commands.selftest import Answer, answers


def test_every_known_answer_holds() -> None:
    found = list(answers())
    assert len(found) >= 26
    assert len({answer.name for answer in found}) == len(found)
    for answer in found:
        assert answer.holds, f"{answer.name}: got {answer.got}, expected {answer.expected}"


def test_the_answers_are_of_both_families_and_tight_where_they_can_be() -> None:
    found = {answer.name: answer for answer in answers()}
    assert {"nrc.1 of the unconstrained-feature minimiser", "CKA of the same"} <= set(found)
    assert sum("of linear layer" in name for name in found) == 9
    assert found["weight stable rank of linear layer 2 of 3"].expected == pytest.approx(2.611, abs=5e-4)
    assert sum(answer.tolerance <= 1e-9 for answer in found.values()) >= 15
    assert all(answer.tolerance <= 0.05 for answer in found.values())
    assert found["noise fraction 1e-12 planted in float64"].expected == 1e-12


@pytest.mark.parametrize(
    ("got", "expected", "error"),
    [(1.1, 1.0, 0.1), (90.0, 100.0, 0.1), (-0.9, -1.0, 0.1), (0.1, 0.0, 0.1), (-0.1, 0.0, 0.1), (1.1e-12, 1e-12, 0.1)],
)
def test_the_error_is_relative_and_absolute_beside_0(got: float, expected: float, error: float) -> None:
    assert Answer("", got, expected, 0.2).error == pytest.approx(error)
    assert Answer("", got, expected, 0.11).holds
    assert not Answer("", got, expected, 0.09).holds


def test_an_exact_answer_holds_at_tolerance_0() -> None:
    assert Answer("", 0.5, 0.5, 0).holds


@pytest.mark.parametrize("got", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_does_not_hold(got: float) -> None:
    assert not Answer("", got, 1.0, 0.5).holds
    assert not Answer("", got, 0.0, 0.5).holds

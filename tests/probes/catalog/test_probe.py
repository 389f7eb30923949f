from functools import partial

import pytest

from probes import DegenerateError, NotDefinedError, Outcome, Probe


def test_what_cannot_be_measured_comes_back_with_its_reason(layer, snap):
    def undefined(k):
        raise NotDefinedError("no such thing")

    def degenerate(k):
        raise DegenerateError("says nothing")

    snapshot = snap(*layer())
    for measure, status, note in (
        (undefined, "not defined", "no such thing"),
        (degenerate, "degenerate", "says nothing"),
    ):
        found = Probe("own.x", measure, "x").evaluate(snapshot).outcome
        assert (found.status, found.note, found.value != found.value) == (status, note, True)


def test_floor_marks_ok_values_alone(layer, snap):
    def floor(k):
        return 1.0

    snapshot = snap(*layer())
    for given, status in (
        (Outcome(1.1), "below floor"),
        (Outcome(4.0), "below floor"),
        (Outcome(4.1), "ok"),
        (Outcome(0.5, "degenerate"), "degenerate"),
    ):
        row = Probe("own.x", partial(_given, given), "x", floor=floor)
        assert row.evaluate(snapshot).outcome.status == status


def _given(outcome, k):
    return outcome


def test_a_measure_that_gives_nan_or_fails_is_named(layer, snap):
    snapshot = snap(*layer())
    assert Probe("my.own", lambda d: float("nan"), "Mine").evaluate(snapshot).outcome.status == "degenerate"
    with pytest.raises(RuntimeError, match=r"The probe 'my.own' failed: ZeroDivisionError: division by zero"):
        Probe("my.own", lambda d: d / 0, "Mine").evaluate(snapshot)

import math

import pytest

from experiments.studies.ufm import biases
from probes.ufm import ClassMinimum


@pytest.mark.parametrize("bias", [None, 0.0, 0.05, 1.0])
def test_one_level_ends_at_the_closed_form_with_any_bias(bias):
    row = biases.one_level("", ClassMinimum(4, 20, 0.005, (0.005,), bias=bias), 1)
    assert row.reached == pytest.approx(row.predicted, abs=1e-10)
    assert row.error < 1e-6


def test_the_penalised_bias_leads_from_simplex_to_frame():
    records, _, claims = biases.biases(1)
    assert [claim.answer for claim in claims] == ["holds", "holds"]
    values = [r["value"] for r in records]
    assert values[:4] == pytest.approx([values[0]] * 4, abs=1e-9)
    assert values[3:] == sorted(values[3:], reverse=True)
    assert values[-1] < 0.01


@pytest.mark.parametrize("off", [1e-3, -1e-3])
def test_a_predicted_loss_that_is_too_high_is_no_more_reached_than_one_too_low(monkeypatch, off):
    true = ClassMinimum.loss.fget
    monkeypatch.setattr(ClassMinimum, "loss", property(lambda self: true(self) + off))
    monkeypatch.setattr(biases, "BIASES", biases.BIASES[:1])
    _, rows, claims = biases.biases(2)
    assert [(row.near, row.starts) for row in rows] == [(0, 2)] * 4
    assert [claim.answer for claim in claims] == ["does not hold", "holds"]


def test_a_frame_that_was_not_read_is_not_measurable(monkeypatch):
    distances = iter([*[0.0] * 4, 0.1, math.nan])
    monkeypatch.setattr(biases, "BIASES", biases.BIASES[:2])
    monkeypatch.setattr(biases, "_distance", lambda *given: next(distances))
    _, _, claims = biases.biases(1)
    assert [claim.answer for claim in claims] == ["holds", "cannot be judged"]

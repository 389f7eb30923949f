import pytest

from experiments.ufm import biases
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

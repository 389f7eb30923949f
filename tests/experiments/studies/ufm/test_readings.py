"""What was read beside what is predicted: the error, and what was not read."""

import math

import pandas as pd
import pytest

from experiments.studies.ufm.readings import compared, error
from probes import Outcome


@pytest.mark.parametrize(
    ("value", "predicted", "off"),
    [(0.5, 0.4, 0.1), (10.0, 8.0, 0.25), (-3.0, -2.0, 0.5), (1e3, math.inf, 1e-3), (math.inf, math.inf, 0.0)],
)
def test_errors_are_absolute_up_to_one_and_relative_above(value, predicted, off):
    assert error(value, predicted) == pytest.approx(off)


def test_a_measure_that_was_not_read_has_no_error():
    rows = [{"layer": "W1", "measure": "nrc.1", "variant": "default", "value": 0.25},
            {"layer": "W2", "measure": "nrc.2", "variant": "default", "value": 7.0}]  # fmt: skip
    report = type("Report", (), {"table": pd.DataFrame(rows)})
    expected = {(name, "default"): Outcome(0.0) for name in ("nrc.1", "nrc.2")}
    found = compared(report, "W1", expected | {("nrc.3", "default"): Outcome(math.nan)}).set_index("measure")
    assert found["error"].tolist() == pytest.approx([0.25, math.nan], nan_ok=True)
    assert list(found.index) == ["nrc.1", "nrc.2"]  # what is not predicted is left out

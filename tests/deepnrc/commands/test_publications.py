"""`deepnrc published`."""

from collections.abc import Callable
from typing import Any

from deepnrc.table import published_curves

Call = Callable[..., Any]


def test_every_curve_has_a_line(run: Call) -> None:
    result = run("published")
    assert result.code == 0
    assert f"{len(published_curves())} curves" in result.out
    (line,) = [line for line in result.out.splitlines() if "good" in line and "deep.cka" in line and "R^10" in line]
    told = "synthetic, rank 2 in R^10 good deep.cka 3 1 to 10 of 10 0.225 to 0.945 arXiv 2603.23805"
    assert " ".join(line.split()) == told


def test_a_study_is_listed_with_its_values(run: Call) -> None:
    told = run("published", "reacher").out
    assert "reacher, wd 1e-4: deep.noise_fraction (default)\n  1: 0.5233, 2: 0.6005" in told
    assert "swimmer" not in told


def test_an_unknown_study_is_refused(run: Call, refusal: Call) -> None:
    assert "Nothing is published of a study 'ant'. Studies: 'swimmer'" in refusal(run("published", "ant"), 2)

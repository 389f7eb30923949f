import numpy as np
import pytest
from scipy.optimize import brentq

from probes.ufm import shrinkage, threshold


@pytest.mark.parametrize("m", [2, 3, 4, 7, 30])
@pytest.mark.parametrize("share", [0.0, 1e-12, 1e-3, 0.5, 0.99, 1 - 1e-9])
def test_it_solves_the_scalar_equation(m, share):
    g = share * threshold(m)
    s = shrinkage(g, m)
    assert s ** (1 - 2 / m) * (1 - s) == pytest.approx(g, rel=1e-9, abs=1e-15)
    assert (m - 2) / (m - 1) <= s <= 1


@pytest.mark.parametrize("m", [3, 5])
def test_it_is_the_root_that_a_bracketing_solver_finds(m):
    g = 0.7 * threshold(m)
    expected = brentq(lambda s: s ** (1 - 2 / m) * (1 - s) - g, (m - 2) / (m - 1), 1, xtol=1e-15)
    assert shrinkage(g, m) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("m", [2, 3, 4, 7])
@pytest.mark.parametrize("share", [0.2, 0.9, 0.999, 1.001, 1.5, 10.0])
def test_it_is_the_minimum_that_a_fine_grid_finds(m, share):
    g = share * threshold(m)
    z = np.linspace(0, 1, 200_001)
    cost = (z - 1) ** 2 / 2 + m / 2 * g * z ** (2 / m)
    assert shrinkage(g, m) == pytest.approx(z[cost.argmin()], abs=1e-5)


def test_two_factors_cut_and_one_threshold_is_known():
    assert shrinkage(0.3, 2) == pytest.approx(0.7, abs=1e-15)
    assert threshold(2) == 1
    assert threshold(3) == pytest.approx(2 ** (-4 / 3), rel=1e-15)
    assert shrinkage(1.0, 2) == 0


def test_what_is_no_model_is_refused():
    with pytest.raises(ValueError, match="at least two factors, the features and a weight; m is 1"):
        shrinkage(0.1, 1)
    with pytest.raises(ValueError, match="at least two factors"):
        threshold(0)
    for g in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="g must be at least 0"):
            shrinkage(g, 3)

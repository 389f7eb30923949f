import numpy as np
import pytest
from scipy import stats

from probes.nulls import quantiles


@pytest.mark.parametrize("freedom", [1, 1.5, 4, 30, 500])
def test_quantile_of_chi_squared(freedom):
    assert quantiles.chi_squared(freedom) == pytest.approx(stats.chi2.ppf(0.99, freedom), rel=0.01)


@pytest.mark.parametrize(
    ("a", "b"), [(0.5, 20), (2, 2), (5, 300), (128, 128), (100, 5), (0.5, 500), (40, 0.7), (9, 0.01)]
)
def test_quantile_of_beta(a, b):
    known = stats.beta(a, b)
    assert quantiles.beta(known.mean(), known.var()) == pytest.approx(known.ppf(0.99), rel=1e-6)


@pytest.mark.parametrize("weights", [[1.0], [1, 1, 1, 1], [3, 1, 0.1], [1, *[0.01] * 100]])
def test_quantile_of_weighted_chi_squared(weights):
    w = np.array(weights)
    drawn = np.random.default_rng(0).chisquare(1, (20_000, len(w))) @ w
    found = quantiles.weighted_chi_squared(w.sum(), (w**2).sum(), (w**3).sum())
    assert found == pytest.approx(np.quantile(drawn, 0.99), rel=0.06)

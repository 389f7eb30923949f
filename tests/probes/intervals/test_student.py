import pytest
from scipy import stats

from probes.intervals.student import quantile


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 15, 31, 200])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_quantile_is_scipys(freedom, level):
    assert quantile(freedom, level) == pytest.approx(stats.t.ppf((1 + level) / 2, freedom), rel=1e-9)


@pytest.mark.parametrize(("freedom", "level"), [(0, 0.95), (3, 1.0), (3, 0.0)])
def test_refuses_what_is_no_distribution_or_level(freedom, level):
    with pytest.raises(ValueError, match="degrees of freedom"):
        quantile(freedom, level)

import pytest

from experiments.ufm import linear
from experiments.ufm.descent import finish
from experiments.ufm.targets import covariance, spread
from probes.ufm import LinearMinimum


@pytest.mark.parametrize("lambdas", linear.DEPTHS)
def test_descent_ends_at_the_closed_form_at_every_depth(lambdas):
    row, records = linear.reached(spread(linear.EIGENVALUES, linear.N), lambdas, 1)
    assert row.reached == pytest.approx(row.predicted, abs=1e-10)
    assert row.error < 1e-6, row.which
    assert (row.near, row.starts) == (1, 1)
    assert len(records) == 3 * (len(lambdas) + 1)
    assert [r["value"] for r in records] == pytest.approx([r["predicted"] for r in records], abs=1e-6)


@pytest.mark.parametrize(("penalty", "rank"), [(0.05, 3), (0.2, 2), (0.35, 1), (0.6, 0)])
def test_directions_fall_out_where_they_must(penalty, rank):
    Y = spread(linear.EIGENVALUES, linear.N)
    minimum, problem = LinearMinimum(covariance(Y), penalty, (penalty,) * 2), linear.model(Y, penalty, (penalty,) * 2)
    ends = [finish(problem, problem.start(*start)) for start in linear.STARTS]
    lowest = min(ends, key=lambda point: float(problem.evaluate(point)[0]))
    assert minimum.rank == rank
    assert float(problem.evaluate(lowest)[0]) == pytest.approx(minimum.loss, abs=1e-10)
    assert linear.image(lowest) == pytest.approx(minimum.image.tolist(), abs=1e-6)


def test_the_penalties_cross_every_threshold():
    records = linear.crossing(spread(linear.EIGENVALUES, linear.N), size=3)
    assert len(records) == 3 * 3 * 3
    assert {r["setting"] for r in records} == {"L = 1", "L = 2", "L = 3"}
    assert min(r["predicted"] for r in records) == 0

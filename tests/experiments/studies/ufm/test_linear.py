import math

import pytest

from experiments.data.prescribed import covariance, spread
from experiments.studies.ufm import linear
from experiments.studies.ufm.descent import finish
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


@pytest.fixture
def shallow(monkeypatch):
    """The study with one depth and two penalties."""
    crossing = linear.crossing
    monkeypatch.setattr(linear, "DEPTHS", linear.DEPTHS[:2])
    monkeypatch.setattr(linear, "CROSSED", (1,))
    monkeypatch.setattr(linear, "crossing", lambda Y: crossing(Y, size=2))


@pytest.mark.parametrize("off", [1e-3, -1e-3])
def test_a_predicted_loss_that_is_too_high_is_no_more_reached_than_one_too_low(shallow, monkeypatch, off):
    true = LinearMinimum.loss.fget
    monkeypatch.setattr(LinearMinimum, "loss", property(lambda self: true(self) + off))
    part = linear.study(2)
    assert [(row.near, row.starts) for row in part.rows] == [(0, 2), (0, 2)]
    assert [claim.answer for claim in part.claims] == ["does not hold", "holds", "holds", "holds"]


def test_what_was_not_read_makes_its_claim_not_measurable(shallow, monkeypatch):
    probed, factors = linear.probed, linear.factors
    counts = iter(range(9))

    def blind(*given):
        report = probed(*given)
        if next(counts) == 1:
            report.table.loc[report.table["measure"] == "deep.cka", "value"] = math.nan
        return report

    def torn(*given):
        first, *rest, last = factors(*given)
        return [first, *rest, last | {"value": math.nan}]

    monkeypatch.setattr(linear, "probed", blind)
    monkeypatch.setattr(linear, "factors", torn)
    part = linear.study(1)
    assert [claim.answer for claim in part.claims] == ["holds", "cannot be judged", "cannot be judged", "holds"]
    assert [math.isnan(row.error) for row in part.rows] == [False, True]
    assert part.rows[1].which == "W1: deep.cka, default"

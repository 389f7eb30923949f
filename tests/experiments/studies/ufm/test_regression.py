import math
from functools import partial

import pytest
import torch

from experiments.data.prescribed import covariance, spread
from experiments.studies.ufm import regression
from experiments.studies.ufm.agreement import END
from experiments.studies.ufm.descent import descend, finish
from experiments.studies.ufm.readings import compared, probed
from probes.ufm import RegressionMinimum, interpolating, predicted


@pytest.mark.parametrize(
    ("h", "w", "rank"), [(0.1, 0.2, 3), (0.01, 0.05, 3), (0.02, 3.0, 3), (0.5, 0.8, 2), (0.9, 0.9, 1), (2.0, 2.0, 0)]
)
def test_descent_ends_at_the_closed_form_in_every_regime(h, w, rank):
    Y = spread(regression.EIGENVALUES, 60, mean=0.3)
    minimum, problem = RegressionMinimum(covariance(Y), h, w), regression.model(Y, [(h, w)])
    assert minimum.rank == rank
    for seed in range(2):
        point = finish(problem, problem.start(seed))
        assert float(problem.evaluate(point)[0]) == pytest.approx(minimum.loss, abs=1e-10)
        found = compared(probed(problem, point), "W1", predicted(minimum, 12, 60))
        assert len(found) >= (3 if rank == 0 else 25)
        assert found["error"].max() < 1e-6, found.loc[found["error"].idxmax()].to_dict()
        assert torch.allclose(point[1][0] @ point[1][0].T, minimum.gram, atol=1e-7)


def test_plain_descent_reaches_it_in_the_known_number_of_steps():
    Y = spread((1.0, 0.5, 0.2), 60, mean=0.3)
    problem = regression.model(Y, [(0.1, 0.1)])
    point = descend(problem, problem.start(0), 6000, feature_step=0.1 * 60)
    assert float(problem.evaluate(point)[0]) == pytest.approx(
        RegressionMinimum(covariance(Y), 0.1, 0.1).loss, abs=1e-14
    )


def test_without_regularisation_the_loss_vanishes_and_nothing_collapses():
    Y = spread((1.0, 0.5, 0.2), 60, mean=0.3)
    problem = regression.model(Y, [(0.0, 0.0)])
    point = descend(problem, problem.start(0), 3000, feature_step=0.1 * 60)
    assert float(problem.evaluate(point)[0]) < 1e-20
    drawn = interpolating(Y, 12)
    for H, W in ((point[0][0], point[1][0]), (drawn.H, drawn.W)):
        values = regression.watched(Y, H, W)
        assert values["nrc.1"] > 0.3
        assert values["nrc.2"] > 0.5


def test_gamma_and_white_residuals_are_recovered():
    Y = spread((1.0, 0.5, 0.2), 60)
    problem = regression.model(Y, [(0.1, 0.2)])
    point = finish(problem, problem.start(0))
    assert regression.whiteness(RegressionMinimum(covariance(Y), 0.1, 0.2), problem, point, 0) < 1e-6
    values = probed(problem, point).values("nrc.3_gamma_ratio")["value"]
    assert float(values.iloc[0]) == pytest.approx(0.02 / 0.2, abs=1e-7)


def test_the_rank_falls_as_c_passes_each_eigenvalue():
    records, claim = regression.phases(size=4)
    assert claim.measured == 1
    assert {r["value"] for r in records} >= {0.0, 1.0, 3.0}


def test_a_short_study_has_every_value_and_claims_with_numbers(monkeypatch):
    monkeypatch.setattr(regression, "phases", partial(regression.phases, 4))
    part = regression.study(1, steps=30)
    assert len(part.rows) == len(regression.FOLLOWED) + 1
    assert all(row.near == row.starts for row in part.rows)
    assert not any(math.isnan(claim.measured) for claim in part.claims)
    assert [claim.answer for claim in part.claims] == ["holds"] * 6
    ends = part.table[part.table["iteration"] == END]
    assert set(regression.WATCHED) < set(ends["measure"])
    assert len(part.summary()["rows"]) == len(part.rows)


@pytest.mark.parametrize(("h", "w"), [(0.1, 0.2), (0.5, 0.8)])
def test_residuals_are_held_against_the_predicted_covariance_in_every_regime(h, w):
    Y = spread((1.0, 0.5, 0.2), 60)
    minimum, problem = RegressionMinimum(covariance(Y), h, w), regression.model(Y, [(h, w)])
    at = minimum.at(Y, 12)
    point = [at.H[None], at.W[None], at.b[None, None]]
    assert regression.whiteness(minimum, problem, point, 0) < 1e-13
    point[1] = 1.1 * point[1]
    assert regression.whiteness(minimum, problem, point, 0) > 0.05


@pytest.fixture
def few(monkeypatch):
    """Targets, with four pairs of penalties instead of all."""
    monkeypatch.setattr(regression, "LAMBDAS", (1e-1, 1e-2))
    return spread(regression.EIGENVALUES, regression.N, mean=0.3)


def answers(claims):
    return [claim.answer for claim in claims]


@pytest.mark.parametrize("bad", [0, 1])
def test_an_error_of_any_seed_counts(few, monkeypatch, bad):
    calls = iter(range(8))

    def off(*given):
        table = compared(*given)
        return table.assign(error=table["error"] + (0.5 if next(calls) // 4 == bad else 0))

    monkeypatch.setattr(regression, "compared", off)
    _, (row,), claims = regression.every_pair(few, 2)
    assert row.error == pytest.approx(0.5, abs=1e-6)
    assert f"seed {bad}" in row.which
    assert answers(claims) == ["holds", "does not hold", "holds", "holds"]


@pytest.mark.parametrize("off", [1e-3, -1e-3])
def test_a_predicted_loss_that_is_too_high_is_no_more_reached_than_one_too_low(few, monkeypatch, off):
    true = RegressionMinimum.loss.fget
    monkeypatch.setattr(RegressionMinimum, "loss", property(lambda self: true(self) + off))
    _, (row,), claims = regression.every_pair(few, 1)
    assert (row.near, row.starts) == (0, 4)
    assert row.reached - row.predicted == pytest.approx(-off)
    assert answers(claims) == ["does not hold", "holds", "holds", "holds"]
    monkeypatch.setattr(regression, "FOLLOWED", regression.FOLLOWED[:2])
    _, (rows, _) = regression.followed(few, 1, 30, False)
    assert [row.near for row in rows] == [0, 0]


@pytest.mark.parametrize("measure", ["deep.cka", "nrc.3_gamma_ratio"])
def test_a_measure_that_was_not_read_makes_its_claims_not_measurable(few, monkeypatch, measure):
    calls = iter(range(8))

    def blind(*given, **more):
        report = probed(*given, **more)
        if next(calls) == 2:
            report.table.loc[report.table["measure"] == measure, "value"] = math.nan
        return report

    monkeypatch.setattr(regression, "probed", blind)
    _, (row,), claims = regression.every_pair(few, 1)
    assert math.isnan(row.error)
    assert row.which.startswith(measure)
    gamma = "cannot be judged" if "gamma" in measure else "holds"
    assert answers(claims) == ["holds", "cannot be judged", "holds", gamma]


def test_a_loss_that_is_not_a_number_is_not_measurable(few, monkeypatch):
    evaluate = regression.Problem.evaluate

    def one_nan(self, point):
        losses, gradients = evaluate(self, point)
        return losses.masked_fill(torch.arange(len(losses)) == 1, math.nan) if len(losses) == 4 else losses, gradients

    monkeypatch.setattr(regression.Problem, "evaluate", one_nan)
    _, (row,), claims = regression.every_pair(few, 1)
    assert (row.near, row.starts) == (3, 4)
    assert math.isnan(row.reached)
    assert answers(claims)[0] == "cannot be judged"


def test_without_regularisation_a_measure_that_was_not_read_is_not_measurable(few, monkeypatch):
    monkeypatch.setattr(regression, "FOLLOWED", ((0.0, 0.0),))
    read = regression.watched
    monkeypatch.setattr(regression, "watched", lambda *given: read(*given) | {"nrc.2": math.nan})
    _, (_, claims) = regression.followed(few, 1, 30, False)
    assert answers(claims) == ["cannot be judged"]


def test_nrc3_is_read_at_the_known_gamma_too(few):
    records, _, _ = regression.every_pair(few, 1)
    found = [r for r in records if r["measure"] == "end of nrc.3_at_c, default"]
    assert len(found) == 4
    assert all(r["predicted"] == 0 and r["value"] < 1e-10 for r in found)

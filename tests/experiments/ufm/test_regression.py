import math

import pytest
import torch

from experiments.ufm import regression
from experiments.ufm.descent import descend, finish
from experiments.ufm.parts import END
from experiments.ufm.readings import compared, probed
from experiments.ufm.targets import covariance, spread
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
    assert regression.whiteness(problem, point, 0) < 1e-6
    values = probed(problem, point).values("nrc.3_gamma_ratio")["value"]
    assert float(values.iloc[0]) == pytest.approx(0.02 / 0.2, abs=1e-7)


def test_the_rank_falls_as_c_passes_each_eigenvalue():
    records, claim = regression.phases(size=4)
    assert claim.measured == 1
    assert {r["value"] for r in records} >= {0.0, 1.0, 3.0}


def test_a_short_study_has_every_value_and_claims_with_numbers():
    part = regression.study(1, steps=30)
    assert len(part.rows) == len(regression.FOLLOWED) + 1
    assert all(row.near == row.starts for row in part.rows)
    assert not any(math.isnan(claim.measured) for claim in part.claims)
    assert [claim.answer for claim in part.claims] == ["holds"] * 6
    ends = part.table[part.table["iteration"] == END]
    assert set(regression.WATCHED) < set(ends["measure"])
    assert len(part.summary()["rows"]) == len(part.rows)

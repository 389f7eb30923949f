import pytest
import torch

from deepnrc.errors import UsageError
from experiments.data.prescribed import spread
from experiments.studies.ufm.descent import descend, finish, milestones
from experiments.studies.ufm.problem import Problem, column


def problem():
    return Problem(spread((1.0, 0.4), 20), (4,), column(0.1 / 20, 0.3 / 20), (column(0.2, 0.1),))


def test_a_step_is_the_gradient_times_its_rate():
    start = problem().start(0)
    _, gradient = problem().evaluate(start)
    after = descend(problem(), start, 1, step=0.05, feature_step=1.0)
    assert torch.equal(after[0], start[0] - gradient[0])
    assert torch.allclose(after[1], start[1] - 0.05 * gradient[1], atol=1e-16)


def test_it_looks_where_it_is_asked_to():
    seen = []
    descend(problem(), problem().start(0), 5, at=(0, 2, 5), look=lambda i, point: seen.append(i))
    assert seen == [0, 2, 5]


def test_both_end_where_the_gradient_is_zero():
    slow = descend(problem(), problem().start(0), 4000, feature_step=2.0)
    fast = finish(problem(), problem().start(1))
    assert problem().evaluate(slow)[0].tolist() == pytest.approx(problem().evaluate(fast)[0].tolist(), abs=1e-14)
    assert max(float(g.abs().max()) for g in problem().evaluate(fast)[1]) < 1e-9


def test_divergence_is_said():
    with pytest.raises(UsageError, match=r"steps of 50 diverged\. Take smaller steps"):
        descend(problem(), problem().start(0), 50, step=50.0)


def test_milestones_are_even_on_a_log_axis():
    found = milestones(10_000, 9)
    assert found[:3] == [0, 1, 3]
    assert found[-1] == 10_000
    assert len(found) == 10

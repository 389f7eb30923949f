import pytest
import torch

from probes.ufm import conditions


@pytest.mark.parametrize("bad", [-1e-9, float("nan"), float("inf")])
def test_a_penalty_that_is_none_is_refused_by_name(bad):
    with pytest.raises(ValueError, match="lambda_h must be a finite number of at least 0; it is"):
        conditions.penalties(lambda_w=0.0, lambda_h=bad)


def test_no_penalty_is_refused_where_there_is_no_unique_minimum():
    with pytest.raises(ValueError, match=r"lambda_h and lambda_w must be above 0: .* no unique minimum"):
        conditions.positive(lambda_h=0.0, lambda_w=0.0)
    conditions.positive(lambda_h=1e-300)


def test_features_too_narrow_are_refused():
    with pytest.raises(ValueError, match=r"needs a width d >= 3 \(three targets\); d is 2"):
        conditions.width(2, 3, "three targets")
    conditions.width(3, 3, "three targets")


@pytest.mark.parametrize("bad", [torch.ones(2, 3), torch.ones(3), torch.full((2, 2), float("nan"))])
def test_what_is_no_covariance_is_refused(bad):
    with pytest.raises(ValueError, match=r"S_Y must be a covariance \(n, n\) of finite numbers; its shape is"):
        conditions.square(bad)


def test_an_asymmetric_covariance_is_refused():
    with pytest.raises(ValueError, match="S_Y must be symmetric"):
        conditions.square(torch.tensor([[1.0, 0.5], [0.4, 1.0]]))

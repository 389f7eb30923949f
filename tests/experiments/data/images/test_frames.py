import numpy as np
import torch

from experiments.data.images.frames import image_split, shrunk


def test_channels_are_scaled_by_the_training_part():
    images = np.random.default_rng(0).integers(0, 256, (40, 5, 6, 3), np.uint8)
    images[..., 2] = 7
    data = image_split(images, torch.randn(40, 2), share=0.75, seed=1)
    assert (data.x.shape, data.x_test.shape, data.x.dtype) == ((30, 3, 5, 6), (10, 3, 5, 6), torch.float32)
    torch.testing.assert_close(data.x.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(data.x.std((0, 2, 3), correction=0), torch.tensor([1.0, 1.0, 0.0]))
    torch.testing.assert_close(data.y.std(0, correction=0), torch.ones(2))
    assert (data.x_test[:, 2] == 0).all()


def test_images_stay_with_their_targets():
    images = np.zeros((20, 4, 4), np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None]
    data = image_split(images, torch.arange(20.0)[:, None], targets="none")
    assert data.x.shape == (16, 1, 4, 4)
    for x, y in ((data.x, data.y), (data.x_test, data.y_test)):
        assert x[:, 0, 0, 0].argsort().tolist() == y[:, 0].argsort().tolist()


def test_shrinking_takes_means_over_blocks():
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 2), np.uint8)
    small = shrunk(images, 2)
    assert (small.shape, small.dtype) == ((3, 2, 2, 2), np.uint8)
    assert small[1, 0, 1, 1] == round(images[1, :3, 3:, 1].mean())
    assert shrunk(images, 6) is images


def test_classes_stay_as_they_are():
    data = image_split(np.zeros((10, 4, 4), np.uint8), torch.arange(10))
    assert data.y.dtype == torch.int64
    assert sorted([*data.y.tolist(), *data.y_test.tolist()]) == list(range(10))

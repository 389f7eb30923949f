import numpy as np
import torch
from PIL import Image

from experiments.data.images import folders
from experiments.data.images.folders import OwnImages


def test_faces_are_read_with_their_ages(tmp_path):
    draw = np.random.default_rng(0)
    for i, age in enumerate((5, 30, 31, 70, 20)):
        picture = Image.fromarray(draw.integers(0, 256, (20, 20, 3), np.uint8))
        picture.save(tmp_path / f"{age}_0_1_2017010912345678{i}.jpg")
    data = OwnImages(f"utkface:{tmp_path}", size=16).load(0)
    assert (data.x.shape, data.x_test.shape, data.y.shape) == ((4, 3, 16, 16), (1, 3, 16, 16), (4, 1))
    torch.testing.assert_close(data.y.std(0, correction=0), torch.ones(1))


def test_classes_stay_as_they_are(monkeypatch):
    batch = (torch.randn(10, 1, 4, 4), torch.arange(10) % 3)
    monkeypatch.setattr(folders, "load_data", lambda spec, targets, image_size: [batch, batch])
    data = OwnImages("mnist:somewhere").load(0)
    assert data.x.shape == (16, 1, 4, 4)
    assert data.y.shape == (16,)
    assert not data.y.is_floating_point()

import numpy as np
import pytest
import torch
from PIL import Image

from deepnrc.data.sources.images.pixels import Pixels


@pytest.mark.parametrize("channels", [1, 3])
def test_a_timm_network_gets_its_own_preparation(channels: int) -> None:
    timm = pytest.importorskip("timm")
    model = timm.create_model("test_resnet")
    frames = np.random.default_rng(0).integers(0, 256, (2, 50, 60, channels), dtype=np.uint8)
    x, y = Pixels(frames, torch.ones(2, 1), None, torch.float64, model)[1]
    prepare = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    picture = Image.fromarray(frames[1].squeeze()).convert("RGB")
    assert torch.equal(x, prepare(picture).double())
    assert y.tolist() == [1]
    assert Pixels(frames, torch.ones(2, 1), 96, torch.float32, model)[0][0].shape == (3, 96, 96)


def test_values_are_in_0_to_1_whatever_the_dtype() -> None:
    frames = np.array([0, 255], dtype=np.uint8).reshape(1, 1, 2, 1)
    for dtype in (torch.float32, torch.float64):
        x = Pixels(frames, torch.ones(1), None, dtype, None)[0][0]
        assert (x.dtype, x.tolist()) == (dtype, [[[0, 1]]])

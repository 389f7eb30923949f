"""Pieces of photographs that ship with scikit-learn and scikit-image; how they were cut gives the targets."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images
from torch import Tensor, nn

from deepnrc.errors import UsageError, require

FACE = 48  # side of what ONet reads
MOVE = 0.15  # largest distance by which an edge is moved, as a share of the face
# Where a face's own edges lie in LFW's crops: on average over the 100, where ONet sees them when nothing is moved.
# A convention of what belongs to a face, the same for all; it moves the targets' mean and nothing else.
EDGES = (0.045, -0.05, -0.17, -0.03)
IMAGENET_TF = (127.5, 127.5)  # mean and spread of pixel values for weights that come from TensorFlow


def photographs() -> dict[str, NDArray[np.uint8]]:
    """Six photographs (H, W, 3): a palace, a flower, a cat, a cup of coffee, a rocket, a man with a camera."""
    shipped = _images()
    found = dict(zip(("china", "flower"), load_sample_images().images, strict=True))
    found |= {name: getattr(shipped, name)() for name in ("chelsea", "coffee", "rocket", "camera")}
    return {name: _three_channels(image) for name, image in found.items()}


def patches(samples: int, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Square patches (N, 3, size, size) cut at random places and scales, and which photograph (N, 6) each is from.

    A patch is at least half as high as its photograph; photographs take turns.
    """
    if samples < 2 or size < 32:
        raise UsageError(f"Take at least 2 patches ({samples}) of at least 32 pixels ({size}).")
    sources = list(photographs().values())
    draw = np.random.default_rng(seed)
    x = torch.empty(samples, 3, size, size)
    for i in range(samples):
        image = sources[i % len(sources)]
        height, width = image.shape[:2]
        side = int(draw.uniform(0.5, 1) * min(height, width))
        top, left = draw.integers(height - side + 1), draw.integers(width - side + 1)
        patch = torch.from_numpy(image[top : top + side, left : left + side].copy()).movedim(-1, 0).float()
        x[i] = nn.functional.interpolate(patch[None], (size, size), mode="bicubic", antialias=True).clamp(0, 255)[0]
    mean, spread = IMAGENET_TF
    y = nn.functional.one_hot(torch.arange(samples) % len(sources), len(sources)).float()
    return (x - mean) / spread, y


def enlarged(images: NDArray[np.uint8], size: int) -> Tensor:
    """Grey images (N, H, W), 0 to 255, as inputs (N, 3, size, size) of a network with weights from TensorFlow."""
    if size < 32:
        raise UsageError(f"Images must have at least 32 pixels a side, not {size}.")
    x = nn.functional.interpolate(torch.from_numpy(images)[:, None].float(), (size, size), mode="bicubic")
    mean, spread = IMAGENET_TF
    return ((x.clamp(0, 255) - mean) / spread).expand(-1, 3, -1, -1)


def moved_faces(samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Faces (N, 3, 48, 48) of LFW, cut with each edge moved, and where the face's edges lie in the crop (N, 4).

    Left, top, right and bottom are given as shares of the crop's sides, from its own edges: positive to the right and
    downwards. What lies outside a photograph is its mirror image.
    """
    if samples < 2:
        raise UsageError(f"Take at least 2 faces, not {samples}.")
    faces = torch.from_numpy(np.asarray(_images().lfw_subset()[:100])).float()[:, None]
    draw = torch.Generator().manual_seed(seed)
    left, top, right, bottom = ((2 * torch.rand(4, samples, 1, generator=draw) - 1) * MOVE).unbind(0)
    places = (torch.arange(FACE) + 0.5) / FACE
    columns, rows = (2 * (low + (1 + high - low) * places) - 1 for low, high in ((left, right), (top, bottom)))
    grid = torch.stack([columns[:, None].expand(-1, FACE, -1), rows[:, :, None].expand(-1, -1, FACE)], -1)
    source = faces[torch.arange(samples) % len(faces)]
    crops = nn.functional.grid_sample(
        source, grid, mode="bicubic", padding_mode="reflection", align_corners=False
    ).clamp(0, 1)
    width, height = 1 + right - left, 1 + bottom - top
    ends = zip(EDGES, (left, top, right, bottom), (width, height, width, height), strict=True)
    y = torch.cat([(edge - moved) / side for edge, moved, side in ends], 1)
    return (2 * crops - 1).expand(-1, 3, -1, -1).contiguous(), y


def _images() -> ModuleType:
    return require("skimage.data", "It ships the photographs; install it with: pip install scikit-image.")


def _three_channels(image: Any) -> NDArray[np.uint8]:
    return np.repeat(image[..., None], 3, axis=-1) if image.ndim == 2 else image

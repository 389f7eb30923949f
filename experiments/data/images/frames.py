"""Images in eight bits as the training and held-out samples of a study."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from experiments.data.splitting import Split, split


def image_split(
    images: NDArray[np.uint8], y: Tensor, *, targets: str = "standardise", share: float = 0.8, seed: int = 0
) -> Split:
    """Split at random; each channel of x (N, C, H, W) gets mean 0 and variance 1 over the training part.

    Args:
        images: (N, H, W, C) or (N, H, W), 0 to 255.
        y: targets (N, n), scaled as ``targets`` says, or classes (N,), which stay as they are.
        targets: "none", "centre", "standardise" or "positive".
        share: of the samples that go into training.
        seed: of the split.
    """
    x = torch.from_numpy(images)
    x = x[:, None] if x.ndim == 3 else x.movedim(-1, 1)
    parts = split(x, y, share=share, inputs="none", targets=targets if y.ndim == 2 else "none", seed=seed)
    mean, spread = _per_channel(parts.x)
    return Split(_scaled(parts.x, mean, spread), parts.y, _scaled(parts.x_test, mean, spread), parts.y_test)


def shrunk(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Square images (N, S, S, C) at ``size`` pixels a side, a divisor of S: means over blocks, rounded."""
    N, side, _, C = images.shape
    if size == side:
        return images
    blocks = images.reshape(N, size, side // size, size, side // size, C)
    return blocks.mean((2, 4)).round().astype(np.uint8)


def _per_channel(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel (1, C, 1, 1), exactly, from how often each of 256 values occurs."""
    levels = torch.arange(256, dtype=torch.float64)
    counts = torch.stack([torch.bincount(channel.flatten().int(), minlength=256) for channel in x.unbind(1)]).double()
    share = counts / counts.sum(1, keepdim=True)
    mean = share @ levels
    spread = ((share * (levels - mean[:, None]) ** 2).sum(1)).sqrt()
    spread = torch.where(spread > 0, spread, 1.0)  # a channel of one value carries nothing and stays 0
    return mean.float().view(1, -1, 1, 1), spread.float().view(1, -1, 1, 1)


def _scaled(x: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    return x.float().sub_(mean).div_(spread).contiguous()

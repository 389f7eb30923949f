"""Pictures held as arrays of pixels, each prepared when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset

from deepnrc.data.sources.images.images import preparation

CHANNELS = (1, 3)


class Frames(Protocol):
    """One picture (h, w, c) of bytes at a time, with c = 1 or 3."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> NDArray[Any]: ...


class Pixels(Dataset[tuple[Tensor, Tensor]]):
    """Pictures (c, h, w) beside targets (n,) or a class ().

    Without a network that says how timm prepares its images they are values in [0, 1] in the size in which they come,
    or squeezed to (image_size, image_size). ``groups`` (N,) are the recordings that they come from, where these are
    several.
    """

    groups: Tensor | None = None

    def __init__(
        self, frames: Frames, targets: Tensor, image_size: int | None, dtype: torch.dtype, model: nn.Module | None
    ) -> None:
        self.frames, self.targets = frames, targets
        self.prepare = _preparation(image_size, dtype, model)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.prepare(self.frames[index]), self.targets[index]


def _preparation(
    image_size: int | None, dtype: torch.dtype, model: nn.Module | None
) -> Callable[[NDArray[Any]], Tensor]:
    if getattr(model, "pretrained_cfg", None):
        transform, mode = preparation(image_size, model)
        return lambda pixels: transform(_picture(pixels).convert(mode)).to(dtype)
    if image_size is None:
        return lambda pixels: _values(pixels, dtype)
    side = (image_size, image_size)
    return lambda pixels: _values(
        np.asarray(_picture(pixels).resize(side, Image.Resampling.BILINEAR)).reshape(*side, -1), dtype
    )


def _picture(pixels: NDArray[Any]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))


def _values(pixels: NDArray[Any], dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(np.array(pixels).transpose(2, 0, 1)).to(dtype) / 255

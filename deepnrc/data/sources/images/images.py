"""Folders of images with a csv of targets, decoded one at a time as they are needed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from deepnrc.data.sources.arrays import labels
from deepnrc.data.sources.frames import read_frame
from deepnrc.data.sources.images.decoding import decoded, say
from deepnrc.data.sources.numerals import Writing
from deepnrc.data.sources.tables import USUAL, target_values, written_resolution
from deepnrc.errors import DataError, UsageError, require
from deepnrc.wording import Remedy, listing, shown

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
MODES = {1: "L", 3: "RGB"}
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


class LabelledImages(Dataset[tuple[Tensor, Tensor]]):
    """Images (c, s, s) beside targets (n,) or a class (); each is decoded when it is asked for.

    ``target_resolution`` (n,) says how finely the targets are written, as in ``Samples``.
    Errors: DataError with the file's name when an image cannot be decoded.
    """

    target_resolution: Tensor | None = None

    def __init__(self, paths: Sequence[Path], targets: Tensor, prepare: Callable[[Any], Tensor], mode: str) -> None:
        self.paths, self.targets, self.prepare, self.mode = list(paths), targets, prepare, mode
        self.said: set[str] = set()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        pixels, told = decoded(self.paths[index], self.mode)
        for kind in told.keys() - self.said:
            self.said.add(kind)
            say(told[kind])
        return self.prepare(pixels), self.targets[index]


def read_images(
    folder: Path,
    targets: Sequence[str] | None,
    image_size: int | None,
    dtype: torch.dtype,
    model: nn.Module | None,
    writing: Writing = USUAL,
) -> LabelledImages:
    """The images in `folder` that the csv `targets` names in its first column, with its other columns as targets.

    Images are prepared as timm prepares them for `model` if that has a `pretrained_cfg`, and otherwise resized to
    (image_size, image_size), 224 by default, and normalised as for ImageNet. Warns of images without a row and rows
    without an image, which are left out.
    Errors: UsageError if no csv is named; DataError if it cannot be read, leaves the folder, or no row has an image.
    """
    if not targets or (not isinstance(targets, str) and len(targets) != 1):
        raise UsageError(
            f"'{folder}' is a folder: name one csv file with its images' targets: ",
            Remedy("targets", "LABELS.csv"),
            ".",
        )
    table = Path(targets if isinstance(targets, str) else targets[0])
    frame = read_frame(table, text_first=True, writing=writing)
    if frame.shape[1] < 2:
        raise DataError(f"'{table}' has one column only. The first names the image files; add targets as the others.")
    names = [str(name) for name in frame.iloc[:, 0]]
    _check_names([str(frame.columns[0]), *names], folder, table)
    there = [(folder / name).is_file() for name in names]
    _report(folder, table, names, there)
    kept = frame.loc[there]
    values = labels(target_values(kept.iloc[:, 1:], table), str(table))
    transform, mode = preparation(image_size, model)
    images = LabelledImages(
        [folder / name for name in kept.iloc[:, 0]], values, lambda pixels: transform(pixels).to(dtype), mode
    )
    if values.ndim == 2:
        images.target_resolution = written_resolution(kept.iloc[:, 1:], table, writing=writing)
    return images


def _check_names(names: list[str], folder: Path, table: Path) -> None:
    header = names[0]
    if (folder / header).is_file():
        raise DataError(f"The first line of '{table}' names the image {header!r}. Give the table a header line.")
    for name in names[1:]:
        windows = PureWindowsPath(name)
        if PurePosixPath(name).is_absolute() or windows.drive or windows.root or ".." in windows.parts:
            raise DataError(
                f"'{table}' names {name!r}, which leads out of '{folder}'. Give names relative to the folder."
            )


def _report(folder: Path, table: Path, names: list[str], there: list[bool]) -> None:
    images = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix.lower() in ENDINGS}
    unnamed = images.difference(PurePosixPath(name).as_posix() for name in names)
    absent = [name for name, found in zip(names, there, strict=True) if not found]
    if not any(there):
        raise DataError(
            f"None of the {len(names)} files that '{table}' names is in '{folder}'. It names {listing(names, 3)}; the "
            f"folder holds {listing(sorted(images), 3)}."
        )
    if absent:
        warnings.warn(
            f"{len(absent)} of {len(names)} rows of '{shown(str(table))}' name no file and are left out: "
            f"{listing(absent, 3)}.",
            stacklevel=4,
        )
    if unnamed:
        warnings.warn(
            shown(f"{len(unnamed)} of {len(images)} images in '{folder}' have no row in '{table}' and are left out: ")
            + f"{listing(sorted(unnamed), 3)}.",
            stacklevel=4,
        )


def preparation(image_size: int | None, model: nn.Module | None) -> tuple[Callable[[Any], Tensor], str]:
    """The transform for evaluation, and the PIL mode of the images it takes."""
    transforms = require("torchvision.transforms", "Install it with: pip install torchvision.")
    if not getattr(model, "pretrained_cfg", None):
        side = image_size or 224
        steps = [transforms.Resize((side, side)), transforms.ToTensor(), transforms.Normalize(**IMAGENET)]
        return transforms.Compose(steps), "RGB"
    timm_data = require("timm.data", "Install it with: pip install timm.")
    config = timm_data.resolve_model_data_config(model)
    channels = config["input_size"][0]
    if channels not in MODES:
        raise UsageError(f"The network takes images of {channels} channels; only 1 (grey) and 3 (RGB) can be read.")
    if image_size is not None:
        config["input_size"] = (channels, image_size, image_size)
    return timm_data.create_transform(**config, is_training=False), MODES[channels]

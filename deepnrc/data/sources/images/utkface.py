"""Faces whose file names tell the age, as in UTKFace."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from deepnrc.data.progress import progress_bar
from deepnrc.data.sources.arrays import labels
from deepnrc.data.sources.columns import parts
from deepnrc.data.sources.images.images import ENDINGS, LabelledImages, preparation
from deepnrc.errors import DataError, UsageError
from deepnrc.wording import listing

NAME = re.compile(r"(?P<age>\d{1,3})_[01]_[0-4]_\d+(\.jpg)?(\.chip)?\.\w+")  # age_gender_race_date


def read_faces(
    folder: Path,
    targets: Sequence[str] | str | None,
    image_size: int | None,
    dtype: torch.dtype,
    model: nn.Module | None,
) -> LabelledImages:
    """The images below `folder` that are called age_gender_race_date.jpg or .jpg.chip.jpg, with the age as target (1,).

    Prepared as a folder of images is. Files of another name, and those that cannot be decoded, are left out with a
    warning; every file is decoded once for that, at an eighth of its size.
    Errors: UsageError for a target other than age; DataError if the folder has no readable face.
    """
    if targets and parts(targets) != ["age"]:
        raise UsageError(f"The one target of '{folder}' is age, but {listing(parts(targets))} was given.")
    if not folder.is_dir():
        raise DataError(f"There is no folder '{folder}' (looked from {Path.cwd()}). Check the path.")
    images = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    named = {path: match for path in images if (match := NAME.fullmatch(path.name))}
    misnamed = [path for path in images if path not in named]
    checked = progress_bar(named, desc="checking faces", unit="face")
    readable = [path for path in checked if _is_readable(path)]
    unreadable = sorted(named.keys() - set(readable))
    if not readable:
        raise DataError(
            f"None of the {len(images)} images in '{folder}' is a face that can be read: {len(misnamed)} are not "
            f"called age_gender_race_date.jpg, {len(unreadable)} cannot be decoded."
        )
    for wrong, why in ((misnamed, "are not called age_gender_race_date.jpg"), (unreadable, "cannot be decoded")):
        if wrong:
            shown = listing([path.relative_to(folder).as_posix() for path in wrong], 3)
            warnings.warn(f"{len(wrong)} of {len(images)} images {why} and are left out: {shown}.", stacklevel=3)
    ages = np.array([[float(named[path]["age"])] for path in readable])
    transform, mode = preparation(image_size, model)
    return LabelledImages(readable, labels(ages, str(folder)), lambda pixels: transform(pixels).to(dtype), mode)


def _is_readable(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.draft(None, (1, 1))  # a JPEG then skips most of the work, and still shows where it is cut short
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return True

"""One image file in the mode that a network takes, its range kept and its orientation applied."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from deepnrc.errors import DataError
from deepnrc.wording import shown

SIXTEEN_BITS = {"I;16", "I;16L", "I;16B", "I;16N"}
SEE_THROUGH = {"RGBA", "RGBa", "LA", "La", "PA"}
OF_SIXTEEN_BITS = {"PNG", "PPM"}  # what they hold in PIL's mode of 32 bits has 16
ORIENTATION = 0x0112
SHORT = 14  # bits


def decoded(path: Path, mode: str) -> tuple[Any, dict[str, str]]:
    """The image in PIL's ``mode``, and what is to be said of it, by its kind.

    16 bits a pixel are brought to 8 over their whole range, which is said where no more than 14 of them are used; an
    EXIF orientation is applied, and said.
    Errors: DataError if it cannot be decoded, is see-through, holds several frames, or values whose range is not known.
    """
    try:
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1)
            turned = image.getexif().get(ORIENTATION, 1) not in (0, 1)
            _refuse(path, image.mode, image.format, frames)
            told = {"turned": _turned(path)} if turned else {}
            if image.mode in SIXTEEN_BITS or image.mode == "I":
                highest = int(np.asarray(image).max())
                told |= {"short": _short(path, highest)} if highest.bit_length() <= SHORT else {}
            return _converted(path, ImageOps.exif_transpose(image) if turned else image, mode), told
    except DataError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise DataError(f"The image '{path}' cannot be decoded ({error}). Repair it, or drop its row.") from error


def _refuse(path: Path, mode: str, format: str | None, frames: int) -> None:
    if frames > 1:
        raise DataError(f"The image '{path}' holds {frames} frames. Save the one that is meant.")
    if mode == "F" or (mode == "I" and format not in OF_SIXTEEN_BITS):
        kind = "floating-point numbers" if mode == "F" else "whole numbers of 32 bits"
        raise DataError(
            f"The image '{path}' holds {kind}, whose range is not known. Save it with 8 or 16 bits, or all images as "
            "an array: images.npy, beside targets.npy."
        )


def _converted(path: Path, image: Any, mode: str) -> Any:
    if image.mode in SIXTEEN_BITS or image.mode == "I":  # PIL would clip at 255
        values = np.asarray(image).astype(np.float64)
        return Image.fromarray(np.round(values / 257).clip(0, 255).astype(np.uint8)).convert(mode)
    if image.mode in SEE_THROUGH or "transparency" in image.info:
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
        if alpha.min() < 255:
            raise DataError(
                f"The image '{path}' is see-through in {100 * float((alpha < 255).mean()):.3g} % of its pixels, whose "
                "colour depends on what is behind them. Flatten it onto a background."
            )
        image = image.convert("RGBA")
    return image.convert(mode)


def _turned(path: Path) -> str:
    return f"The image '{path}' is turned as its EXIF orientation says, and so are others that have one."


def _short(path: Path, highest: int) -> str:
    return (
        f"The image '{path}' has 16 bits a pixel and values up to {highest}, which take {highest.bit_length()}; it is "
        "read over the whole range, 0 to 65535, and so are others like it. If its values have fewer bits, as many "
        "cameras' do, multiply them by a power of 2 that fills the range and save them again."
    )


def say(sentence: str) -> None:
    """Warn of what is done to an image."""
    warnings.warn(shown(sentence), stacklevel=3)

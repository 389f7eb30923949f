"""Driving recordings of CARLA's CoRL-2017 data set: HDF5 files of 200 camera frames with what the driver did."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepnrc.data.sources.arrays import labels
from deepnrc.data.sources.columns import numbered
from deepnrc.data.sources.images.pixels import CHANNELS, Pixels
from deepnrc.data.sources.recordings.hdf5 import arrays, opened, reading, recordings_in
from deepnrc.errors import DataError, UsageError
from deepnrc.wording import Remedy, listing, shown

WIDTH = 28
NAMES = {"steer": 0, "gas": 1, "brake": 2, "speed": 10}


def layout(width: int) -> Mapping[str, int]:
    """The names of columns in targets of that width: CARLA's if there are 28, else none."""
    return NAMES if width == WIDTH else {}


class Recordings:
    """The frames (h, w, 3) of several files, read one at a time; only the file read last is kept open.

    Errors: DataError with the file's name when a frame cannot be read.
    """

    def __init__(self, paths: Sequence[Path], counts: Sequence[int]) -> None:
        self.paths, self.ends = list(paths), np.array(list(accumulate(counts)))
        self._number = -1
        self._file: Any = None

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, index: int) -> NDArray[Any]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = int(np.searchsorted(self.ends, index, side="right"))
        first = int(self.ends[number - 1]) if number else 0
        try:
            frame: NDArray[Any] = self._opened(number)["rgb"][index - first]
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"Frame {index - first} of '{self.paths[number]}' cannot be read ({error}). Repair or remove the file."
            ) from error
        return frame

    def _opened(self, number: int) -> Any:
        if number != self._number:
            if self._file is not None:
                self._file.close()
            self._number, self._file = number, opened(self.paths[number])
        return self._file

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_number": -1, "_file": None}  # an open file cannot go to another process


def read_carla(
    path: Path,
    targets: Sequence[str] | str | None,
    image_size: int | None,
    dtype: torch.dtype,
    model: nn.Module | None,
) -> Pixels:
    """The frames of one file, or of all HDF5 files in a folder by name, with the chosen columns as targets (N, n).

    `targets` are column numbers, or the names steer, gas, brake and speed. Pictures are prepared as in ``Pixels``; its
    ``groups`` are the files. Files that cannot be read, and those whose frames differ from the first one's, are left
    out with a warning.
    Errors: UsageError if no columns are named, or unknown ones; DataError if no file can be read.
    """
    if not targets:
        raise UsageError(
            f"Name the targets of '{path}': ",
            Remedy("targets", "steer,speed"),
            " (or gas, brake, or column numbers).",
        )
    paths = recordings_in(path) if path.is_dir() else [path]
    read, measured, unreadable, shape = [], [], [], None
    for file in paths:
        try:
            found, values = _contents(file, shape)
        except DataError as error:
            unreadable.append(str(error))
            continue
        shape = found
        read.append(file)
        measured.append(values)
    if not read:
        raise DataError(f"None of the {len(paths)} recordings at '{path}' can be read. {' '.join(unreadable[:1])}")
    if unreadable:
        warnings.warn(
            shown(
                f"{len(unreadable)} of {len(paths)} recordings in '{path}' cannot be read and are left out: "
                f"{' '.join(unreadable[:3])}"
            ),
            stacklevel=3,
        )
    y = np.concatenate(measured)
    chosen = y[:, numbered(targets, y.shape[1], str(path), layout(y.shape[1]))]
    frames = Recordings(read, [len(values) for values in measured])
    pixels = Pixels(frames, labels(chosen, str(path)), image_size, dtype, model)
    pixels.groups = torch.repeat_interleave(torch.tensor([len(values) for values in measured]))
    return pixels


def _contents(path: Path, expected: tuple[Any, ...] | None) -> tuple[tuple[Any, ...], NDArray[Any]]:
    """The shape of a file's frames with the number of its columns, and its targets (N, n).

    Errors: DataError if it cannot be read, or is not as `expected`.
    """
    with reading(path), opened(path) as file:
        arrays(file, path)  # which refuses what leads to other files
        if not {"rgb", "targets"} <= set(file):
            raise DataError(f"'{path}' holds {listing(list(file))}, not rgb and targets.")
        rgb, kept = file["rgb"], file["targets"]
        seen: tuple[Any, ...] = getattr(rgb, "shape", ())
        kinds: tuple[Any, ...] = getattr(kept, "shape", ())
        if len(seen) != 4 or len(kinds) != 2 or seen[3] not in CHANNELS or rgb.dtype != np.uint8:
            raise DataError(
                f"'{path}' holds rgb {seen} and targets {kinds}; bytes (N, h, w, 3) and numbers (N, n) are needed."
            )
        if len(rgb) != len(kept):
            raise DataError(f"'{path}' holds {len(rgb)} frames and {len(kept)} rows of targets.")
        found = (*seen[1:], kinds[1])
        if expected is not None and found != expected:
            raise DataError(f"'{path}' has frames and columns {found}, and the files before it {expected}.")
        try:
            return found, kept[()]
        except (OSError, RuntimeError) as error:
            raise DataError(f"The targets of '{path}' are damaged ({error}).") from error

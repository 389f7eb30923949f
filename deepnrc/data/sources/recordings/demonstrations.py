"""Recorded behaviour in HDF5 files: D4RL's, robomimic's, ALOHA's, and what is laid out as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from deepnrc.data.sources.arrays import paired
from deepnrc.data.sources.recordings.hdf5 import (
    ACTIONS,
    OBSERVATIONS,
    arrays,
    episodes,
    holds_frames,
    opened,
    reading,
    recordings_in,
)
from deepnrc.data.sources.recordings.keys import FLATTEN, chosen, side_by_side
from deepnrc.errors import DataError
from deepnrc.wording import Remedy

FILES = (b"\xff\xd8\xff", b"\x89PNG")
Keys = Sequence[str] | str | None
Episode = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def read_demonstrations(
    path: Path, dtype: torch.dtype, observations: Keys = None, actions: Keys = None
) -> Dataset[tuple[Tensor, ...]]:
    """Observations (N, d) and the actions (N, n) taken on them, in the order of the file, or of a folder's files.

    They stand at the top of the file, as D4RL's and ALOHA's do, or in groups of one episode each, as in robomimic's
    data/demo_*; an observation after a group's last action is left out. Where observations are a group of arrays,
    `observations` chooses among them, and several are put side by side; with `actions` it also finds arrays that go by
    other names. Whole-number actions (N,) are classes. The
    samples' ``groups`` are their episodes, which D4RL's terminals and timeouts end. Rewards are not read.
    Errors: UsageError if h5py is not installed, or the choice is open; DataError if the file cannot be read, holds
    something else, or leads to another file.
    """
    files = sorted(recordings_in(path), key=_numbered) if path.is_dir() else [path]
    recorded = [episode for file in files for episode in _read(file, observations, actions)]
    shapes = {(x.shape[1:], y.shape[1:]) for x, y, _ in recorded}
    if len(shapes) > 1:
        raise DataError(f"The episodes of '{path}' differ in their shapes: {', '.join(map(str, sorted(shapes)))}.")
    ends = np.cumsum([0, *(groups[-1] + 1 if len(groups) else 0 for _, _, groups in recorded)])
    groups = np.concatenate([groups + end for (_, _, groups), end in zip(recorded, ends, strict=False)])
    x, y = (np.concatenate([episode[part] for episode in recorded]) for part in (0, 1))
    return paired(x, y, dtype, str(path), groups=torch.from_numpy(groups))


def _numbered(file: Path) -> list[str]:
    """A name that sorts episode_2 before episode_10."""
    return [part.rjust(20, "0") if part.isdigit() else part for part in re.split(r"(\d+)", file.name)]


def _read(path: Path, observations: Keys, actions: Keys) -> list[Episode]:
    """Observations, actions and number of the episode, for each episode of a file."""
    keys = (observations, actions)
    if holds_frames(path, keys):
        raise DataError(f"'{path}' holds rgb and targets, a CARLA recording, not observations and actions.")
    with reading(path), opened(path) as file:
        return [_episode(group, path, observations, actions) for group in episodes(file, path, keys)]


def _episode(group: Any, path: Path, observations: Keys, actions: Keys) -> Episode:
    held = arrays(group, path)
    x = _part(held, OBSERVATIONS, observations, "observations", path)
    y = _part(held, ACTIONS, actions, "actions", path)
    if x.ndim != 2 or y.ndim not in (1, 2):
        what, shape = ("observations", x.shape) if x.ndim != 2 else ("actions", y.shape)
        raise DataError(f"The {what} in '{path}' are an array {shape}, not one vector for each step. {FLATTEN}")
    if group.name != "/" and len(x) == len(y) + 1:
        x = x[:-1]
    if len(x) != len(y):
        raise DataError(f"'{path}' holds x {x.shape} and y {y.shape}; there must be as many targets as inputs.")
    return x, y, _ended(held, len(y))


def _part(held: dict[str, Any], usual: Sequence[str], names: Keys, what: Any, path: Path) -> NDArray[Any]:
    """One part of an episode: the array of the usual name, or those in the group of that name, chosen by names."""
    whole = {name: held[name] for name in usual if name in held}
    within = {name.partition("/")[2]: held[name] for name in held if name.partition("/")[0] in usual and "/" in name}
    among = whole | within
    picked = chosen(held | among if names else among, names, what, str(path))
    found = [(among[name] if name in among else held[name])[()] for name in picked]
    if any(array.dtype.kind not in "fiub" for array in found):
        raise DataError(f"The {what} {', '.join(picked)} in '{path}' are not numbers.")
    encoded = [name for name, array in zip(picked, found, strict=True) if _is_encoded(name, array)]
    if encoded:
        raise DataError(
            f"The {what} {', '.join(encoded)} in '{path}' are encoded images, bytes that a decoder is to read. "
            "Decode them first, or choose others with ",
            Remedy(what),
            ".",
        )
    return side_by_side(found, picked, str(path))


def _is_encoded(name: str, array: NDArray[Any]) -> bool:
    """Whether rows of bytes are JPEG or PNG files, or stand where images do."""
    if array.dtype != np.uint8 or array.ndim != 2 or not len(array):
        return False
    return "images" in name.split("/")[:-1] or array[0, :4].tobytes().startswith(FILES)


def _ended(held: Mapping[str, Any], count: int) -> NDArray[Any]:
    """The number of each step's episode, one more after each step that ends one."""
    marks = [held[name][()] for name in ("terminals", "timeouts") if name in held and held[name].shape == (count,)]
    ends = np.any([mark.astype(bool) for mark in marks], axis=0) if marks else np.zeros(count, bool)
    return np.cumsum(ends) - ends

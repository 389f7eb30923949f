"""Recorded behaviour in HDF5 files, as D4RL keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import TensorDataset

from deepnrc.data.sources.arrays import paired
from deepnrc.data.sources.recordings.hdf5 import episodes, holds_frames, opened
from deepnrc.errors import DataError


def read_d4rl(path: Path, dtype: torch.dtype) -> TensorDataset:
    """Observations (N, d) and the actions (N, n) taken on them, in the order of the file.

    They stand at the top of the file, or in groups of one episode each; an observation after a group's last action is
    left out. Rewards and ends of episodes are not read. Whole-number actions (N,) are classes.
    Errors: UsageError if h5py is not installed; DataError if the file cannot be read, or holds something else.
    """
    if holds_frames(path):
        raise DataError(f"'{path}' holds rgb and targets, a CARLA recording, not observations and actions.")
    try:
        with opened(path) as file:
            recorded = [_pair(group, path) for group in episodes(file)]
            x, y = (np.concatenate(parts) for parts in zip(*recorded, strict=True))
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"'{path}' is damaged ({error}). Copy or download it again.") from error
    return paired(x, y, dtype, str(path))


def _pair(group: Any, path: Path) -> tuple[np.ndarray, np.ndarray]:
    for key, ranks in (("observations", (2,)), ("actions", (1, 2))):
        shape = getattr(group[key], "shape", None)
        if shape is None or len(shape) not in ranks:
            what = "a group" if shape is None else f"an array {shape}"
            raise DataError(
                f"'{group[key].name}' in '{path}' is {what}, not one vector for each step. "
                "Flatten them in a factory of your own: path/to/file.py:factory."
            )
    x, y = group["observations"][()], group["actions"][()]
    last_seen = group.name != "/" and len(x) == len(y) + 1
    return x[:-1] if last_seen else x, y

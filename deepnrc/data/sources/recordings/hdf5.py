"""HDF5 files: opening one, and telling by its keys what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepnrc.errors import DataError
from deepnrc.optional import require
from deepnrc.wording import listing

ENDINGS = {".hdf5", ".h5"}
REMEDY = "Install it with: pip install h5py."


def opened(path: Path) -> Any:
    """The file, open for reading.

    Errors: UsageError if h5py is not installed; DataError if the file is not there, damaged or cut short.
    """
    h5py = require("h5py", REMEDY)
    if not path.is_file():
        raise DataError(f"There is no file '{path}' (looked from {Path.cwd()}). Check the path.")
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise DataError(f"'{path}' is no HDF5 file, or is cut short ({error}). Copy or download it again.") from error


def holds_frames(path: Path) -> bool:
    """Whether a file holds a CARLA recording (rgb, targets) rather than episodes (observations, actions).

    Errors: as for ``opened``; DataError naming the keys that it holds if it is neither.
    """
    with opened(path) as file:
        keys = list(file)
        if {"rgb", "targets"} <= set(keys):
            return True
        if any(_is_episode(part) for part in (file, *file.values())):
            return False
    raise DataError(
        f"'{path}' holds {listing(keys)}. What can be read has observations and actions (as D4RL's files, or for each "
        "of several groups), or rgb and targets (as CARLA's)."
    )


def _is_episode(group: Any) -> bool:
    return hasattr(group, "keys") and {"observations", "actions"} <= set(group)


def episodes(file: Any) -> list[Any]:
    """The file itself if it has observations and actions, else its groups that do, episode_2 before episode_10."""
    if _is_episode(file):
        return [file]
    groups = [group for group in file.values() if _is_episode(group)]
    return sorted(groups, key=lambda group: (len(group.name), group.name))

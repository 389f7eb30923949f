"""HDF5 files: opening one, telling by its keys what it holds, and what of it is read: nothing outside of the file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from deepnrc.data.sources.columns import parts
from deepnrc.errors import DataError, DeepNRCError, require
from deepnrc.wording import Remedy, listing

Names = Sequence[str] | str | None
Keys = tuple[Names, Names]

ENDINGS = {".hdf5", ".h5"}
REMEDY = "Install it with: pip install h5py."
OBSERVATIONS = ("observations", "obs")
ACTIONS = ("actions", "action")
DEEPEST = 8
LARGE = 2**28
RATIO = 50


def opened(path: Path) -> Any:
    """The file, open for reading.

    Errors: UsageError if h5py is not installed; DataError if the file is not there, damaged or cut short.
    """
    h5py = require("h5py", REMEDY)
    if not path.is_file():
        raise DataError(f"There is no file '{path}' (looked from {Path.cwd()}). Check the path.")
    try:
        return h5py.File(path, "r")
    except Exception as error:  # arbitrary bytes make h5py raise almost anything
        raise DataError(f"'{path}' is no HDF5 file, or is cut short ({error}). Copy or download it again.") from error


def recordings_in(folder: Path) -> list[Path]:
    """The HDF5 files in a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """What goes wrong inside the block becomes a DataError that names the file."""
    try:
        yield
    except DeepNRCError:
        raise
    except Exception as error:  # as above
        raise DataError(f"'{path}' is damaged ({error}). Copy or download it again.") from error


def arrays(group: Any, path: Path, above: str = "", depth: int = 0) -> dict[str, Any]:
    """The arrays in a group and in the groups below it, by their path, unread.

    Errors: DataError for what leads to another file, and for an array that unpacks to over 256 MB and 50 times the
    size of the file.
    """
    h5py = require("h5py", REMEDY)
    if depth > DEEPEST:
        raise DataError(f"'{path}' holds groups over {DEEPEST} levels deep, or one in itself: '{above}'.")
    found: dict[str, Any] = {}
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise DataError(
                f"'{above}{name}' in '{path}' leads to another file, '{link.filename}': it is not followed."
            )
        held = group[name]
        if isinstance(held, h5py.Group):
            found |= arrays(held, path, f"{above}{name}/", depth + 1)
        elif isinstance(held, h5py.Dataset):
            _check(held, path)
            found[f"{above}{name}"] = held
    return found


def _check(held: Any, path: Path) -> None:
    if held.external or (held.is_virtual and any(source.file_name != "." for source in held.virtual_sources())):
        raise DataError(f"'{held.name}' in '{path}' keeps its numbers in another file: it is not read.")
    if held.nbytes > max(LARGE, RATIO * path.stat().st_size):
        raise DataError(
            f"'{held.name}' in '{path}' is {held.shape} of {held.dtype}, for which it has far too few bytes: refused."
        )


def holds_frames(path: Path, keys: Keys = (None, None)) -> bool:
    """Whether a file holds a CARLA recording (rgb, targets) rather than episodes (observations, actions), which may go
    by the names in `keys`.

    Errors: as for ``opened``; DataError naming what it holds if it is neither.
    """
    with reading(path), opened(path) as file:
        if {"rgb", "targets"} <= set(file):
            return True
        if _groups(file, path, keys):
            return False
        held = [f"{name} {array.shape}" for name, array in arrays(file, path).items()]
    raise DataError(
        f"'{path}' holds {listing(held)}. What can be read has observations and actions (as D4RL's, robomimic's and "
        "ALOHA's files, or for each of several groups), or rgb and targets (as CARLA's). If they go by other names, "
        "say both: ",
        Remedy("observations"),
        " and ",
        Remedy("actions"),
        ".",
    )


def episodes(file: Any, path: Path, keys: Keys = (None, None)) -> list[Any]:
    """The file itself if it has observations and actions, by the usual names or those in `keys`, else its groups that
    do, or those in data; episode_2 before episode_10."""
    return sorted(_groups(file, path, keys), key=lambda group: (len(group.name), group.name))


def _groups(file: Any, path: Path, keys: Keys) -> list[Any]:
    for group in (file, file["data"] if _is_group(file, "data", path) else file):
        if _is_episode(group, keys):
            return [group]
        found = [group[name] for name in group if _is_group(group, name, path) and _is_episode(group[name], keys)]
        if found:
            return found
    return []


def _is_group(group: Any, name: str, path: Path) -> bool:
    h5py = require("h5py", REMEDY)
    link = group.get(name, getlink=True) if name in group else None
    if isinstance(link, h5py.ExternalLink):
        raise DataError(f"'{name}' in '{path}' leads to another file, '{link.filename}': it is not followed.")
    return link is not None and isinstance(group[name], h5py.Group)


def _is_episode(group: Any, keys: Keys) -> bool:
    held = set(group)
    return all(
        held.intersection(usual) or (names and held.issuperset(name.partition("/")[0] for name in parts(names)))
        for usual, names in zip((OBSERVATIONS, ACTIONS), keys, strict=True)
    )

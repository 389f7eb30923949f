"""Decide which form of data a user named, and hand it to the reader of that form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from deepnrc.data.batches import whole_batches
from deepnrc.data.sources.frames import TABLES
from deepnrc.data.sources.frames import ending as table_ending
from deepnrc.data.sources.images.cifar import read_cifar
from deepnrc.data.sources.images.images import read_images
from deepnrc.data.sources.images.mnist import read_mnist
from deepnrc.data.sources.images.utkface import read_faces
from deepnrc.data.sources.npy import pair_in, read_npy
from deepnrc.data.sources.npz import read_npz
from deepnrc.data.sources.numerals import Writing
from deepnrc.data.sources.produced import produced
from deepnrc.data.sources.recordings import lerobot
from deepnrc.data.sources.recordings.carla import read_carla
from deepnrc.data.sources.recordings.demonstrations import read_demonstrations
from deepnrc.data.sources.recordings.episodes import read_episodes
from deepnrc.data.sources.recordings.hdf5 import ENDINGS, Keys, holds_frames, recordings_in
from deepnrc.data.sources.tables import read_table
from deepnrc.errors import DataError, UsageError
from deepnrc.wording import Remedy

FORMS = (
    "a .npz file with the arrays x and y; a folder with x.npy and y.npy, or images.npy and targets.npy; a table "
    "(.csv, .tsv, .csv.gz, .parquet, .feather, .xlsx) with ",
    Remedy("targets", "COLUMN,COLUMN"),
    "; a folder of images with ",
    Remedy("targets", "LABELS.csv"),
    "; a .hdf5 or .h5 file of actions as D4RL's, robomimic's or ALOHA's, or of camera frames as CARLA's, also a folder "
    "of these, with ",
    Remedy("targets", "steer,speed"),
    "; a folder of LeRobot's, data/chunk-000/episode_000000.parquet and so on, with ",
    Remedy("actions", "action"),
    "; utkface:FOLDER; cifar10:FOLDER, cifar10-test:FOLDER, mnist:FOLDER or mnist-test:FOLDER; a local Minari data set "
    "such as mujoco/swimmer/expert-v0; or path/to/file.py:factory",
)
MINARI_ID = re.compile(r"([\w.-]+/)*[\w.-]+-v\d+")


@dataclass(frozen=True)
class Wanted:
    """How the data is to come: what ``load_data`` was given besides its name."""

    targets: Sequence[str] | None
    image_size: int | None
    dtype: torch.dtype
    model: nn.Module | None
    drop: Sequence[str]
    writing: Writing
    observations: Sequence[str] | str | None
    actions: Sequence[str] | str | None


@dataclass(frozen=True)
class Form:
    """A form of data: its reader, and which options it takes: targets that can be chosen, images, cells of text,
    keys of observations and actions."""

    read: Callable[[str, Wanted], Any]
    targets: bool = False
    images: bool = False
    cells: bool = False
    keys: bool = False


def _images(read: Callable[..., Any]) -> Form:
    return Form(lambda name, w: read(Path(name), w.targets, w.image_size, w.dtype, w.model), targets=True, images=True)


def _classified(read: Callable[..., Any], test: bool) -> Form:
    return Form(lambda name, w: read(Path(name), test, w.image_size, w.dtype, w.model), images=True)


TABLE = Form(
    lambda name, w: read_table(Path(name), w.targets, w.dtype, w.drop, w.writing, w.observations, w.actions),
    targets=True,
    cells=True,
    keys=True,
)
NPZ = Form(lambda name, w: read_npz(Path(name), w.dtype, w.image_size, w.model), images=True)
STEPS = Form(lambda name, w: read_demonstrations(Path(name), w.dtype, w.observations, w.actions), keys=True)
FACTORY = Form(lambda name, w: produced(name))
NPY, CARLA = _images(read_npy), _images(read_carla)
IMAGES = Form(
    lambda name, w: read_images(Path(name), w.targets, w.image_size, w.dtype, w.model, w.writing),
    targets=True,
    images=True,
    cells=True,
)
NAMED = {
    "minari": Form(lambda name, w: read_episodes(name, w.dtype, w.observations, w.actions), keys=True),
    "utkface": _images(read_faces),
    "cifar10": _classified(read_cifar, test=False),
    "cifar10-test": _classified(read_cifar, test=True),
    "mnist": _classified(read_mnist, test=False),
    "mnist-test": _classified(read_mnist, test=True),
}


def load_data(
    spec: str,
    *,
    targets: Sequence[str] | None = None,
    image_size: int | None = None,
    batch_size: int = 256,
    dtype: torch.dtype | None = None,
    model: nn.Module | None = None,
    drop: Sequence[str] | str = (),
    sep: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    observations: Sequence[str] | str | None = None,
    actions: Sequence[str] | str | None = None,
) -> Iterable[Any]:
    """Batches (inputs (b, ...), targets (b, n) or classes (b,)) of the data that `spec` names, in their own order.

    Nothing is shuffled, dropped or standardised. The first of these rules that holds decides on the form:
    `minari:ID`, `utkface:FOLDER`, `cifar10:FOLDER`, `mnist:FOLDER`, and the last two with `-test` before the colon,
    say what they are; a folder of HDF5 files holds recordings, one of data/chunk-*/*.parquet is LeRobot's, one of
    x.npy and y.npy holds arrays, unless `targets` is a csv; any other folder holds images, with `targets` the path
    of their csv; a name that ends in .npz, .npy, .hdf5, .h5, or as a table does (.csv, .tsv, either with .gz,
    .parquet, .feather, .xlsx) is that kind of file, with `targets` the target columns; a name such as `a/b-v0` is a
    Minari data set; a name with a colon is a factory. A factory's own batches are passed on; everything else comes
    as a DataLoader of batches of `batch_size`, inputs in `dtype`, by default that of the weights of `model` or else
    float32, and targets in the file's own precision; its data set's ``target_resolution`` (n,) says how finely
    those of a table are written. `image_size` overrides the side to which images are brought; `model` lets them be
    prepared as timm prepares them for that network. `drop` leaves columns of a table out; `sep`, `decimal` and
    `thousands` say how one of text is written, such as ";", "," and ".". `observations` and `actions` choose arrays
    of a recording by their keys, several put side by side; its data set's ``groups`` (N,) are the episodes.
    Errors: UsageError for a name of no known form, or options that do not go with it; DataError for unreadable data.
    """
    _check_numbers(batch_size, image_size, dtype)
    form, name = _form(spec, targets, (observations, actions))
    if image_size is not None and not form.images:
        raise UsageError(f"The image size is for images, and {spec!r} holds none. Leave it out.")
    if targets is not None and not form.targets:
        raise UsageError(f"Targets are chosen in tables, folders and recordings; {spec!r} has its own. Leave them out.")
    writing, drop = Writing(sep, decimal, thousands), [drop] if isinstance(drop, str) else drop
    if not form.cells and (drop or writing != Writing()):
        raise UsageError(f"drop, sep, decimal and thousands are for tables; {spec!r} is none. Leave them out.")
    if not form.keys and (observations or actions):
        raise UsageError(f"observations and actions are for recordings and tables; {spec!r} is none. Leave them out.")
    dtype = dtype or _held_in(model)
    data = form.read(name, Wanted(targets, image_size, dtype, model, drop, writing, observations, actions))
    if not isinstance(data, Dataset):
        return data  # a factory's own batches
    if isinstance(data, TensorDataset):
        return whole_batches(data, batch_size)
    return DataLoader(data, batch_size=batch_size, shuffle=False, drop_last=False)


def _form(spec: str, targets: Sequence[str] | None, keys: Keys) -> tuple[Form, str]:
    """The form that a name is of, and the name without the form. Errors: as for ``load_data``."""
    prefix, colon, rest = spec.partition(":")
    if colon and prefix in NAMED:
        return NAMED[prefix], rest
    path = Path(spec)
    ending = path.suffix.lower()
    if path.is_dir():
        return _folder(path, targets, keys), spec
    if ending == ".npz":
        return NPZ, spec
    if table_ending(path) in TABLES:
        return TABLE, spec
    if ending in ENDINGS:
        return (CARLA if holds_frames(path, keys) else STEPS), spec
    if ending == ".npy":
        return NPY, spec
    if MINARI_ID.fullmatch(spec):
        return NAMED["minari"], spec
    if colon:
        return FACTORY, spec
    raise _unknown(path)


def _folder(path: Path, targets: Sequence[str] | None, keys: Keys) -> Form:
    if any(table_ending(Path(name)) in TABLES for name in ([targets] if isinstance(targets, str) else targets or ())):
        return IMAGES
    if recordings := recordings_in(path):
        return STEPS if _holds_steps(recordings[0], keys) else CARLA
    if lerobot.files_in(path):
        return TABLE
    return NPY if pair_in(path) else IMAGES


def _held_in(model: nn.Module | None) -> torch.dtype:
    """The dtype of a network's floating-point weights, where they have one."""
    kinds = (
        {weight.dtype for weight in model.parameters() if weight.is_floating_point()} if model is not None else set()
    )
    return kinds.pop() if len(kinds) == 1 else torch.float32


def _holds_steps(path: Path, keys: Keys) -> bool:
    """Whether a recording holds observations and actions; one that cannot be read is told of by its reader."""
    try:
        return not holds_frames(path, keys)
    except DataError:
        return False


def _check_numbers(batch_size: int, image_size: int | None, dtype: torch.dtype | None) -> None:
    for name, value in (("batch size", batch_size), ("image size", image_size)):
        if value is not None and value < 1:
            raise UsageError(f"The {name} must be at least 1, but {value} was given.")
    if dtype is not None and not dtype.is_floating_point:
        raise UsageError(f"Data is read as floating-point numbers, but the dtype {dtype} was given.")


def _unknown(path: Path) -> UsageError | DataError:
    if path.is_file():
        return UsageError(f"The file '{path}' is of no kind that can be read here. Data is ", *FORMS, ".")
    return DataError(f"There is no file or folder '{path}' (looked from {Path.cwd()}). Data is ", *FORMS, ".")

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError, UsageError


@pytest.fixture
def npz(tmp_path: Path) -> str:
    np.savez(tmp_path / "data.npz", x=np.arange(1800.0).reshape(600, 3), y=np.ones((600, 2)))
    return str(tmp_path / "data.npz")


def test_nothing_is_shuffled_or_dropped(npz: str) -> None:
    batches = [x for x, _ in load_data(npz)]
    assert [len(x) for x in batches] == [256, 256, 88]
    assert torch.equal(torch.cat(batches), torch.arange(1800.0).view(600, 3))


def test_endings_in_capitals_are_known(npz: str) -> None:
    assert load_data(str(Path(npz).rename(Path(npz).with_suffix(".NPZ"))))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 0}, r"The batch size must be at least 1, but 0 was given"),
        ({"image_size": -1}, r"The image size must be at least 1, but -1 was given"),
        (
            {"image_size": 64},
            r"The image size is for pictures: bytes \(N, h, w, c\); '.*data\.npz' holds float64 \(600, 3\)\. Leave",
        ),
        (
            {"targets": ["a"]},
            r"Targets are chosen in tables, folders and recordings; '.*data\.npz' has its own\. Leave them out",
        ),
        ({"dtype": torch.int64}, r"Data is read as floating-point numbers, but the dtype torch\.int64 was given"),
    ],
)
def test_options_that_do_not_go_with_the_data_are_refused(npz: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_data(npz, **options)


@pytest.mark.parametrize("spec", ["data.npz:3", "data.npy:", "a:b:"])
def test_a_colon_makes_a_factory(spec: str) -> None:
    with pytest.raises(UsageError, match=r"names no factory\. Write path/to/file\.py:factory"):
        load_data(spec)


FORMS = (
    r"Data is a \.npz file with the arrays x and y; a folder with x\.npy and y\.npy, or images\.npy and targets\.npy; "
    r"a table \(\.csv, .*, \.xlsx\) with targets='COLUMN,COLUMN'; a folder of images with targets='LABELS\.csv'; a "
    r"\.hdf5 or \.h5 file of .* D4RL's, .*, or of camera frames as CARLA's, .*; utkface:FOLDER; cifar10:FOLDER, "
    r"cifar10-test:FOLDER, mnist:FOLDER or mnist-test:FOLDER; a local Minari data set such as .*; or "
    r"path/to/file\.py:factory\."
)


def test_anything_else_lists_the_forms(tmp_path: Path) -> None:
    (tmp_path / "data.txt").touch()
    with pytest.raises(UsageError, match=r"The file '.*data\.txt' is of no kind that can be read here\. " + FORMS):
        load_data(str(tmp_path / "data.txt"))
    for spec in ("faces", "mnist"):
        with pytest.raises(DataError, match=rf"There is no file or folder '{spec}' \(looked from .*\)\. " + FORMS):
            load_data(spec)


@pytest.mark.parametrize("prefix", ["cifar10", "cifar10-test", "mnist", "mnist-test"])
def test_what_has_classes_of_its_own_takes_no_targets(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(UsageError, match=rf"'{prefix}:.*' has its own\. Leave them out"):
        load_data(f"{prefix}:{tmp_path}", targets=["age"])


def test_a_prefix_goes_before_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist:here").mkdir()
    with pytest.raises(DataError, match=r"There is no train-images-idx3-ubyte \(or \.gz\) in 'here'"):
        load_data("mnist:here")

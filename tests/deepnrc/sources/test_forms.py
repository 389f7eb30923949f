from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, SequentialSampler

from deepnrc.errors import DataError, UsageError
from deepnrc.sources import load_data


@pytest.fixture
def npz(tmp_path: Path) -> str:
    np.savez(tmp_path / "data.npz", x=np.ones((600, 3)), y=np.ones((600, 2)))
    return str(tmp_path / "data.npz")


def test_nothing_is_shuffled_or_dropped(npz: str) -> None:
    loader = load_data(npz)
    assert isinstance(loader, DataLoader)
    assert isinstance(loader.sampler, SequentialSampler)
    assert [len(x) for x, _ in loader] == [256, 256, 88]


def test_endings_in_capitals_are_known(npz: str) -> None:
    assert load_data(str(Path(npz).rename(Path(npz).with_suffix(".NPZ"))))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 0}, r"The batch size must be at least 1, but 0 was given"),
        ({"image_size": -1}, r"The image size must be at least 1, but -1 was given"),
        (
            {"image_size": 64},
            r"The image size is for a folder of images, and '.*data\.npz' is not a folder\. Leave it out",
        ),
        (
            {"targets": ["a"]},
            r"Targets are for a table or a folder of images, and '.*data\.npz' is neither\. Leave them",
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
    r"Data is a \.npz file with the arrays x and y; a \.csv or \.parquet table with --targets COLUMN,COLUMN; a folder "
    r"of images with --targets LABELS\.csv; a local Minari data set such as .*; or path/to/file\.py:factory\."
)


def test_anything_else_lists_the_forms(tmp_path: Path) -> None:
    (tmp_path / "data.h5").touch()
    with pytest.raises(UsageError, match=r"The file '.*data\.h5' is of no kind that can be read here\. " + FORMS):
        load_data(str(tmp_path / "data.h5"))
    with pytest.raises(DataError, match=r"There is no file or folder 'faces' \(looked from .*\)\. " + FORMS):
        load_data("faces")

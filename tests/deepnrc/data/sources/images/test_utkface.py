from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError, UsageError

pytest.importorskip("torchvision.transforms")
DATE = "20161219140623097"


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Two folders with three faces of one colour each, under both forms of name."""
    for name, colour in (
        (f"part1/26_1_0_{DATE}.jpg", "white"),
        (f"part1/100_0_4_{DATE}.jpg.chip.jpg", "black"),
        (f"part2/3_0_2_{DATE}.chip.jpg", "white"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (100, 100), colour).save(tmp_path / name)
    return tmp_path


def _load(folder: Path, **options: Any) -> Any:
    return next(iter(load_data(f"utkface:{folder}", image_size=8, **options)))


@pytest.mark.parametrize("options", [{}, {"targets": ["age"]}])
def test_names_tell_the_ages(faces: Path, options: Any) -> None:
    x, y = _load(faces, **options)
    assert (y.dtype, y.tolist()) == (torch.float64, [[100], [26], [3]])
    assert x.shape == (3, 3, 8, 8)
    assert x.mean((1, 2, 3)).sign().tolist() == [-1, 1, 1]


def test_misnamed_and_broken_faces_are_counted_and_left_out(faces: Path) -> None:
    Image.effect_noise((100, 100), 90).save(faces / "whole.jpg")
    whole = (faces / "whole.jpg").read_bytes()
    (faces / "whole.jpg").unlink()
    Image.new("RGB", (4, 4)).save(faces / "39_1_20170116174525125.jpg")
    (faces / f"50_1_0_{DATE}.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    (faces / f"51_1_0_{DATE}.jpg").write_bytes(b"hello")
    with pytest.warns(UserWarning) as caught:  # noqa: PT030
        _, y = _load(faces)
    assert y.tolist() == [[100], [26], [3]]
    misnamed, broken = (str(warning.message) for warning in caught)
    assert "1 of 6 images are not called age_gender_race_date.jpg and are left out: '39_1_2017" in misnamed
    assert f"2 of 6 images cannot be decoded and are left out: '50_1_0_{DATE}.jpg', '51_1_0_" in broken


def test_a_folder_without_faces_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    words = r"None of the 1 images in '.*' is a face that can be read: 1 are not called age_.*, 0 cannot be decoded"
    with pytest.raises(DataError, match=words):
        _load(tmp_path)
    with pytest.raises(DataError, match=r"There is no folder '.*none' \(looked from"):
        _load(tmp_path / "none")


def test_age_is_the_only_target(faces: Path) -> None:
    with pytest.raises(UsageError, match=r"The one target of '.*' is age, but 'age', 'race' was given"):
        _load(faces, targets=["age,race"])

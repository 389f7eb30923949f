from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError, UsageError


def _save(folder: Path, **arrays: Any) -> str:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return str(folder)


@pytest.mark.parametrize(("one", "other"), [("x", "y"), ("X", "Y"), ("inputs", "targets")])
def test_a_folder_or_its_file_of_inputs_names_a_pair(tmp_path: Path, one: str, other: str) -> None:
    x, y = np.arange(12.0).reshape(4, 3), np.arange(8).reshape(4, 2)
    _save(tmp_path, **{one: x, other: y})
    for spec in (tmp_path, tmp_path / f"{one}.npy"):
        ((got, wanted),) = load_data(str(spec))
        assert (got.tolist(), wanted.tolist()) == (x.tolist(), y.tolist())
        assert (got.dtype, wanted.dtype) == (torch.float32, torch.float64)


def test_a_batch_is_read_from_the_disk_when_it_is_asked_for(tmp_path: Path) -> None:
    loader: Any = load_data(_save(tmp_path, x=np.ones((4, 3)), y=np.ones(4)), batch_size=2)
    assert isinstance(loader.dataset.x, np.memmap)


def test_arrays_of_another_byte_order_and_whole_numbers_are_read(tmp_path: Path) -> None:
    ((x, y),) = load_data(
        _save(tmp_path, x=np.array([[1], [300]], dtype=">i2"), y=np.array([1, 0])), dtype=torch.float64
    )
    assert x.tolist() == [[1.0], [300.0]]
    assert (y.dtype, y.tolist()) == (torch.int64, [1, 0])


def test_columns_are_chosen_by_number_and_carla_s_by_name(tmp_path: Path) -> None:
    y = np.arange(56.0).reshape(2, 28)
    folder = _save(tmp_path, images=np.zeros((2, 4, 6, 3), dtype=np.uint8), targets=y)
    assert next(iter(load_data(folder, targets=["steer,speed"])))[1].tolist() == [[0, 10], [28, 38]]
    assert next(iter(load_data(folder, targets=["-1"])))[1].tolist() == [[27], [55]]
    _save(tmp_path, targets=y[:, :5])
    with pytest.raises(UsageError, match=r"no target column 'steer' in '.*'\. Give column numbers, from 0 to 4\."):
        load_data(folder, targets=["steer"])
    _save(tmp_path, targets=y[:, 0])
    with pytest.raises(UsageError, match=r"holds an array \(2,\), which has no columns to choose"):
        load_data(folder, targets=["0"])


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_bytes_are_pictures_in_0_to_1_with_channels_first(tmp_path: Path, channels_first: bool, channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, channels, 5, 6), dtype=np.uint8)
    stored = pixels if channels_first else pixels.transpose(0, 2, 3, 1)
    ((x, _),) = load_data(_save(tmp_path, images=stored, targets=np.zeros((2, 1))))
    assert torch.equal(x, torch.from_numpy(pixels).float() / 255)


def test_pictures_are_brought_to_a_size(tmp_path: Path) -> None:
    pixels = np.full((2, 5, 9, 1), 51, dtype=np.uint8)
    ((x, _),) = load_data(_save(tmp_path, images=pixels, targets=np.zeros((2, 1))), image_size=4)
    torch.testing.assert_close(x, torch.full((2, 1, 4, 4), 0.2))


@pytest.mark.parametrize(
    ("arrays", "error", "words"),
    [
        ({"x": np.ones((3, 2)), "y": np.ones(2)}, DataError, r"x\.npy' has 3 rows and '.*y\.npy' 2; there must be as"),
        ({"x": np.ones((0, 2)), "y": np.ones(0)}, DataError, r"holds float64 \(0, 2\); it must be numbers"),
        ({"x": np.ones(3), "y": np.ones(3)}, DataError, r"holds inputs \(3,\); they must be \(N, d\)"),
        ({"x": np.array(["a"]), "y": np.ones(1)}, DataError, r"holds <U1 \(1,\); it must be numbers"),
        (
            {"x": np.array([[{}]]), "y": np.ones(1)},
            DataError,
            r"holds Python objects, which could run any code: refused",
        ),
        (
            {"x": np.ones((1, 2)), "y": np.array([[np.nan]])},
            DataError,
            r"The y of '.*' holds 1 of 1 values that are NaN",
        ),
        (
            {"x": np.ones((1, 2)), "y": np.ones((1, 2, 2))},
            DataError,
            r"holds targets \(1, 2, 2\); they must be \(N, n\)",
        ),
    ],
)
def test_arrays_that_are_no_pair_of_samples_are_refused(tmp_path: Path, arrays: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        load_data(_save(tmp_path, **arrays))


def test_damaged_files_lone_files_and_sizes_of_no_picture_are_refused(tmp_path: Path) -> None:
    folder = _save(tmp_path, x=np.ones((3, 2)), y=np.ones(3))
    with pytest.raises(
        UsageError, match=r"image size is for pictures: bytes \(N, h, w, c\); '.*' holds float64 \(3, 2\)"
    ):
        load_data(folder, image_size=4)
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-8])
    with pytest.raises(DataError, match=r"x\.npy' is no \.npy file, or is cut short \(.*\)\. Copy or save it again"):
        load_data(folder)
    (tmp_path / "y.npy").unlink()
    with pytest.raises(DataError, match=r"no pair of arrays at '.*x\.npy'\. Give the folder, .* x\.npy and y\.npy; "):
        load_data(str(tmp_path / "x.npy"))


def test_time_stamps_that_the_dtype_cannot_hold_are_told_of(tmp_path: Path) -> None:
    steps = np.arange(30.0)
    seconds = np.stack([1.7e9 + steps, steps], 1)
    with pytest.raises(DataError, match=r"input column '0' of .* one step of rounding in float32\. Subtract an offset"):
        load_data(_save(tmp_path, x=seconds, y=steps))
    with pytest.warns(UserWarning, match=r"input column '0' of .* by no more than 100 steps of rounding in float32"):
        load_data(_save(tmp_path, x=np.stack([1.7e9 + 300 * steps, steps], 1), y=steps))
    ((x, _),) = load_data(_save(tmp_path, x=seconds, y=steps), dtype=torch.float64)
    assert x[:, 0].tolist() == seconds[:, 0].tolist()


@pytest.mark.parametrize("name", ["x", "y"])
def test_times_are_told_how_to_be_numbers(tmp_path: Path, name: str) -> None:
    times = np.datetime64("2024-01-01") + np.arange(4).astype("timedelta64[s]")[:, None]
    with pytest.raises(
        DataError, match=r"holds datetime64\[s\] .* Save times as floats, such as seconds from the first"
    ):
        load_data(_save(tmp_path, **{"x": np.ones((4, 2)), "y": np.ones((4, 2)), name: times}))


@pytest.mark.parametrize("kind", [np.int64, np.uint8, bool])
def test_one_column_of_whole_numbers_is_told_to_be_read_as_values(tmp_path: Path, kind: Any) -> None:
    x, y = np.ones((4, 3)), np.arange(4)[:, None].astype(kind)
    np.savez(tmp_path / "d.npz", x=x, y=y)
    for spec in (_save(tmp_path, x=x, y=y), str(tmp_path / "d.npz")):
        with pytest.warns(
            UserWarning, match=r"read as values to predict\. If they are classes, save them as .* \(4,\)"
        ):
            ((_, got),) = load_data(spec)
        assert got.is_floating_point()

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.data.sources.recordings.carla import read_carla
from deepnrc.errors import DataError, UsageError

h5py = pytest.importorskip("h5py")
SIZE = (4, 8, 10, 3)


def _record(path: Path, seed: int, size: tuple[int, ...] = SIZE, width: int = 28, **options: Any) -> tuple[Any, Any]:
    """Write one recording of small frames; return them and their targets."""
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, size, dtype=np.uint8)
    targets = rng.normal(size=(size[0], width)).astype(np.float32)
    with h5py.File(path, "w") as file:
        file.create_dataset("rgb", data=rgb, **options)
        file["targets"] = targets
    return rgb, targets


@pytest.fixture
def drives(tmp_path: Path) -> tuple[Path, Any, Any]:
    """A folder of three recordings, and all frames and targets in it."""
    folder = tmp_path / "SeqTrain"
    folder.mkdir()
    parts = [_record(folder / f"data_0000{number}.h5", number) for number in range(3)]
    rgb, targets = (np.concatenate(each) for each in zip(*parts, strict=True))
    return folder, rgb, targets


@pytest.mark.parametrize(
    ("targets", "columns"), [("steer,speed", [0, 10]), ("speed", [10]), ("brake,gas", [2, 1]), ("24", [24])]
)
def test_frames_of_all_files_meet_the_chosen_targets(drives: Any, targets: str, columns: list[int]) -> None:
    folder, rgb, values = drives
    batches = list(load_data(str(folder), targets=[targets], batch_size=5))
    assert [len(x) for x, _ in batches] == [5, 5, 2]
    x, y = (torch.cat(part) for part in zip(*batches, strict=True))
    assert torch.equal(x, torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255)
    assert torch.equal(y, torch.from_numpy(values[:, columns]))


def test_one_file_is_read_alike_and_in_any_order(drives: Any) -> None:
    folder, rgb, _ = drives
    ((x, _),) = load_data(str(folder / "data_00001.h5"), targets=["speed"])
    assert torch.equal(x[2], torch.from_numpy(rgb[6]).permute(2, 0, 1) / 255)
    frames = read_carla(folder, "speed", None, torch.float32, None).frames
    for index in (11, 0, 4, 3):
        assert (frames[index] == rgb[index]).all()
    with pytest.raises(IndexError):
        frames[12]


def test_each_file_is_an_episode(drives: Any) -> None:
    folder, *_ = drives
    read = read_carla(folder, "speed", None, torch.float32, None)
    assert read.groups is not None
    assert read.groups.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_one_file_at_a_time_is_open_and_none_goes_to_another_process(drives: Any) -> None:
    frames: Any = read_carla(drives[0], "speed", None, torch.float32, None).frames
    frames[0]
    first = frames._file
    frames[5]
    assert not first
    assert (pickle.loads(pickle.dumps(frames))[5] == frames[5]).all()


def test_a_timm_network_prepares_frames(drives: Any) -> None:
    timm = pytest.importorskip("timm")
    ((x, _),) = load_data(str(drives[0]), targets=["speed"], model=timm.create_model("test_resnet"))
    assert x.shape == (12, 3, 160, 160)


def test_unreadable_files_are_counted_and_left_out(drives: Any) -> None:
    folder, _, values = drives
    whole = (folder / "data_00000.h5").read_bytes()
    (folder / "data_00000.h5").write_bytes(whole[: len(whole) // 2])
    _record(folder / "data_00005.h5", 5, (4, 8, 12, 3))
    words = r"2 of 4 recordings in '.*' cannot be read and are left out: '.*data_00000\.h5' is no HDF5 file, .*8, 12, 3"
    with pytest.warns(UserWarning, match=words):
        loader = load_data(str(folder), targets=["speed"])
    assert torch.equal(next(iter(loader))[1], torch.from_numpy(values[4:, 10:11]))


def test_a_frame_that_cannot_be_read_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    _record(path, 0, (4, 40, 40, 3), chunks=(1, 40, 40, 3), compression="gzip")
    whole = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunk = file["rgb"].id.get_chunk_info(2)
    whole[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(whole)
    frames = read_carla(path, "speed", None, torch.float32, None)
    frames[1]
    with pytest.raises(DataError, match=r"Frame 2 of '.*a\.h5' cannot be read \(.*\)\. Repair or remove the file"):
        frames[2]


@pytest.mark.parametrize(
    ("size", "rows", "words"),
    [
        ((4, 8, 10, 2), 4, r"holds rgb \(4, 8, 10, 2\) and targets \(4, 28\); bytes \(N, h, w, 3\)"),
        ((4, 8, 10, 3), 3, r"holds 4 frames and 3 rows of targets"),
    ],
)
def test_no_readable_file_is_refused(tmp_path: Path, size: tuple[int, ...], rows: int, words: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["rgb"], file["targets"] = np.zeros(size, dtype=np.uint8), np.zeros((rows, 28))
    with pytest.raises(DataError, match=rf"None of the 1 recordings at '.*' can be read\. '.*a\.h5' {words}"):
        load_data(str(tmp_path), targets=["speed"])


def test_targets_must_be_named_and_be_there(drives: Any) -> None:
    with pytest.raises(UsageError, match=r"Name the targets of '.*': targets='steer,speed'"):
        load_data(str(drives[0]))
    with pytest.raises(UsageError, match=r"no target column 'sped' in '.*'\. Did you mean 'speed'\?"):
        load_data(str(drives[0]), targets=["sped"])

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError


def _idx(array: Any) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def _write(folder: Path, kind: str, images: Any, labels: Any, dot: str = "-", packed: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        stem = f"{kind}-{name}".replace("-idx", ".idx" if dot == "." else "-idx")
        content = _idx(np.asarray(array))
        path = folder / f"{stem}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("inside", "dot"), [("", "-"), ("raw", "-"), ("MNIST/raw", "-"), ("", ".")])
def test_digits_meet_their_classes(tmp_path: Path, inside: str, dot: str, packed: bool) -> None:
    digits = np.random.default_rng(0).integers(0, 256, (5, 28, 28))
    _write(tmp_path / inside, "train", digits[:3], [7, 0, 9], dot, packed)
    _write(tmp_path / inside, "t10k", digits[3:], [1, 2], dot, packed)
    for prefix, rows, classes in (("mnist", slice(0, 3), [7, 0, 9]), ("mnist-test", slice(3, 5), [1, 2])):
        ((x, y),) = load_data(f"{prefix}:{tmp_path}")
        assert torch.equal(x, torch.from_numpy(digits[rows])[:, None].float() / 255)
        assert (y.dtype, y.tolist()) == (torch.int64, classes)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    _write(tmp_path, "train", np.ones((1, 2, 2)), [1])
    with pytest.raises(
        DataError, match=r"There is no t10k-images-idx3-ubyte \(or \.gz\) in '.*' or its raw or MNIST/raw"
    ):
        load_data(f"mnist-test:{tmp_path}")


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (b"", r"is no IDX file of bytes; it begins with nothing"),
        (b"\x00\x00\x08\x00\x01", r"is no IDX file of bytes; it begins with 00000800"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x00", r"is no IDX file of bytes; it begins with 00000d01"),
        (_idx(np.ones((2, 3, 3)))[:-1], r"is cut short or damaged: 33 bytes for an array \(2, 3, 3\)"),
        (_idx(np.ones((2, 3, 3)))[:9], r"is cut short or damaged"),
        (_idx(np.ones(4)), r"holds \(4,\) and '.*labels.*' \(2,\); \(N, h, w\) and \(N,\) are needed"),
        (_idx(np.ones((3, 2, 2))), r"holds \(3, 2, 2\) and '.*' \(2,\)"),
    ],
)
def test_damaged_and_foreign_files_are_explained(tmp_path: Path, images: bytes, words: str) -> None:
    _write(tmp_path, "train", np.ones((2, 3, 3)), [1, 2])
    (tmp_path / "train-images-idx3-ubyte").write_bytes(images)
    with pytest.raises(DataError, match=words):
        load_data(f"mnist:{tmp_path}")


@pytest.mark.parametrize("cut", [3, 20, -4])
def test_damaged_gzip_files_are_explained(tmp_path: Path, cut: int) -> None:
    _write(tmp_path, "train", np.ones((2, 3, 3)), [1, 2], packed=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"is a damaged gzip file \(.*\)\. Copy or download it again"):
        load_data(f"mnist:{tmp_path}")

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError

NAMES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def _python2(data: Any, labels: list[int]) -> bytes:
    """The batch as Python 2 pickled it, which is how it is published: byte strings, and numpy's older names."""
    raw = data.tobytes()
    return (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        + b"(K\x01K" + bytes([len(data)]) + b"M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        + b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + b"T" + struct.pack("<i", len(raw)) + raw + b"tb"
        + b"U\x06labels](" + b"".join(b"K" + bytes([label]) for label in labels) + b"eu."
    )  # fmt: skip


@pytest.fixture
def batches(tmp_path: Path) -> tuple[Path, Any]:
    """A folder of python batches of two images each, the odd ones in Python 2's form; and all their images."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    rng, images = np.random.default_rng(0), []
    for number, name in enumerate(NAMES):
        data, labels = rng.integers(0, 256, (2, 3072), dtype=np.uint8), [number, 9 - number]
        made = _python2(data, labels) if number % 2 else pickle.dumps({b"data": data, b"labels": labels}, protocol=2)
        (folder / name).write_bytes(made)
        images.append(data.reshape(2, 3, 32, 32))
    return tmp_path, np.concatenate(images)


@pytest.mark.parametrize("inside", ["", "cifar-10-batches-py"])
@pytest.mark.parametrize(
    ("prefix", "rows", "classes"),
    [("cifar10", slice(0, 10), [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]), ("cifar10-test", slice(10, 12), [5, 4])],
)
def test_images_meet_their_classes(batches: Any, prefix: str, rows: slice, classes: list[int], inside: str) -> None:
    folder, images = batches
    ((x, y),) = load_data(f"{prefix}:{folder / inside}")
    assert torch.equal(x, torch.from_numpy(images[rows]).float() / 255)
    assert (y.dtype, y.tolist()) == (torch.int64, classes)


def test_missing_batches_are_named(batches: Any) -> None:
    (batches[0] / "cifar-10-batches-py/data_batch_3").unlink()
    with pytest.raises(DataError, match=r"lacks 'data_batch_3' of CIFAR-10's python batches\. Name the folder of them"):
        load_data(f"cifar10:{batches[0]}")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ([1], r"'.*test_batch' holds none, but no data \(N, 3072\) of bytes"),
        ({"data": np.ones((2, 5), dtype=np.uint8)}, r"holds 'data', but no data \(N, 3072\) of bytes"),
        ({"data": np.ones((2, 3072))}, r"holds 'data', but no data \(N, 3072\) of bytes"),
        (
            {"data": np.ones((2, 3072), dtype=np.uint8), "fine_labels": [1, 2]},
            r"'fine_labels', but no labels, one whole",
        ),
        ({"data": np.ones((2, 3072), dtype=np.uint8), "labels": [1]}, r"no labels, one whole number for each image"),
        ({"data": np.ones((1, 3072), dtype=np.uint8), "labels": [-1]}, r"holds the label -1; CIFAR-10's are 0 to 9"),
    ],
)
def test_other_pickles_are_refused(batches: Any, held: Any, words: str) -> None:
    (batches[0] / "cifar-10-batches-py/test_batch").write_bytes(pickle.dumps(held))
    with pytest.raises(DataError, match=words):
        load_data(f"cifar10-test:{batches[0]}")


@pytest.mark.parametrize("label", [-1, 10, 255, 2**70])
def test_labels_that_cifar_does_not_have_are_refused(batches: tuple[Path, Any], label: int) -> None:
    folder = batches[0]
    made = {b"data": np.zeros((2, 3072), np.uint8), b"labels": [3, label]}
    (folder / "cifar-10-batches-py" / "test_batch").write_bytes(pickle.dumps(made, protocol=2))
    with pytest.raises(DataError, match=rf"test_batch' holds the label {label}; CIFAR-10's are 0 to 9"):
        load_data(f"cifar10-test:{folder}")


def test_a_batch_that_asks_for_gigabytes_is_refused(batches: tuple[Path, Any]) -> None:
    folder = batches[0]
    for greedy in (
        b"\x80\x02X" + struct.pack("<I", 2**32 - 1) + b"abc.",
        b"\x80\x02]r" + struct.pack("<I", 2**32 - 1) + b".",
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nJ\xff\xff\xff\x7f\x85U\x01b\x87R.",
        b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.",
    ):
        (folder / "cifar-10-batches-py" / "test_batch").write_bytes(greedy)
        with pytest.raises(DataError, match=r"asks for more memory|damaged pickle"):
            load_data(f"cifar10-test:{folder}")

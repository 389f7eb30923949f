from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.data.sources.npz import read_npz
from deepnrc.errors import DataError

X, Y = np.arange(12.0).reshape(4, 3), np.arange(8.0).reshape(4, 2)


def _saved(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


@pytest.mark.parametrize("names", [("x", "y"), ("X", "Y"), ("X", "y"), ("inputs", "targets")])
def test_inputs_and_targets_are_found_by_name_and_batched_in_order(tmp_path: Path, names: tuple[str, str]) -> None:
    loader = load_data(str(_saved(tmp_path, **dict(zip(names, (X, Y), strict=True)), extra=X)), batch_size=3)
    batches = list(loader)
    assert [len(x) for x, _ in batches] == [3, 1]
    assert torch.equal(torch.cat([x for x, _ in batches]), torch.tensor(X, dtype=torch.float32))
    assert torch.equal(torch.cat([y for _, y in batches]), torch.tensor(Y))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.uint8, np.int64, ">f8"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_inputs_come_in_the_dtype_asked_for(tmp_path: Path, kind: Any, dtype: torch.dtype) -> None:
    x, y = read_npz(_saved(tmp_path, x=X.astype(kind), y=Y), dtype).tensors
    assert (x.dtype, y.dtype) == (dtype, torch.float64)
    assert torch.equal(x, torch.tensor(X, dtype=dtype))


def test_double_precision_is_kept_to_the_last_digit(tmp_path: Path) -> None:
    x, _ = read_npz(_saved(tmp_path, x=X / 3, y=Y), torch.float64).tensors
    assert np.array_equal(x.numpy(), X / 3)


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint8])
def test_whole_numbers_in_one_dimension_are_classes(tmp_path: Path, kind: Any) -> None:
    _, y = read_npz(_saved(tmp_path, x=X, y=np.array([0, 1, 1, 0], dtype=kind)), torch.float32).tensors
    assert y.dtype == torch.int64
    assert y.tolist() == [0, 1, 1, 0]


def test_other_targets_are_numbers_in_columns(tmp_path: Path) -> None:
    assert read_npz(_saved(tmp_path, x=X, y=Y[:, 0]), torch.float32).tensors[1].shape == (4, 1)
    whole = read_npz(_saved(tmp_path, x=X, y=Y.astype(int)), torch.float32).tensors[1]
    assert whole.dtype == torch.float64
    assert whole.shape == (4, 2)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, ">f4", np.longdouble])
def test_targets_keep_the_precision_of_the_file(tmp_path: Path, kind: Any) -> None:
    y = (Y / 3).astype(kind)
    read = read_npz(_saved(tmp_path, x=X, y=y), torch.float32).tensors[1]
    assert read.element_size() == min(y.itemsize, 8)
    assert np.array_equal(read.numpy(), y.astype(np.float64))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            {"features": X, "y": Y},
            r"holds none of the arrays 'x', 'X', 'inputs', 'images'; it holds 'features', 'y'\. Save plain",
        ),
        ({"x": X, "labels": Y}, r"holds none of the arrays 'y', 'Y', 'targets'; it holds 'x', 'labels'"),
        ({"x": X, "X": X, "y": Y}, r"holds more than one of 'x', 'X', 'inputs', 'images'; it holds 'x', 'X', 'y'"),
        ({"x": X, "y": Y[:3]}, r"holds x \(4, 3\) and y \(3, 2\); there must be as many targets as inputs, and some"),
        (
            {"x": X[:0], "y": Y[:0]},
            r"holds x \(0, 3\) and y \(0, 2\); there must be as many targets as inputs, and some",
        ),
        ({"x": X[:, 0], "y": Y}, r"holds x \(4,\) and y \(4, 2\); x must be \(N, d\) .* Reshape a single feature to"),
        ({"x": X, "y": Y[:, :, None]}, r"holds x \(4, 3\) and y \(4, 2, 1\); x must be .* and y \(N, n\), or \(N,\)"),
        (
            {"x": X, "y": np.array(list("abcd"))},
            r"The y of '.*data\.npz' holds <U1, not numbers\. Save it as floats or",
        ),
        ({"x": X * 1j, "y": Y}, r"The x of '.*' holds complex128, not numbers"),
        (
            {"x": X * np.nan, "y": Y},
            r"The x of '.*' holds 12 of 12 values that are NaN, infinite or too large for torch",
        ),
        ({"x": X * 1e300, "y": Y}, r"The x of '.*' holds 11 of 12 values that .* torch\.float32\. Remove or repair"),
        ({"x": X, "y": np.array([0, -1, 1, 0])}, r"The classes of '.*' include -1; number them from 0\. If these are"),
        (
            {"x": X, "y": np.array([{}] * 4)},
            r"holds Python objects, which could run any code: refused\. Save plain numbers",
        ),
    ],
)
def test_arrays_that_will_not_do_are_refused(tmp_path: Path, arrays: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_npz(_saved(tmp_path, **arrays), torch.float32)


def test_files_that_are_no_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    with pytest.raises(DataError, match=r"There is no file '.*data\.npz' \(looked from .*\)\. Check the path"):
        load_data(str(path))
    whole = _saved(tmp_path, x=X, y=Y).read_bytes()
    for content in (b"", b"hello world", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(
            DataError, match=r"is no \.npz archive, or is cut short\. Save plain numbers: np\.savez\('da"
        ):
            load_data(str(path))
    path.write_bytes(whole[:200] + bytes(99) + whole[299:])
    with pytest.raises(
        DataError, match=r"is a damaged \.npz archive \(Bad CRC-32 .*\)\. Copy, download or save it again"
    ):
        load_data(str(path))

"""Files of data that are damaged, or made to harm."""

import io
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from deepnrc.data.sources import load_data
from deepnrc.errors import DataError, UsageError

X, Y = np.random.default_rng(0).random((20, 3)), np.random.default_rng(1).random((20, 2))


def save(path: Path) -> dict[str, Any]:
    """Write X and Y in the kind of file that the name says; return the options that read it."""
    if path.suffix == ".npz":
        np.savez(path, x=X, y=Y)
    elif path.suffix == ".h5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            file["observations"], file["actions"] = X, Y
    else:
        frame = pd.DataFrame(np.concatenate([X, Y], 1), columns=list("abcuv"))
        getattr(frame, {".parquet": "to_parquet", ".feather": "to_feather"}[path.suffix])(path)
        return {"targets": ["u,v"]}
    return {}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.parquet", "a.feather"])
def test_three_hundred_flipped_bits(tmp_path: Path, name: str) -> None:
    path, refused = tmp_path / name, 0
    options = save(path)
    whole, draw = path.read_bytes(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            list(load_data(str(path), **options))
        except (DataError, UsageError):
            refused += 1
    assert refused > 10


@pytest.mark.parametrize("order", ["nhwc", "nchw"])
def test_one_array_gives_the_same_batch_from_either_kind_of_file(tmp_path: Path, order: str) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (6, 8, 10, 3), dtype=np.uint8)
    pictures = pictures if order == "nhwc" else pictures.transpose(0, 3, 1, 2)
    arrays = [pictures, pictures[..., 0], pictures / 255, pictures[:, 0, 0].astype(np.int64), X[:6].astype(np.float16)]
    for number, x in enumerate(arrays):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        np.save(folder / "x.npy", x)
        np.save(folder / "y.npy", Y[:6])
        np.savez(folder / "data.npz", x=x, y=Y[:6])
        for dtype in (torch.float32, torch.float64):
            ((a, y),) = load_data(str(folder), dtype=dtype)
            ((b, z),) = load_data(str(folder / "data.npz"), dtype=dtype)
            assert torch.equal(a, b)
            assert torch.equal(y, z)
            assert a.dtype == b.dtype == dtype
    ((a, _),) = load_data(str(tmp_path / "0" / "data.npz"), image_size=4)
    assert a.shape == (6, 3, 4, 4)


def test_an_array_that_claims_more_than_it_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 4)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", held.getvalue())
        archive.writestr("y.npy", held.getvalue())
    with pytest.raises(DataError, match=r"The array 'x' of '.*' says it is \(1000000000000, 4\) of float64, for which"):
        load_data(str(path))


def test_an_archive_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("x.npy", bytes(3 * 10**8))
    with pytest.raises(DataError, match=r"would unpack from \d\.\d MB to over 268 MB"):
        load_data(str(path))

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepnrc.data.sources.images.unpickling import read_arrays
from deepnrc.errors import DataError

HELD = {"data": np.arange(6, dtype=np.uint8).reshape(2, 3), b"names": ["a", b"\xff"], "n": 3, "all": (1.5, None, True)}


def _pickled(folder: Path, content: bytes) -> Path:
    (folder / "a").write_bytes(content)
    return folder / "a"


@pytest.mark.parametrize("protocol", range(5))
def test_arrays_and_plain_values_come_back(tmp_path: Path, protocol: int) -> None:
    got = read_arrays(_pickled(tmp_path, pickle.dumps(HELD, protocol)))
    assert got.keys() == HELD.keys()
    assert (got["data"] == HELD["data"]).all()
    assert got["data"].dtype == np.uint8
    assert {key: got[key] for key in got if key != "data"} == {key: HELD[key] for key in HELD if key != "data"}


class _Runs:
    """Unpickled freely, it would leave a file behind."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    ("function", "name"),
    [(os.mkdir, r"posix\.mkdir|nt\.mkdir"), (eval, r"builtins\.eval"), (np.load, r"numpy\.load"), (getattr, "getattr")],
)
def test_anything_that_could_run_code_is_refused_by_name(tmp_path: Path, function: Any, name: str) -> None:
    target = tmp_path / "made"
    content = pickle.dumps({"data": np.ones(2), "labels": _Runs(function, str(target))})
    with pytest.raises(
        DataError, match=rf"asks for .*({name}), which no array needs and which could run any code: ref"
    ):
        read_arrays(_pickled(tmp_path, content))
    assert not target.exists()


def test_no_other_codec_is_called(tmp_path: Path) -> None:
    content = b"c_codecs\nencode\n(Vhello\nVrot13\ntR."
    with pytest.raises(DataError, match=r"is a damaged pickle \(a text in 'rot13'\)"):
        read_arrays(_pickled(tmp_path, content))


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps(HELD)[:-20], b"\x80\x04h\x05.", b"cnumpy\n"])
def test_damaged_pickles_are_explained(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"'.*a' is a damaged pickle \(.*\)\. Copy or download it again"):
        read_arrays(_pickled(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no file '.*b' \(looked from"):
        read_arrays(tmp_path / "b")

import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from deepnrc.errors import DataError
from deepnrc.loading.pickles import check_pickle, check_pickles

NAMED = Path("a.pt")
GREEDY = "'a.pt' asks for more memory than it holds data for: it is damaged, or made to harm, and was refused"


def ended(content: bytes, size: int | None = None) -> bool:
    return check_pickle(io.BytesIO(content), len(content) if size is None else size, NAMED)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("held", [None, 10**12, ["a", "b"] * 50, {"x": [(1.5, b"2")], "y": "z" * 300}])
def test_what_pickle_writes_ends_in_order(held: Any, protocol: int) -> None:
    stream = io.BytesIO(pickle.dumps(held, protocol) + b"behind")
    assert check_pickle(stream, len(stream.getvalue()), NAMED)
    assert stream.read() == b"behind"


@pytest.mark.parametrize(
    "content",
    [
        b"X" + struct.pack("<I", 2**32 - 1) + b"abc.",  # a text of 4 GB
        b"B" + struct.pack("<I", 2**30) + b"abc.",  # bytes
        b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b"abc.",
        b"Nr" + struct.pack("<I", 2**31) + b".",  # a memo of two thousand million places
        b"Np2000000000\n.",
        b"cbuiltins\nbytearray\nI2000000000\n\x85R.",
    ],
)
def test_what_asks_for_more_than_there_is_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=GREEDY):
        ended(content)


@pytest.mark.parametrize("content", [b"", b"\xff", b"N", b"I12x\n."])
def test_other_damage_is_left_to_the_reader(content: bytes) -> None:
    assert not ended(content)


def test_nothing_is_built_or_imported() -> None:
    assert ended(b"cabsent.module\nharm\n)R.")


def storage(key: str, count: int) -> bytes:
    """What torch.save writes for a storage: type, key, device, and how many elements."""
    kind, name, device = (b"X" + struct.pack("<I", len(part)) + part for part in (b"storage", key.encode(), b"cpu"))
    return b"(" + kind + b"ctorch\nFloatStorage\n" + name + device + b"J" + struct.pack("<i", count) + b"tQ"


def test_storages_together_may_not_be_larger_than_the_file() -> None:
    assert ended(storage("0", 60) + storage("1", 40) + b".", 100)
    with pytest.raises(DataError, match=GREEDY):
        ended(storage("0", 60) + storage("1", 41) + b".", 100)


def test_a_storage_that_several_tensors_share_counts_once() -> None:
    assert ended(storage("0", 60) * 5 + b".", 100)


@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_saves_passes_whole_or_held_in_memory(tmp_path: Path, zipped: bool) -> None:
    path, shared = tmp_path / "a.pt", torch.zeros(50)
    state = {"a": shared, "b": shared[3:], "c": shared.view(5, 10), "epoch": 10**9}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    check_pickles(path)
    check_pickles(path, io.BytesIO(path.read_bytes()))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_bomb_is_found_in_a_file_of_either_kind(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "a.pt"
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", storage("0", 10**9) + b".")
    else:
        path.write_bytes(pickle.dumps("first") + storage("0", 10**9) + b".")
    with pytest.raises(DataError, match="asks for more memory"):
        check_pickles(path)

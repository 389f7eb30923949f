"""Checkpoints that are damaged, or made to harm."""

import io
import pickle
import random
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from deepnrc.errors import DataError
from deepnrc.loading import load_checkpoint, read_state_dict
from deepnrc.loading.statedicts import find_state_dict

STATE = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5)).state_dict()


@pytest.mark.parametrize("zipped", [True, False])
def test_three_hundred_flipped_bits(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "a.pt"
    torch.save({"model": STATE, "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
    whole, draw, refused = path.read_bytes(), random.Random(0), 0
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            load_checkpoint(nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5)), path)
        except DataError:
            refused += 1
    assert refused > 10


def test_a_checkpoint_in_itself_is_read_and_a_deep_one_refused() -> None:
    cyclic: dict[str, object] = {"model": STATE}
    cyclic["self"] = cyclic["parents"] = cyclic
    assert find_state_dict(cyclic, "a.pt") == STATE
    doubling: dict[str, object] = {"epoch": 1}
    for _ in range(35):
        doubling = {"a": doubling, "b": doubling}
    with pytest.raises(DataError, match="There are no weights"):
        find_state_dict(doubling, "a.pt")
    deep: object = STATE
    for _ in range(2000):
        deep = {"a": deep}
    with pytest.raises(DataError, match=r"nested over 40 levels deep: 'a\.a\.a\.\.\.'"):
        find_state_dict(deep, "a.pt")


def archive(path: Path, flags: int = 0, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", "."), content)
    if flags:
        content = bytearray(path.read_bytes())
        at = content.rindex(b"PK\1\2")
        content[at + 8] |= flags
        path.write_bytes(content)
    return path


def test_encrypted_spanned_and_cut_archives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is an encrypted archive"):
        read_state_dict(archive(tmp_path / "a.zip", 1, policy__pth=b"x"))
    spanned = bytearray(archive(tmp_path / "b.zip", policy__pth=b"x").read_bytes())
    end = spanned.rindex(b"PK\5\6")
    spanned[end + 4 : end + 8] = struct.pack("<HH", 3, 2)
    (tmp_path / "b.zip").write_bytes(spanned)
    with pytest.raises(DataError, match=r"b\.zip' "):
        read_state_dict(tmp_path / "b.zip")
    with pytest.raises(DataError, match=r"holds 'data', not policy\.pth as Stable-Baselines3 saves"):
        read_state_dict(archive(tmp_path / "c.zip", data=b"{}"))


def test_the_policy_of_a_stable_baselines3_archive_is_read_and_nothing_else(tmp_path: Path) -> None:
    held = io.BytesIO()
    torch.save(STATE, held)
    evil = pickle.dumps(print)
    path = archive(tmp_path / "ppo.zip", policy__pth=held.getvalue(), data=evil, pytorch_variables__pth=evil)
    net = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5))
    load_checkpoint(net, path)
    assert torch.equal(net[0].weight, STATE["0.weight"])
    with pytest.raises(DataError, match=r"asks for '([\w.]+)?print'"):
        read_state_dict(archive(tmp_path / "evil.zip", policy__pth=pickle.dumps({"a": print}, 2)))
    greedy = b"\x80\x02X" + struct.pack("<I", 2**32 - 1) + b"abc."
    with pytest.raises(DataError, match="asks for more memory"):
        read_state_dict(archive(tmp_path / "greedy.zip", policy__pth=greedy))


GREEDY = {
    "text": b"\x80\x02X" + struct.pack("<I", 2**32 - 1) + b"abc.",
    "bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**32) + b"abcde.",
    "memo": b"\x80\x02]r" + struct.pack("<I", 2**32 - 1) + b".",
    "bytearray": b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
}


@pytest.mark.parametrize("kind", GREEDY)
def test_a_few_bytes_that_ask_for_gigabytes_are_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.pt").write_bytes(GREEDY[kind])
    with pytest.raises(DataError, match="asks for more memory than it holds data for"):
        read_state_dict(tmp_path / "a.pt")


def test_a_storage_larger_than_its_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save({"w": torch.zeros(70_000)}, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    numel = b"J" + struct.pack("<i", 70_000)
    assert content.count(numel) >= 1
    path.write_bytes(content.replace(numel, b"J" + struct.pack("<i", 2**30)))
    with pytest.raises(DataError, match="asks for more memory than it holds data for"):
        read_state_dict(path)


def test_an_archive_that_unpacks_without_end_is_refused_within_a_gigabyte(tmp_path: Path) -> None:
    held = io.BytesIO()
    torch.save({"w": torch.zeros(4)}, held)
    with (
        zipfile.ZipFile(held) as good,
        zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bad,
    ):
        for name in good.namelist():
            bad.writestr(name, good.read(name) if not name.endswith("data/0") else bytes(3 * 10**8))
    code = (
        "import sys, resource; resource.setrlimit(resource.RLIMIT_DATA, (2**31, 2**31))\n"
        "from deepnrc.loading import read_state_dict\nfrom deepnrc.errors import DataError\n"
        "try: read_state_dict(sys.argv[1])\nexcept DataError as error: print(error)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.pt")], capture_output=True, text=True, timeout=60, check=True
    )
    assert "would unpack from" in ended.stdout

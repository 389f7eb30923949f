import argparse
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from deepnrc.errors import DataError
from deepnrc.loading.checkpoints import read_state_dict


class Payload:
    """Creates a file when it is unpickled the unsafe way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return (os.system, (f"touch {self.path}",))


def test_a_payload_in_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "evil.pt", tmp_path / "trace"
    content = {"state_dict": nn.Linear(2, 3).state_dict(), "extra": Payload(trace)}
    refusal = r"asks for '(posix|nt)\.system' when it is loaded, .* it was refused and nothing was run\. If the file is"
    for zipped in (True, False):
        torch.save(content, path, _use_new_zipfile_serialization=zipped)
        with pytest.raises(DataError, match=refusal):
            read_state_dict(path)
    path.write_bytes(pickle.dumps(Payload(trace), protocol=2))
    with pytest.raises(DataError, match=refusal):
        read_state_dict(path)
    path.write_bytes(pickle.dumps(Payload(trace), protocol=5))  # torch never writes these
    with pytest.raises(DataError, match=r"is not a checkpoint that torch\.save wrote"):
        read_state_dict(path)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Payload(trace)))  # the payload itself works
    assert trace.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (nn.Sequential(nn.Linear(2, 3)), r"holds a whole pickled network \('torch\.nn.*Save the weights alone, where"),
        ({"model": nn.Linear(2, 3)}, r"whole pickled network .* torch\.save\(model\.state_dict\(\), 'weights\.pt'\)"),
        (
            {"best": np.float64(0.5)},
            r"holds numpy values beside the weights \('numpy\..* or turn the values into floats",
        ),
        (
            {"args": argparse.Namespace(lr=1)},
            r"asks for 'argparse\.Namespace' when .* If the file is your own, save the",
        ),
    ],
)
def test_files_that_hold_more_than_weights_say_what_to_save(tmp_path: Path, content: Any, words: str) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(DataError, match=words):
        read_state_dict(tmp_path / "a.pt")


def test_missing_empty_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no checkpoint '.*absent\.pt' \(looked from .*\)\. Check the path"):
        read_state_dict(tmp_path / "absent.pt")
    (tmp_path / "a.pt").touch()
    with pytest.raises(DataError, match=r"is a folder, not a checkpoint\. Pass one file; checkpoints in it: 'a\.pt'"):
        read_state_dict(tmp_path)
    with pytest.raises(DataError, match=r"'.*a\.pt' is empty \(0 bytes\)\. Copy, download or save it again"):
        read_state_dict(tmp_path / "a.pt")
    for content in (b"hello world, this is text", bytes(100)):
        (tmp_path / "a.pt").write_bytes(content)
        with pytest.raises(
            DataError, match=r"is not a checkpoint that torch\.save wrote, or it is damaged \(.*Pass a \.pt"
        ):
            read_state_dict(tmp_path / "a.pt")
    np.savez(tmp_path / "arrays.npz", x=np.ones(3))
    with pytest.raises(DataError, match=r"is not a checkpoint that torch\.save wrote"):
        read_state_dict(tmp_path / "arrays.npz")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("part", [0.5, 0.98])
def test_files_that_were_cut_short_say_so(tmp_path: Path, zipped: bool, part: float) -> None:
    path = tmp_path / "a.pt"
    torch.save(nn.Linear(20, 30).state_dict(), path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with pytest.raises(DataError, match=r"ends too early: it is cut short\. Copy, download or save it again"):
        read_state_dict(path)


def test_a_torchscript_program_is_told_apart(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 3)), tmp_path / "a.pt")
    recwarn.clear()  # torch.jit itself is deprecated
    with pytest.raises(DataError, match=r"is a TorchScript program, not weights\. Save the weights alone: torch\.save"):
        read_state_dict(tmp_path / "a.pt")


def test_damaged_safetensors_say_so(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(nn.Linear(2, 3).state_dict(), path)
    whole = path.read_bytes()
    for content in (whole[:-3], whole[:5], b"hello world, this is text"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"cannot be read as a safetensors file \(.*cut short or of another kind"):
            read_state_dict(path)

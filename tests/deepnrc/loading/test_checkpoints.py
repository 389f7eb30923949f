from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from deepnrc.errors import DataError
from deepnrc.loading.checkpoints import load_checkpoint, read_state_dict


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("ending", ["pt", "pth", "ckpt", "bin", "safetensors", "pth.tar"])
def test_every_kind_of_file_gives_back_the_weights(tmp_path: Path, ending: str) -> None:
    path, state = tmp_path / f"weights.{ending}", nn.Linear(2, 3).state_dict()
    save_file(state, path) if ending == "safetensors" else torch.save(state, path)
    assert _same(read_state_dict(path), state)
    assert _same(read_state_dict(str(path)), state)


def test_the_format_from_before_torch_1_6_is_read(tmp_path: Path) -> None:
    state = nn.Linear(2, 3).state_dict()
    torch.save({"model": state}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert _same(read_state_dict(tmp_path / "old.pth"), state)


def test_a_lightning_checkpoint_loads_with_its_prefix(tmp_path: Path) -> None:
    trained, network = nn.Linear(2, 3), nn.Linear(2, 3)
    content = {
        "epoch": 9,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {f"model.{name}": value for name, value in trained.state_dict().items()},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(1.0), "best": "a.ckpt"}},
        "optimizer_states": [torch.optim.Adam(trained.parameters()).state_dict()],
        "hyper_parameters": {"lr": 1e-3},
    }
    torch.save(content, tmp_path / "last.ckpt")
    load_checkpoint(network, tmp_path / "last.ckpt")
    assert _same(network.state_dict(), trained.state_dict())


def test_weights_that_do_not_fit_leave_the_network_as_it_was(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.save(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 4)).state_dict(), tmp_path / "a.pt")
    with pytest.raises(
        DataError, match=r"'a\.pt' do not fit the network \(2 of another shape: '1\.weight: \(4, 2\) in"
    ):
        load_checkpoint(network, tmp_path / "a.pt")
    assert _same(network.state_dict(), before)


def test_a_module_that_refuses_its_weights_is_explained(tmp_path: Path) -> None:
    class Picky(nn.Linear):
        def _load_from_state_dict(self, *args: Any) -> None:
            args[-1].append("this layer wants nothing")

    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "a.pt")
    with pytest.raises(DataError, match=r"'a\.pt' do not load into Picky: .*\n.*this layer wants nothing"):
        load_checkpoint(Picky(2, 3), tmp_path / "a.pt")

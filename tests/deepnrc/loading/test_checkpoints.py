import math
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


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path, value: float, ending: str) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    state["2.weight"][0, 1] = value
    save = save_file if ending == "safetensors" else torch.save
    save(state, tmp_path / f"w.{ending}")
    with pytest.raises(DataError, match=r"1 weights in 'w\..*' hold NaN or infinity: '2\.weight \(1 of 8\)'\. The tr"):
        load_checkpoint(net, tmp_path / f"w.{ending}")
    assert bool(torch.isfinite(net[2].weight).all())


def test_running_statistics_that_are_nan_are_refused_too(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    torch.save({**net.state_dict(), "1.running_var": torch.full((4,), math.nan)}, tmp_path / "w.pt")
    with pytest.raises(DataError, match=r"hold NaN or infinity: '1\.running_var \(4 of 4\)'"):
        load_checkpoint(net, tmp_path / "w.pt")


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32, torch.float8_e4m3fn])
def test_quantized_weights_without_their_scales_are_refused(tmp_path: Path, dtype: torch.dtype) -> None:
    net = nn.Linear(3, 2)
    torch.save({"weight": torch.ones(2, 3).to(dtype), "bias": torch.zeros(2)}, tmp_path / "w.pt")
    kind = str(dtype).removeprefix("torch.")
    with pytest.raises(
        DataError, match=f"1 weights in 'w.pt' are of '{kind}', where .*: 'weight'. They seem to be qua"
    ):
        load_checkpoint(net, tmp_path / "w.pt")


def test_buffers_of_whole_numbers_masks_and_halves_load(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    net.register_buffer("mask", torch.full((2, 2), -math.inf).triu(1))
    torch.save({n: v.half() if v.is_floating_point() else v for n, v in net.state_dict().items()}, tmp_path / "w.pt")
    load_checkpoint(net, tmp_path / "w.pt")

"""Devices, autocast and loaders: what is given away of the user's surroundings, and what is refused."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import deepnrc
from deepnrc import UsageError
from deepnrc.measuring.settling import firstbatch


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


X, W = torch.randn(20, 6), torch.randn(6, 3)


def test_a_loader_computes_its_targets_outside_of_autocast(net):
    seen = []

    def loader():
        seen.append((X @ W).dtype)
        yield X, X @ W

    deepnrc.probe(net, loader(), autocast=torch.bfloat16, progress=False)
    assert seen == [torch.float32]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int8, torch.complex64])
def test_an_autocast_that_does_nothing_is_refused(net, dtype):
    with pytest.raises(UsageError, match=r"autocast does nothing on cpu with torch\..*Give torch\.bfloat16"):
        deepnrc.probe(net, (X, X @ W), autocast=dtype, progress=False)


def test_a_network_of_double_precision_under_autocast_is_told_of(net):
    with pytest.warns(UserWarning, match="weights are of double precision, which autocast leaves as it is"):
        deepnrc.probe(net.double(), (X.double(), X @ W), autocast=torch.bfloat16, progress=False)


@pytest.mark.parametrize("device", ["meta", "xla", "nonsense", "cuda:99", 3.5])
def test_a_device_without_numbers_or_that_is_not_there_is_refused(net, device):
    with pytest.raises(UsageError, match="device"):
        deepnrc.probe(net, (X, X @ W), device=device, progress=False)


def test_a_device_beyond_the_last_is_refused(net, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    told = "There is no device 'cuda:2' on this machine, which has 2 of that kind, the last of which is 'cuda:1'"
    with pytest.raises(UsageError, match=told):
        deepnrc.probe(net, (X, X @ W), device="cuda:2", progress=False)


@pytest.mark.parametrize("kind", ["pair", "arrays", "loader"])
def test_a_default_device_without_numbers_is_no_hindrance(net, kind, same):
    data = (X, X @ W)
    expected = deepnrc.probe(net, data, progress=False)
    if kind == "arrays":
        data = tuple(part.numpy() for part in data)
    if kind == "loader":
        data = DataLoader(TensorDataset(*data), batch_size=20)
    torch.set_default_device("meta")
    try:
        found = deepnrc.probe(net, data, progress=False)
    finally:
        torch.set_default_device(None)
    same(found, expected, rel=1e-9)


@pytest.mark.parametrize("cut", [lambda y: y[:, 0], lambda y: y[:, :1], lambda y: y[:, ::2], lambda y: y.T[0]])
def test_a_last_batch_of_one_row_may_be_a_slice(cut):
    net, Y = nn.Linear(6, cut(torch.ones(2, 3)).reshape(2, -1).shape[1]), X @ W
    report = deepnrc.probe(net, [(X[:19], cut(Y[:19])), (X[19:], cut(Y[19:]))], progress=False)
    assert set(report.table["n_samples"]) == {20}


def test_the_first_batch_is_looked_at_and_read_again_under_autocast(net, monkeypatch):
    seen, look = [], firstbatch.look

    def looked(*given):
        seen.append((torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")))
        return look(*given)

    monkeypatch.setattr(firstbatch, "look", looked)
    deepnrc.probe(net, (X, X @ W), autocast=torch.bfloat16, progress=False)
    assert seen == [(True, torch.bfloat16)]

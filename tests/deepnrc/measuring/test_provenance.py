import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import deepnrc
from deepnrc.loading.models import load_model
from deepnrc.measuring.provenance import DataFingerprint, fingerprint


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def of(*batches: tuple[Tensor, ...]) -> str:
    prints = DataFingerprint()
    for batch in batches:
        prints.update(batch)
    return str(prints)


X, Y = torch.arange(24.0).reshape(12, 2), torch.arange(12.0)


def test_one_record_a_measurement_as_json_holds_it() -> None:
    options: dict[str, Any] = {
        "layers": [nn.Linear],
        "pool": nn.functional.softmax,
        "probes": [deepnrc.CATALOG[0], "model.*"],
    }
    report = deepnrc.probe(network(), (X[:, :1].expand(-1, 3), X), run="mine", step=4, progress=False, **options)
    (record,) = report.provenance
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert (record["run"], record["step"], record["samples"], record["device"]) == ("mine", 4, 12, "cpu")
    assert record["arguments"]["layers"] == ["Linear"]
    assert record["arguments"]["pool"] == "softmax"
    assert record["arguments"]["probes"] == ["deep.noise", "model.*"]
    assert record["model"]["parameters"] == 34
    assert set(record["versions"]) == {"deepnrc", "torch", "numpy", "python"}
    assert record["versions"]["deepnrc"] == deepnrc.__version__
    assert record["seconds"] > 0
    assert record["created"].endswith("+00:00")


def test_nothing_in_it_tells_of_the_machine(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text("from torch import nn\nclass Net(nn.Linear):\n    def __init__(self): super().__init__(2, 1)\n")
    report = deepnrc.probe(load_model(f"{path}:Net"), (X, Y), progress=False)
    text = json.dumps(report.provenance)
    for trace in (str(tmp_path), str(Path.home()), str(Path.cwd()), "_deepnrc_", " at 0x"):
        assert trace not in text
    assert report.provenance[0]["model"]["class"] == "net.Net"


def test_the_network_s_fingerprint_is_that_of_its_weights() -> None:
    assert fingerprint(network()) == fingerprint(network()) == fingerprint(network().eval())
    assert len(fingerprint(network())) == 32


def _change(name: str) -> nn.Module:
    net = network()
    value = net.state_dict()[name]
    value.view(-1)[-1].add_(1e-6 if value.is_floating_point() else 1)
    return net


@pytest.mark.parametrize("name", list(network().state_dict()))
def test_one_weight_or_buffer_changes_the_fingerprint(name: str) -> None:
    assert fingerprint(_change(name)) != fingerprint(network())


def test_names_shapes_and_dtypes_change_the_fingerprint() -> None:
    zeros = nn.Linear(2, 3, bias=False), nn.Linear(3, 2, bias=False), nn.Linear(2, 3, bias=False, dtype=torch.float16)
    for layer in zeros:
        nn.init.zeros_(layer.weight)
    prints = {fingerprint(layer) for layer in zeros} | {fingerprint(nn.Sequential(zeros[0]))}
    assert len(prints) == 4
    assert fingerprint(nn.Linear(2, 2, dtype=torch.bfloat16))
    assert fingerprint(nn.Identity())


@pytest.mark.parametrize("size", [1, 5, 12])
def test_the_batch_size_does_not_change_the_data_s_fingerprint(size: int) -> None:
    assert of(*zip(X.split(size), Y.split(size), strict=True)) == of((X, Y))
    loader = DataLoader(TensorDataset(X, Y), batch_size=size)
    record = deepnrc.probe(nn.Linear(2, 1), loader, progress=False).provenance[0]
    assert record["data"]["fingerprint"] == of((X, Y))


def test_one_value_their_order_or_their_pairing_change_the_data_s_fingerprint() -> None:
    other, target = X.clone(), Y.clone()
    other[7, 1] += 1e-5
    target[0] = 1e-30
    prints = {of((X, Y)), of((other, Y)), of((X, target)), of((X.flip(0), Y.flip(0))), of((X, Y.flip(0))), of((Y, X))}
    assert len(prints) == 6
    assert of((X.mT.contiguous().mT, X[:, 1])) == of((X, X[:, 1].clone()))


def test_layers_left_out_are_recorded() -> None:
    net = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 1))
    report = deepnrc.probe(net, (torch.arange(10).reshape(5, 2) % 5, torch.randn(5)), progress=False)
    assert report.provenance[0]["left_out"] == [["0", "Embedding is neither Linear nor a convolution"]]


def test_how_a_weight_is_known_stands_in_the_record_where_its_class_does_not_tell(probe):
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(4, 3))

        def forward(self, x):
            return x @ self.kernel

    net, data = nn.Sequential(nn.Linear(5, 4), Turned()), (torch.randn(30, 5), torch.randn(30, 3))
    assert probe(net, data).provenance[0]["weights"] == {"1": "weight by response"}
    given = probe(net, data, linears={Turned: lambda m: m.kernel.mT})
    assert given.provenance[0]["weights"] == {"1": "weight as given in linears"}
    assert probe(nn.Linear(5, 3), data).provenance[0]["weights"] == {}

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from deepnrc.errors import DataError, UsageError
from deepnrc.loading.models import load_model

pytest.importorskip("timm")
pytest.importorskip("torchvision.models")


@pytest.fixture
def spec(tmp_path: Path) -> Any:
    """Write a Python file with torch.nn in it and return its spec for a name in it."""

    def write(text: str, name: str = "make") -> str:
        (tmp_path / "net.py").write_text(f"from torch import nn\n{text}\n")
        return f"{tmp_path / 'net.py'}:{name}"

    return write


@pytest.mark.parametrize("name", ["timm:test_resnet", "timm:test_resnet.r160_in1k", "torchvision:squeezenet1_1"])
def test_networks_are_built_by_name_with_the_outputs_asked_for(name: str) -> None:
    model = load_model(name, num_classes=3).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 3)
        assert load_model(name, num_classes=1).eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 1)


@pytest.mark.parametrize(
    "text",
    ["def make(): return nn.Linear(2, 3)", "class make(nn.Linear):\n  def __init__(self): super().__init__(2, 3)"],
)
def test_a_factory_in_a_file_is_called(spec: Any, text: str) -> None:
    assert isinstance(load_model(spec(text)), nn.Linear)


def test_a_network_in_a_file_is_taken_as_it_is_even_though_it_can_be_called(spec: Any) -> None:
    assert isinstance(load_model(spec("make = nn.Linear(2, 3)")), nn.Linear)


def test_a_factory_in_a_package_is_called() -> None:
    assert isinstance(load_model("torch.nn:Identity"), nn.Identity)


def test_a_checkpoint_is_loaded(spec: Any, tmp_path: Path) -> None:
    trained = nn.Linear(2, 3)
    torch.save({"model": trained.state_dict(), "ema": nn.Linear(2, 3).state_dict()}, tmp_path / "a.pt")
    made = load_model(spec("def make(): return nn.Linear(2, 3)"), checkpoint=tmp_path / "a.pt", state_key="model")
    assert torch.equal(made.weight, trained.weight)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"holds several sets of weights: 'model', 'ema'"):
        load_model("torch.nn:Identity", checkpoint=tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "timm:resnet81",
            r"timm has no network 'resnet81'\. Did you mean 'resnet18' or .* timm\.list_models\(\) lists",
        ),
        (
            "timm:resnet18.a9_in1k",
            r"timm has no weights 'resnet18\.a9_in1k'\. Did you mean .*a1_in1k.* It has: 'resnet18",
        ),
        ("timm:hf_hub:a/b", r"timm has no network 'hf_hub:a/b'"),
        ("torchvision:resnet81", r"torchvision has no network 'resnet81'\. Did you mean 'resnet18' or .* lists them"),
        ("resnet18", r"'resnet18' is no network\. Write timm:NAME, .*:factory\. Did you mean 'timm:resnet18'\?"),
        ("nothing_like_it", r"'nothing_like_it' is no network\. Write .* or package\.module:factory\.$"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_model(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "def make(): return [1]",
            r"'.*net\.py:make' returned a value of type list, not an nn\.Module\. Let it return the network",
        ),
        ("def make(): pass", r"returned a value of type NoneType, not an nn\.Module"),
        ("make = 3", r"'.*net\.py:make' is of type int, not an nn\.Module or a function that returns one"),
        (
            "def make():\n    return nn.Linear(2)",
            r"Calling '.*' failed with TypeError: .*'out_features' \(net\.py, line 3\)",
        ),
    ],
)
def test_factories_that_give_no_network_are_explained(spec: Any, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_model(spec(text))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"num_classes": 3},
            r"num_classes is for timm and torchvision names; let the factory 'torch\.nn:Identity' see",
        ),
        ({"pretrained": True}, r"pretrained is for timm and torchvision names"),
        (
            {"pretrained": True, "checkpoint": "a.pt"},
            r"Both pretrained weights and the checkpoint 'a\.pt' were asked for",
        ),
        (
            {"state_key": "ema"},
            r"The state key 'ema' says where weights are in a checkpoint: pass checkpoint too",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_model("torch.nn:Identity", **options)


@pytest.mark.parametrize("name", ["timm:test_resnet", "torchvision:resnet18"])
def test_a_network_needs_at_least_one_output(name: str) -> None:
    with pytest.raises(UsageError, match=r"The number of classes must be at least 1, but 0 was given"):
        load_model(name, num_classes=0)


def test_a_missing_timm_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UsageError, match=r"needs the package 'timm', which is not installed\. Install it with: pip"):
        load_model("timm:resnet18")

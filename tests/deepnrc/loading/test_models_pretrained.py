from typing import Any

import pytest
from torch import nn

from deepnrc.errors import UsageError
from deepnrc.loading.models import load_model

timm = pytest.importorskip("timm")
torchvision_models = pytest.importorskip("torchvision.models")


def _fail(error: Exception) -> Any:
    def function(*_: Any, **__: Any) -> Any:
        raise error

    return function


class HubError(FileNotFoundError, ValueError):
    """As the Hugging Face hub's LocalEntryNotFoundError once was."""


@pytest.mark.parametrize("error", [HubError("no\nnetwork"), ConnectionError("no"), RuntimeError("no"), KeyError()])
def test_weights_that_timm_cannot_reach_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(timm, "create_model", _fail(error))
    words = (
        r"weights of 'resnet18' are neither in timm's cache nor reachable \(\w+: .*\)\. Download .*checkpoint='FILE'"
    )
    with pytest.raises(UsageError, match=words) as caught:
        load_model("timm:resnet18", pretrained=True)
    assert caught.value.__cause__ is error
    assert "model.safetensors of 'timm/resnet18.a1_in1k' on the Hugging Face hub" in str(caught.value)
    assert "HF_HUB_OFFLINE=1 in the environment keeps timm" in str(caught.value)
    with pytest.raises(UsageError, match=r"timm could not build 'resnet18' with"):
        load_model("timm:resnet18")


def test_weights_that_torchvision_cannot_reach_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision_models.ResNet18_Weights, "get_state_dict", _fail(OSError("no route")))
    monkeypatch.setattr(torchvision_models, "get_model", _fail(AssertionError("built without its weights")))
    with pytest.raises(
        UsageError, match=r"neither in torchvision's cache nor reachable \(OSError: no route\)"
    ) as caught:
        load_model("torchvision:resnet18", pretrained=True)
    assert "HF_HUB" not in str(caught.value)


def test_torchvision_weights_are_read_without_unpickling(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        torchvision_models.ResNet18_Weights, "get_state_dict", lambda _, **options: asked.update(options)
    )
    monkeypatch.setattr(torchvision_models, "get_model", lambda name, weights: nn.Identity())
    load_model("torchvision:resnet18", pretrained=True)
    assert asked["weights_only"] is True
    assert asked["check_hash"] is True


def test_names_without_weights_and_builders_that_fail_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        UsageError,
        match=r"timm has no pretrained weights for 'botnet50ts_256'\. Leave out pretrained=True",
    ):
        load_model("timm:botnet50ts_256", pretrained=True)
    monkeypatch.setattr(timm, "create_model", _fail(TypeError("unexpected keyword")))
    with pytest.raises(
        UsageError, match=r"timm could not build 'resnet18' with \{.*'num_classes': 3\}: unexpected keyw"
    ):
        load_model("timm:resnet18", num_classes=3)

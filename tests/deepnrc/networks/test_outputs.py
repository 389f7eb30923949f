from collections import OrderedDict
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from deepnrc import UsageError
from deepnrc.networks.outputs import fitting, logits, named, taken


@dataclass
class Fields:
    loss: Tensor
    logits: Tensor
    hidden: tuple[Tensor, ...] = ()


class Plain:
    def __init__(self, mean):
        self.mean = mean


class Named(OrderedDict):
    """Like the outputs of transformers: a mapping whose keys are attributes too."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error


X, H = torch.randn(6, 3), torch.randn(6, 8)


def test_every_tensor_has_a_name():
    value = {"a": X, "more": (X, [H]), "out": Fields(X.sum(), X, (H,))}
    assert [name for name, _ in named(value)] == ["a", "more.0", "more.1.0", "out.loss", "out.logits", "out.hidden.0"]
    assert [name for name, _ in named(X)] == [""]


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ((H, X), 1),
        ((H, X), -1),
        ((H, X), "1"),
        ({"h": H, "mean": X}, "mean"),
        ({"h": H, "mean": X}, 1),
        ({"policy": (H, {"mean": X})}, "policy.1.mean"),
        (Fields(H, X), "logits"),
        (Plain(X), "mean"),
        (Named(loss=H, logits=X), "logits"),
        (X, 0),
        ((H, X), lambda out: out[1]),
        ([H, Plain(X)], "1.mean"),
    ],
)
def test_an_output_is_taken_by_name_index_attribute_or_callable(value, output):
    assert taken(value, output) is X


@pytest.mark.parametrize(
    ("value", "output", "says"),
    [
        ((H, X), 2, "output=2: the network returned nothing of this name. It holds '0' (6, 8), '1' (6, 3)."),
        ({"mean": X}, "maen", "output='maen': the network returned nothing of this name. Did you mean 'mean'?"),
        (X, 1, "nothing of this name. It is a Tensor."),
        *(
            ((H, X), odd, f"output={odd!r}: the network returned nothing of this name.")
            for odd in ("²", "--1", "٣", "-")
        ),
        (Fields(H, X), "hidden", "output='hidden' gives a tuple, not real numbers."),
        ((X.argmax(1), X), 0, "output=0 gives a tensor of torch.int64, not real numbers."),
        ((X, X), len, "output='len' gives a int, not real numbers."),
    ],
)
def test_what_cannot_be_taken_is_refused(value, output, says):
    with pytest.raises(UsageError) as refused:
        taken(value, output)
    assert says in str(refused.value)


def test_the_one_output_of_the_targets_shape():
    assert fitting({"0": H, "1": X}, (6, 3)).name == "1"
    assert fitting({"": X[:, 0]}, (6, 1)).name == ""
    assert fitting({"0": X.long(), "1": X}, (6, 3)).name == "1"
    two = fitting({"mean": X, "log_std": X}, (6, 3))
    assert two.name is None
    assert two.reason.startswith("several outputs have the targets' shape (N, 3), 'mean' (6, 3), 'log_std' (6, 3): ")
    assert "output=" in two.reason
    assert fitting({"": H}, (6, 3)).reason == "the output (6, 8) does not have the targets' shape (N, 3)"
    assert "output=" not in fitting({"": H[..., None]}, (6, 3)).reason
    assert "such as lambda out: out.flatten(1)" in fitting({"": H.reshape(6, 4, 2)}, (6, 8)).reason
    assert fitting({"": X + 0j}, (6, 3)).reason == "the output (6, 3) holds complex numbers"
    assert fitting({}, (6, 3)).reason == "the network returned no tensor"


@pytest.mark.parametrize(
    ("outputs", "behind", "name"),
    [
        ({"": X}, {}, ""),
        ({"loss": X.sum(), "logits": X}, {}, "logits"),
        ({"logits": X, "hidden": H}, {}, "logits"),
        ({"out.logits": X, "hidden": H}, {}, "out.logits"),
        ({"0": H, "1": X}, {"1": frozenset({"0"})}, "1"),
        ({"0": X, "1": H}, {"0": frozenset({"1"})}, "0"),
        ({"0": H, "1": H, "2": X}, {"1": frozenset({"0"}), "2": frozenset({"0", "1"})}, "2"),
        ({"0": torch.randn(6, 4, 4), "1": X}, {}, "1"),
    ],
)
def test_the_output_that_holds_the_logits(outputs, behind, name):
    assert logits(outputs, 6, behind).name == name


@pytest.mark.parametrize(
    ("outputs", "behind"),
    [
        ({"0": H, "1": X}, {}),
        ({"main": X, "aux": X + 1}, {"main": frozenset(), "aux": frozenset()}),
        ({"0": H, "1": X, "2": X}, {"1": frozenset({"0"}), "2": frozenset({"0"})}),
        ({"0": torch.randn(6, 4, 4)}, {}),
        ({}, {}),
    ],
)
def test_logits_that_cannot_be_told(outputs, behind):
    found = logits(outputs, 6, behind)
    assert found.name is None
    assert "several outputs could hold the logits" in found.reason or "no output (N, K) says how many" in found.reason

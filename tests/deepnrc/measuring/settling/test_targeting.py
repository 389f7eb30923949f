from types import SimpleNamespace

import pytest
import torch

from deepnrc.data import Targets
from deepnrc.errors import UsageError
from deepnrc.measuring.settling.targeting import read_targets, settled_top
from deepnrc.measuring.streaming.performance import Performance


def test_classes_are_as_many_as_the_output_that_holds_the_logits():
    network, outputs = Performance(), {"logits": torch.randn(4, 3), "loss": torch.randn(())}
    found = read_targets(torch.tensor([0, 2, 1, 0]), SimpleNamespace(outputs=outputs), network, None, 1, None)
    assert (network.name, found.one_hot, found.Y.shape) == ("logits", True, (4, 3))


def test_classes_without_an_output_that_tells_are_refused():
    forward = SimpleNamespace(outputs={"a": torch.randn(4, 3), "b": torch.randn(4, 3)})
    with pytest.raises(UsageError, match="Name the output that says how many with output,"):
        read_targets(torch.tensor([0, 2, 1, 0]), forward, Performance(), None, 1, None)


def test_without_an_output_there_is_no_top_layer():
    network = Performance()
    forward, y = SimpleNamespace(outputs={}, readings={}), Targets(torch.randn(4, 3).double(), 0.0, False)
    found = settled_top(None, forward, y, network, None, "mean")
    assert (found.key, bool(found.missing)) == (None, True)

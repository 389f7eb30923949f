import pytest
from torch import nn

from deepnrc.networks.choosing.naming import asked_for, called_shortcuts, own_name


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("head", "head"),
        ("parametrizations.head.original", "head"),
        ("body.0.parametrizations.weight.original1", "body.0.weight"),
        ("parametrizations.head.0._u", "parametrizations.head.0._u"),
    ],
)
def test_a_parameter_that_is_stored_in_another_form_has_its_own_name(stored, name):
    assert own_name(stored) == name


@pytest.mark.parametrize(
    ("layers", "asked"),
    [
        ("weights", True),
        (["weights", "!a"], True),
        (["!a", "!b.*"], True),
        ("*.M", True),
        (["a", "net.M"], True),
        ("blocks", False),
        ("!net", False),
        (["weights", "!*M"], False),
        (nn.Linear, False),
        ([nn.Linear], False),
        (lambda name, module: True, False),
    ],
)
def test_entries_ask_for_a_parameter(layers, asked):
    assert asked_for(layers, "net.M") is asked


def test_names_of_shortcuts_count_inside_of_blocks_alone():
    net = nn.ModuleDict({"shortcut": nn.Linear(2, 2), "blocks": nn.ModuleList([Block(), Block()])})
    weights = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)]
    assert called_shortcuts(net, weights) == ["blocks.0.shortcut", "blocks.1.shortcut"]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.shortcut = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, x):
        return self.b(self.a(x).relu()) + self.shortcut(x)

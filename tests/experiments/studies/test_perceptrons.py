"""Flags of multilayer perceptrons: a study's own network and recipe, changed by what is given."""

import pytest

from experiments.networks import Mlp
from experiments.runner import Recipe
from experiments.studies.perceptrons import Perceptrons


@pytest.mark.parametrize(
    ("flags", "network"),
    [({}, Mlp((4,), bias=True, last_relu=False)), ({"head": "relu"}, Mlp((4,), bias=True, last_relu=True)),
     ({"bias": "no"}, Mlp((4,), bias=False, last_relu=False)),
     ({"norm": "batch"}, Mlp((4,), bias=True, last_relu=False, norm="batch"))],
)  # fmt: skip
def test_a_given_flag_goes_before_the_studys_own(flags, network):
    assert Perceptrons(**flags).mlp(4, bias=True, last_relu=False) == network


def test_a_recipe_keeps_what_no_flag_changes():
    own = Recipe(lr=0.3, momentum=0.5, epochs=7, batch=9)
    assert Perceptrons().recipe(own) == own
    changed = Perceptrons(lr=1e-3, optimizer="adam", epochs=2).recipe(own)
    assert changed == Recipe("adam", lr=1e-3, momentum=0.5, epochs=2, batch=9)

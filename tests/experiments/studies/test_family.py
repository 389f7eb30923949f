"""What studies share: weight decays, one setting for each, and flags that are taken back from a file."""

import json

import pytest

from deepnrc.errors import DataError, UsageError
from experiments.data import Linnerud
from experiments.networks import Mlp
from experiments.runner import Recipe
from experiments.studies.family import OverDecays


def settings(**apart):
    return OverDecays().over_decays(Linnerud(), Mlp((4,)), Recipe(epochs=3), (0.0, 1e-2), probe={"rank": 1}, **apart)


def test_the_studys_own_decays_give_way_to_those_of_the_flag():
    assert OverDecays().decays((0.0, 1.0)) == (0.0, 1.0)
    assert OverDecays(weight_decay=(0.5, 0.1)).decays((0.0, 1.0)) == (0.1, 0.5)
    with pytest.raises(UsageError, match="needs at least one value"):
        OverDecays(weight_decay=()).decays((0.0,))


def test_a_setting_for_each_decay_differs_in_its_recipe_alone():
    none, some = settings(targets="raw", last_relu=False)
    assert (none.recipe.weight_decay, some.recipe.weight_decay) == (0.0, 1e-2)
    assert some.facts == {"targets": "raw", "last_relu": False, "weight_decay": 1e-2}
    assert (none.data, none.network, none.probe) == (some.data, some.network, some.probe)


@pytest.mark.parametrize(
    ("apart", "labels"),
    [
        ({}, ["weight decay 0", "weight decay 0.01"]),
        ({"loss": "MSE"}, ["MSE, weight decay 0", "MSE, weight decay 0.01"]),
    ],
)
def test_labels_say_what_sets_them_apart(apart, labels):
    assert [setting.label for setting in settings(**apart)] == labels


def test_flags_come_back_as_words(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"weight_decay": [0.0, 0.1], "full": True, "epochs": None, "seeds": 2}))
    assert OverDecays.restored(file) == ["--weight-decay", "0.0", "0.1", "--full", "--seeds", "2"]
    file.write_text(json.dumps({"weight_decays": []}))
    with pytest.raises(DataError, match=r"'weight_decays' is no flag of this one.*weight_decay"):
        OverDecays.restored(file)

"""Recipes: each is known by its name, and fills whole roll-outs and mini-batches."""

import pytest

from experiments.data.shipped import names
from experiments.experts.recipe import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_known_by_its_name_and_records_the_shipped_files(name):
    recipe = RECIPES[name]
    assert recipe.name == name
    assert {shipped for shipped in names() if shipped.startswith(name)} <= {
        f"{name}_{pairs // 1000}k" for pairs in recipe.recordings
    }


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_updates_take_whole_mini_batches(recipe):
    assert recipe.horizon % recipe.minibatch == 0
    assert 0 < recipe.trace < 1
    assert 0 < recipe.gamma < 1

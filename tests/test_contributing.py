"""The recipes for contributors run as written."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"## (A \w+)\n.*?```python\n(.*?)```", TEXT, re.DOTALL))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_runs_as_written(recipe, tmp_path, monkeypatch, sketched):
    monkeypatch.chdir(tmp_path)
    brought = {"__name__": "recipe"}
    exec(compile(RECIPES[recipe], recipe, "exec", dont_inherit=True), brought)
    if recipe == "A study":
        brought["Wide"](epochs=2, seeds=1, jobs=1, width=8, out=tmp_path, progress=False).run()
        assert (tmp_path / "wide" / "index.html").is_file()


def test_there_are_four():
    assert list(RECIPES) == ["A probe", "A statistic", "A study", "A reader"]

"""What stops the drawing of Reacher is told apart: no simulator, and nothing to draw with."""

import sys
from types import SimpleNamespace

import pytest

from experiments.data.images import scenes
from experiments.data.images.rendering import NO_CONTEXT


def fails(*arguments):
    raise RuntimeError("no such thing")


def succeeds(*arguments):
    return SimpleNamespace(unwrapped=SimpleNamespace(model=None))


@pytest.fixture
def opened(monkeypatch):
    """Open with a gymnasium and a mujoco that do as told."""

    def make(environment, renderer):
        monkeypatch.setitem(sys.modules, "gymnasium", SimpleNamespace(make=environment))
        monkeypatch.setitem(sys.modules, "mujoco", renderer and SimpleNamespace(Renderer=renderer))
        return scenes._opened(8)

    return make


def test_an_environment_that_cannot_be_made_is_no_matter_of_drawing(opened):
    with pytest.raises(RuntimeError, match="no such thing"):
        opened(fails, succeeds)


@pytest.mark.parametrize(
    ("renderer", "words"), [(fails, "RuntimeError: no such thing"), (None, "ModuleNotFoundError: ")]
)
def test_a_renderer_that_cannot_be_made_or_loaded_is(opened, capsys, renderer, words):
    with pytest.raises(SystemExit) as caught:
        opened(succeeds, renderer)
    assert caught.value.code == NO_CONTEXT
    assert words in capsys.readouterr().err

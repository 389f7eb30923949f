"""Nothing runs compiled while something is probed, whether or not torch's compiler was imported before."""

import importlib
import sys

import pytest
import torch

from deepnrc.measuring.traces import eager
from deepnrc.measuring.traces.eager import Eager, Following


def stance():
    return torch._dynamo.eval_frame._stance.stance


def followers():
    return [finder for finder in sys.meta_path if isinstance(finder, Following)]


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    """A module in the compiler's place that has not been imported."""
    (tmp_path / "stands_for_dynamo.py").write_text("import json\nseen = []\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(eager, "COMPILER", "stands_for_dynamo")
    monkeypatch.delitem(sys.modules, "stands_for_dynamo", raising=False)
    return lambda: importlib.import_module("stands_for_dynamo")


def test_the_stance_is_set_as_soon_as_the_compiler_has_been_imported(compiler):
    before, finders, switch = stance(), list(sys.meta_path), Eager()
    switch.on()
    assert (stance(), len(followers())) == (before, 1)
    compiler()
    assert stance() == "force_eager"
    switch.off()
    assert (stance(), sys.meta_path) == (before, finders)


def test_the_module_itself_is_as_it_would_have_been(compiler):
    switch = Eager()
    switch.on()
    made = compiler()
    switch.off()
    assert made.seen == []
    plain = type(importlib.util.find_spec("json").loader)
    assert (type(made.__loader__), type(made.__spec__.loader)) == (plain, plain)
    assert importlib.reload(made) is made


def test_nothing_is_set_once_it_is_off_or_by_other_modules(compiler):
    before, switch = stance(), Eager()
    switch.on()
    importlib.reload(importlib.import_module("colorsys"))
    assert stance() == before
    switch.off()
    compiler()
    assert (stance(), followers()) == (before, [])


@pytest.mark.parametrize("imported", [False, True])
def test_both_may_be_called_twice(compiler, imported):
    before, switch = stance(), Eager()
    if imported:
        compiler()
    for call in (switch.on, switch.on):
        call()
    compiler()
    assert stance() == "force_eager"
    for call in (switch.off, switch.off):
        call()
    assert (stance(), followers()) == (before, [])


def test_an_import_that_fails_goes_on_as_it_is_and_leaves_nothing(compiler, tmp_path):
    (tmp_path / "stands_for_dynamo.py").write_text("raise ImportError('broken')\n")
    before, switch = stance(), Eager()
    switch.on()
    with pytest.raises(ImportError, match="broken"):
        compiler()
    assert stance() == before
    switch.off()
    assert followers() == []


def test_the_compiler_itself_is_followed():
    assert torch._dynamo.__name__ == eager.COMPILER

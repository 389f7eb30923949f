"""What holds for every test."""

import sys

import pytest


@pytest.fixture(autouse=True)
def figures_closed():
    """A figure that a test left open is closed after it."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")

"""What holds for every test."""

import contextlib
import sys

import pytest


@pytest.fixture(autouse=True)
def figures_closed():
    """A figure that a test left open is closed after it."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def sketch(figure, file, *, format, **_):
    """In place of rendering a figure, which takes ten times as long as all else that a short study does."""
    file.write(b'<svg viewBox="0 0 1 1"></svg>' if format == "svg" else b"not rendered")


@pytest.fixture(scope="session")
def sketching():
    """A context in which pictures are drawn and not rendered; their files are stubs."""

    @contextlib.contextmanager
    def context():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("matplotlib.figure.Figure.savefig", sketch)
            yield

    return context


@pytest.fixture
def sketched(sketching):
    """The same, for the whole of a test that is not about pictures."""
    with sketching():
        yield

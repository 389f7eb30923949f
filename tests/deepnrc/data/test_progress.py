import io
import sys
from collections.abc import Callable

import pytest

from deepnrc.data import progress, progress_bar, quiet


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a bar over three steps writes, to a terminal or to a file, where each step takes so many seconds."""

    def run(terminal: bool, seconds: float, **options: object) -> str:
        class Stream(io.StringIO):
            def isatty(self) -> bool:
                return terminal

        clock = iter(seconds * i for i in range(1000))
        monkeypatch.setattr(sys, "stderr", stream := Stream())
        shown = progress_bar(range(3), desc="probing", unit="batch", **options)  # type: ignore[arg-type]
        shown._time = lambda: next(clock)
        shown.start_t = shown.last_print_t = 0.0
        list(shown)
        return stream.getvalue()

    return run


def test_a_terminal_has_a_bar_that_is_drawn_over_itself(drawn: Callable[..., str]) -> None:
    text = drawn(True, 5.0)
    assert "\r" in text
    assert "probing:" in text


def test_without_a_terminal_it_is_a_line_every_ten_seconds(drawn: Callable[..., str]) -> None:
    lines = drawn(False, 11.0).split("\n")
    assert "\r" not in "".join(lines)
    assert lines[0].startswith("probing: ")
    assert "/3 batch, " in lines[0]
    assert 1 <= len([line for line in lines if line]) <= 3
    assert drawn(False, 0.1) == ""


def test_none_is_shown_where_none_is_wanted(drawn: Callable[..., str]) -> None:
    assert drawn(True, 5.0, progress=False) == ""
    with quiet():
        assert drawn(True, 5.0) == ""
        with quiet(False):
            assert drawn(True, 5.0) == ""
    with quiet(False):
        assert drawn(True, 5.0)


def test_what_only_clears_a_line_is_left_out() -> None:
    stream = io.StringIO()
    lines = progress.Lines(stream)
    for text in ("\rprobing: 1/3", "\r              \r", "\n"):
        lines.write(text)
    assert stream.getvalue() == "probing: 1/3\n"

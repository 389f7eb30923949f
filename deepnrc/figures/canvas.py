"""Where pictures are drawn and saved: a style that leaves matplotlib's settings alone, and three kinds of file."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from deepnrc.errors import UsageError
from deepnrc.table import write_whole
from deepnrc.wording import shown

SUFFIXES = (".png", ".pdf", ".svg")
ALL = ".*"  # "noise.*" is saved in every one of them, drawn once
INK = "#262626"


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Seaborn's ticks in print size, text that stays text, and files that are the same each time.

    Whether pyplot is interactive is left as it comes out: a notebook turns it on when the first figure is made, and
    shows no later one if it is put back.
    """
    ours = {
        **sns.axes_style("ticks"),
        **sns.plotting_context("paper"),
        "font.size": 8.0,
        "axes.labelsize": 8.0,
        "axes.titlesize": 9.0,
        "xtick.labelsize": 7.0,
        "ytick.labelsize": 7.0,
        "legend.fontsize": 7.0,
        "legend.title_fontsize": 7.0,
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
        "axes.linewidth": 0.8,
        "hatch.linewidth": 0.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "deepnrc",
        "pdf.fonttype": 42,
    }
    interactive = mpl.is_interactive()
    try:
        with mpl.rc_context(ours):
            yield
            interactive = mpl.is_interactive()
    finally:
        mpl.interactive(interactive)


@contextlib.contextmanager
def picture(path: str | Path | None, ax: Axes | None = None) -> Iterator[Figure | None]:
    """A figure to draw in, saved at the end if there is a path, whole or not at all; None if the caller brought Axes of
    his own.

    With neither, the figure is one of pyplot's, so that notebooks and ``plt.show()`` find it.

    Errors: UsageError for a suffix that is none of SUFFIXES, or a file that cannot be written.
    """
    file = None if path is None else _file(Path(path))
    with style():
        if ax is not None:
            yield None
            figure: Any = ax.get_figure(root=True)
        elif file is not None:
            yield (figure := Figure(layout="constrained"))
            _show(figure)
        else:
            from matplotlib import pyplot as plt

            figure = plt.figure(layout="constrained")
            try:
                yield figure
                _show(figure)
                for drawn_in in figure.axes:  # a notebook shows the figure; the Axes that a call returns say nothing
                    vars(drawn_in)["_ipython_display_"] = _silent
            except BaseException:
                plt.close(figure)
                raise
        if file is None:
            return
        paths = [file.with_suffix(suffix) for suffix in SUFFIXES] if file.suffix == ALL else [file]
        engine, drawn = figure.get_layout_engine(), {}
        try:
            for path in paths:
                drawn[path] = _drawn(figure, path.suffix.lower())
                figure.set_layout_engine("none")  # laid out once for all files
        finally:
            figure.set_layout_engine(engine)
        write_whole(drawn, "The figure")


def _silent() -> None:
    """What a notebook shows of Axes beside their figure."""


def _show(figure: Figure) -> None:
    """Write out in words what would be obeyed: a title of somebody else's, which no tick's label is."""
    for text in figure.findobj(Text):
        if (words := shown(text.get_text(), "\n")) != text.get_text():
            text.set_text(words)


def _file(path: Path) -> Path:
    if path.suffix.lower() not in (*SUFFIXES, ALL):
        raise UsageError(
            f"A figure cannot be saved as '{path.name}': its ending must be {', '.join(SUFFIXES[:-1])} "
            f"or {SUFFIXES[-1]}; '{path.stem}.*' saves all three."
        )
    return path


def _drawn(figure: Figure, kind: str) -> bytes:
    undated: dict[str, dict[str, Any]] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    content = io.BytesIO()
    figure.savefig(content, dpi=200, metadata=undated.get(kind), format=kind[1:])
    return content.getvalue()

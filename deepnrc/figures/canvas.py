"""Where pictures are drawn and saved: a style that leaves matplotlib's settings alone, and three kinds of file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepnrc.errors import UsageError

SUFFIXES = (".png", ".pdf", ".svg")
ALL = ".*"  # "noise.*" is saved in every one of them, drawn once
INK = "#262626"


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Seaborn's ticks in print size, text that stays text, and files that are the same each time."""
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
    with mpl.rc_context(ours):
        yield


@contextlib.contextmanager
def picture(path: str | Path | None, ax: Axes | None = None) -> Iterator[Figure | None]:
    """A figure to draw in, saved at the end if there is a path; None if the caller brought Axes of his own.

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
        else:
            from matplotlib import pyplot as plt

            figure = plt.figure(layout="constrained")
            try:
                yield figure
            except BaseException:
                plt.close(figure)
                raise
        if file is None:
            return
        if file.suffix != ALL:
            _save(figure, file)
            return
        engine = figure.get_layout_engine()
        try:
            for suffix in SUFFIXES:
                _save(figure, file.with_suffix(suffix))
                figure.set_layout_engine("none")  # laid out once for all files
        finally:
            figure.set_layout_engine(engine)


def _file(path: Path) -> Path:
    if path.suffix.lower() not in (*SUFFIXES, ALL):
        raise UsageError(
            f"A figure cannot be saved as '{path.name}': its ending must be {', '.join(SUFFIXES[:-1])} "
            f"or {SUFFIXES[-1]}; '{path.stem}.*' saves all three."
        )
    return path


def _save(figure: Figure, path: Path) -> None:
    undated: dict[str, dict[str, Any]] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    kind = path.suffix.lower()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=200, metadata=undated.get(kind), format=kind[1:])
    except OSError as error:
        raise UsageError(
            f"The figure cannot be written to '{path}': {error.strerror}. Name a file that you may write to."
        ) from error

"""The report: a table that can draw, print and page itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepnrc import summary as terminal
from deepnrc.table import TAU, Table, beside, published_curve

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Report(Table):
    """What was measured, with its pictures, its summary and its page; see ``deepnrc.Table`` for what it holds.

    Whatever is filtered, joined, renamed or loaded from a report is a report again.
    """

    def summary(self, tau: float = TAU, *, all: bool = False) -> None:
        """Print what it comes to in a sentence, then warnings, a row a layer with its verdict, and findings, for the
        last step of each run; of more than 24 layers the first, middle and last of each stage, unless ``all``."""
        print(terminal.text(self, tau, all))  # noqa: T201

    def __str__(self) -> str:
        return terminal.text(self)

    def _repr_html_(self) -> str:
        """What a notebook shows: the sentence, a heatmap and a row a layer."""
        from deepnrc import page

        return page.fragment(self)

    def heatmap(
        self,
        measure: str | Sequence[str] | None = None,
        *,
        tau: float = TAU,
        path: str | Path | None = None,
        **kwargs: Any,
    ) -> Axes:
        """Draw a heatmap with layers down the side; see ``deepnrc.figures.heatmap`` for all arguments.

        Across: steps if there are several, else runs if there are several, else measures.
        """
        from deepnrc import figures

        return figures.heatmap(self, measure, tau=tau, path=path, **kwargs)

    def lines(self, measure: str, *, tau: float = TAU, path: str | Path | None = None, **kwargs: Any) -> Axes:
        """Draw a measure by depth, one line a step or run; see ``deepnrc.figures.lines``."""
        from deepnrc import figures

        return figures.lines(self, measure, tau=tau, path=path, **kwargs)

    def beside_published(self, measure: str, published: tuple[str, str], variant: str = "default") -> pd.DataFrame:
        """A measure at each run's last step beside the curve of a paper, layer by layer, with the relative difference;
        see ``deepnrc.table.beside`` for the columns and for what is refused.

        Args:
            published: the study and series, such as ("swimmer", "wd 5e-3"); ``deepnrc published`` lists them.
        """
        return beside(self.values(measure, variant), published_curve(measure, published, variant))

    def overview(self, *, tau: float = TAU, path: str | Path | None = None, **kwargs: Any) -> Axes:
        """Draw six measures by depth in one figure; see ``deepnrc.figures.overview``."""
        from deepnrc import figures

        return figures.overview(self, tau=tau, path=path, **kwargs)

    def spectrum(
        self,
        of: str = "features",
        step: int | None = None,
        run: str | None = None,
        path: str | Path | None = None,
        **kwargs: Any,
    ) -> Axes:
        """Draw the eigenvalues or singular values of every layer; see ``deepnrc.figures.spectrum`` for all arguments.

        At a step, or at each run's last; of one run, or of all, side by side.
        """
        from deepnrc import figures

        return figures.spectrum(self, of, step=step, run=run, path=path, **kwargs)

    def noise_by_rank(
        self, step: int | None = None, run: str | None = None, path: str | Path | None = None, **kwargs: Any
    ) -> Axes:
        """Draw the noise fraction of every layer over the signal rank k; see ``deepnrc.figures.noise_by_rank``."""
        from deepnrc import figures

        return figures.noise_by_rank(self, step=step, run=run, path=path, **kwargs)

    def html(self, path: str | Path, title: str | None = None, *, tau: float = TAU) -> Path:
        """Write one self-contained page: summary, heatmaps, table, explanations, provenance, data."""
        from deepnrc import page

        return page.write(self, path, title, tau)


def load(*folders: str | Path) -> Report:
    """Read reports that ``Report.save`` wrote; several folders become one report, as ``Table.load`` says."""
    return Report.load(*folders)

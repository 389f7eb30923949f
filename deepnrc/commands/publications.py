"""The command that lists the papers' curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from deepnrc.commands.base import GOOD, Command, arg

if TYPE_CHECKING:
    from deepnrc.table import PublishedCurve

HEADINGS = ("study", "series", "measure", "k", "layers", "values", "paper")


@dataclass(frozen=True)
class Published(Command):
    """List the curves of the papers' figures: study, series, measure, k, layers, values and paper."""

    study: Annotated[
        Positional[str | None], arg(metavar="STUDY", help="Only studies whose names hold this, with their values.")
    ] = None

    def run(self) -> int:
        from deepnrc.errors import UsageError
        from deepnrc.table import published_curves
        from deepnrc.wording import listing

        curves = [curve for curve in published_curves() if self.study is None or self.study in curve.study]
        if not curves:
            studies = list(dict.fromkeys(curve.study for curve in published_curves()))
            raise UsageError(f"Nothing is published of a study {self.study!r}. Studies: {listing(studies, 20)}.")
        rows = [HEADINGS, *map(_row, curves)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(HEADINGS))]
        print("\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows))
        if self.study is not None:
            for curve in curves:
                print(f"\n{curve.study}, {curve.series or 'whole'}: {curve.measure} ({curve.variant})")
                print(f"  {', '.join(f'{layer}: {value:g}' for layer, value in curve.values.items())}")
                print(f"  {curve.note}" if curve.note else "", end="\n" if curve.note else "")
        print(
            f"\n{len(curves)} curves, read off figures with an error below 1e-3 of an axis. Over your own: "
            "report.lines(MEASURE, published=(STUDY, SERIES)), as data report.beside_published(MEASURE, (STUDY, "
            "SERIES)). k is the signal rank that fits the first layer, which depends on the data alone."
        )
        return GOOD


def _row(curve: PublishedCurve) -> tuple[str, ...]:
    """A curve as a line of the list."""
    measure = curve.measure if curve.variant == "default" else f"{curve.measure} ({curve.variant})"
    shown = [layer for layer in curve.values if layer]
    where = "network" if not shown else f"{shown[0]}" if len(shown) == 1 else f"{shown[0]} to {shown[-1]}"
    of = f"{where} of {curve.layers}" if shown else where
    values = [f"{value:g}" for value in curve.values.values()]
    ends = values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}"
    return curve.study, curve.series, measure, "" if curve.k is None else str(curve.k), of, ends, curve.paper

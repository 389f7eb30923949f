"""Commands that read saved reports: heatmaps, spectra and the HTML page."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from deepnrc.arguments import TAU
from deepnrc.commands.base import GOOD, Command, Tau, arg
from deepnrc.errors import UsageError
from deepnrc.wording import shown


@dataclass(frozen=True, kw_only=True)
class Drawing(Command):
    """What is drawn of saved reports, and where to."""

    folders: Annotated[
        Positional[tuple[Path, ...]], arg(metavar="DIR [DIR ...]", help="Saved reports; several become one picture.")
    ]
    out: Annotated[Path, arg(metavar="FILE", aliases=["-o"], help="Picture: .png, .pdf or .svg.")]


@dataclass(frozen=True, kw_only=True)
class Heatmap(Drawing):
    """Draw a heatmap with layers down the side; across are steps, runs or measures.

    For example: deepnrc heatmap runs/mine --measure noise_fraction -o noise.png
    """

    measure: Annotated[
        tuple[str, ...],
        arg(
            metavar="NAME [NAME ...]",
            help="Measures, by name or last word, such as noise_fraction, feature_stable_rank, cka or linear_r2 "
            "(`deepnrc probes` lists them); several are drawn side by side, none draws all.",
        ),
    ] = ("deep.noise_fraction",)
    variant: Annotated[str, arg(metavar="NAME", help="Variant of the measure.")] = "default"
    across: Annotated[Literal["step", "run", "measure"] | None, arg(help="What stands along the top.")] = None
    tau: Tau = TAU

    def run(self) -> int:
        import deepnrc
        from deepnrc.table import check_tau

        check_tau(self.tau)
        report = deepnrc.load(*self.folders)
        wanted = self.measure[0] if len(self.measure) == 1 else list(self.measure) or None
        with written(self.out):
            report.heatmap(wanted, variant=self.variant, across=self.across, tau=self.tau, path=self.out)
        print(shown(str(self.out)))
        return GOOD


@dataclass(frozen=True, kw_only=True)
class Spectrum(Drawing):
    """Draw eigenvalues or singular values of every layer; several runs stand side by side.

    For example: deepnrc spectrum runs/mine --of weight -o spectrum.png
    """

    of: Annotated[
        Literal["features", "targets", "weight", "cross", "cosines", "residuals", "noise-by-rank"],
        arg(
            help="Of the covariance of features or targets, of W, of S_HY; cosines of features with weights; or the "
            "noise fraction over the signal rank k."
        ),
    ] = "features"
    along: Annotated[Literal["index", "depth"], arg(help="What stands below: a line is a layer, or a value.")] = "index"
    step: Annotated[int | None, arg(metavar="N", help="The step; the last one of each run if not given.")] = None
    run_name: Annotated[str | None, arg(name="run", metavar="LABEL", help="The run; all if not given.")] = None

    def run(self) -> int:
        import deepnrc

        if self.of == "noise-by-rank" and self.along == "depth":
            raise UsageError("Noise by rank is drawn over k: leave out --along depth.")
        report = deepnrc.load(*self.folders)
        with written(self.out):
            if self.of == "noise-by-rank":
                report.noise_by_rank(self.step, self.run_name, self.out)
            else:
                report.spectrum(self.of, self.step, self.run_name, self.out, along=self.along)
        print(shown(str(self.out)))
        return GOOD


@dataclass(frozen=True, kw_only=True)
class ReportCommand(Command):
    """Write one self-contained HTML page from saved reports.

    For example: deepnrc report runs/a runs/b -o report.html
    """

    folders: Annotated[
        Positional[tuple[Path, ...]], arg(metavar="DIR [DIR ...]", help="Saved reports; several become one page.")
    ]
    out: Annotated[Path, arg(metavar="FILE", aliases=["-o"], help="The page: .html.")]
    title: Annotated[str | None, arg(metavar="TEXT", help="Its heading.")] = None
    tau: Tau = TAU

    def run(self) -> int:
        import deepnrc
        from deepnrc.table import check_tau

        check_tau(self.tau)
        report = deepnrc.load(*self.folders)
        with written(self.out):
            report.html(self.out, self.title, tau=self.tau)
        print(shown(str(self.out)))
        return GOOD


@contextlib.contextmanager
def written(file: Path) -> Iterator[None]:
    """Make the folder for a file that is written inside the block, and say what keeps it from being written."""
    from deepnrc.table import writable

    if file.is_dir():
        raise UsageError(f"'{file}' is a folder. Name a file in it with -o.")
    try:
        writable(file.parent).mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UsageError(
            f"'{file}' cannot be written ({error.strerror or error}). Name a file that you may write to with -o."
        ) from error

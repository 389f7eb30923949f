"""A pretrained network beside an untrained one of the same shape: probed on the same data, drawn, and judged."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

from tyro.conf import arg

import deepnrc
from deepnrc.table import join
from experiments.claims.verdicts import Verdict
from experiments.networks.packaged import Pair
from experiments.pages.page import Page, closing, leave_settings
from experiments.pages.pictures import drawn

PRETRAINED, UNTRAINED = "pretrained", "untrained"
OURS = "ours: what training should have done"
FILES = {
    "report.html": "every measure explained",
    "report/table.parquet": "every value",
    "settings.json": "configuration",
}
DRAWN = {
    "deep.noise_fraction": "Noise fraction",
    "deep.cka": "Alignment with the targets (CKA)",
    "deep.linear_r2": "Linear predictability",
    "deep.feature_stable_rank": "Feature stable rank",
    "deep.feature_weight_alignment": "Feature-weight alignment",
}


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """What these studies have in common; a subclass says which networks, on what.

    Attributes:
        name: of the folder and the command.
        takes: about how long the defaults take on 2 cores.
    """

    name: ClassVar[str]
    takes: ClassVar[str]

    seed: Annotated[int, arg(help="Of the untrained network, and of how images are cut where they are.")] = 0
    out: Annotated[Path, arg(help="Folder of all studies; each has one of its own in it.")] = Path("runs/studies")
    progress: Annotated[bool, arg(help="Show progress bars.")] = True

    @property
    def about(self) -> str:
        """What is shown, and what it is not."""
        raise NotImplementedError

    def pair(self) -> Pair:
        """The two networks with their data."""
        raise NotImplementedError

    def run(self) -> None:
        """Probe both, and leave a report, pictures and a page."""
        started = time.perf_counter()
        leave_settings(self, self.out / self.name)
        pair = self.pair()
        models = {PRETRAINED: pair.pretrained, UNTRAINED: pair.untrained}
        report = join([deepnrc.probe(m, pair.loader, run=run, progress=self.progress) for run, m in models.items()])
        files = self.write(report, time.perf_counter() - started)
        for verdict in self.verdicts(report):
            print(verdict.line)
        closing(self.name, time.perf_counter() - started, files)

    def verdicts(self, report: deepnrc.Report) -> list[Verdict]:
        """That the pretrained network knows more of the targets, with what was measured."""
        return [
            Verdict("Training aligned the last features with the targets: gain in CKA", OURS, gain(report), ">", 0.2),
            Verdict(
                "A linear map fits the targets better from the last features, on the images that it is fitted to: "
                "linear MSE, pretrained over untrained", OURS, error_ratio(report), "<", 0.75,
            ),
        ]  # fmt: skip

    def write(self, report: deepnrc.Report, seconds: float) -> dict[Path, str]:
        """Write everything into the study's folder; the files to open, with what they show."""
        folder = self.out / self.name
        report.save(folder / "report")
        report.html(folder / "report.html", f"{self.name}: pretrained and untrained")
        pictures = [
            drawn(folder, measure.replace(".", "-"), f"{said}: layers by network", partial(across, report, measure))
            for measure, said in DRAWN.items()
        ]
        page = Page(
            name=self.name, about=self.about, verdicts=self.verdicts(report), drawn=pictures, seconds=seconds, cells=2,
            files=FILES,
        )  # fmt: skip
        return page.write(folder)


def gain(report: deepnrc.Report) -> float:
    """CKA of the last features with the targets, pretrained less untrained."""
    return last(report, "deep.cka", PRETRAINED) - last(report, "deep.cka", UNTRAINED)


def error_ratio(report: deepnrc.Report) -> float:
    """Linear MSE from the last features, pretrained over untrained."""
    return last(report, "deep.linear_mse", PRETRAINED) / last(report, "deep.linear_mse", UNTRAINED)


def last(report: deepnrc.Report, measure: str, run: str) -> float:
    """A measure of a run's deepest layer; NaN where it says nothing."""
    rows = report.values(measure)
    row = rows[rows["run"] == run].sort_values("depth").iloc[-1]
    return float(row["value"]) if row["status"] == "ok" else math.nan


def across(report: deepnrc.Report, measure: str, path: Path) -> None:
    """A heatmap, layers by network."""
    report.heatmap(measure, across="run", path=path)

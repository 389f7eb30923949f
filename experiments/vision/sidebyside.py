"""A pretrained network beside an untrained one of the same shape: probed on the same data, drawn, and judged."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

from tyro.conf import arg

import deepnrc
from deepnrc.report import join
from experiments.page import Page, closing, leave_settings
from experiments.pictures import drawn
from experiments.verdicts import Verdict
from experiments.vision.pretrained import Pair, lite0_on_digits, lite0_on_patches, lite0_on_writing, onet_on_faces

PRETRAINED, UNTRAINED = "pretrained", "untrained"
OURS = "ours: what training should have done"
FILES = {
    "report.html": "every measure explained",
    "report/table.parquet": "every value",
    "settings.json": "configuration",
}
LITE0 = (
    "The network was never trained on them, and its 1,000 outputs are of another kind, so there is no error of its own "
    "to compare with; linear predictability is measured on the images that the linear map was fitted to, with more of "
    "them than the widest layer has features. Depthwise convolutions have features and no weight measures."
)
ENOUGH = "more than 1,281, for linear predictability in the widest layer."
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
        about: what is shown, and what it is not.
        takes: about how long the defaults take on 2 cores.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    takes: ClassVar[str]

    seed: Annotated[int, arg(help="Of the untrained network and of how images are cut.")] = 0
    out: Annotated[Path, arg(help="Folder of all studies; each has one of its own in it.")] = Path("runs/studies")
    progress: Annotated[bool, arg(help="Show progress bars.")] = True

    def pair(self) -> Pair:
        """The two networks with their data."""
        raise NotImplementedError

    def claims(self) -> tuple[tuple[str, Callable[[deepnrc.Report], float], str, float], ...]:
        """Statement, what is read off the report, relation and threshold of each claim."""
        return (
            (
                "Training aligned the last features with the targets: gain in CKA",
                lambda report: last(report, "deep.cka", PRETRAINED) - last(report, "deep.cka", UNTRAINED),
                ">",
                0.2,
            ),
            (
                "Targets are better predicted from the last features: linear MSE, pretrained over untrained",
                lambda report: last(report, "deep.linear_mse", PRETRAINED) / last(report, "deep.linear_mse", UNTRAINED),
                "<",
                0.75,
            ),
        )

    def run(self) -> None:
        """Probe both, and leave a report, pictures and a page."""
        started = time.perf_counter()
        pair = self.pair()
        models = {PRETRAINED: pair.pretrained, UNTRAINED: pair.untrained}
        report = join([deepnrc.probe(m, pair.loader, run=run, progress=self.progress) for run, m in models.items()])
        files = self.write(report, time.perf_counter() - started)
        for verdict in self.verdicts(report):
            print(verdict.line)
        closing(self.name, time.perf_counter() - started, files)

    def verdicts(self, report: deepnrc.Report) -> list[Verdict]:
        """Each claim with its number."""
        return [Verdict(said, OURS, read(report), relation, bound) for said, read, relation, bound in self.claims()]

    def write(self, report: deepnrc.Report, seconds: float) -> dict[Path, str]:
        """Write everything into the study's folder; the files to open, with what they show."""
        folder = self.out / self.name
        report.save(folder / "report")
        report.html(folder / "report.html", f"{self.name}: pretrained and untrained")
        leave_settings(self, folder)
        pictures = [
            drawn(folder, measure.replace(".", "-"), f"{said}: layers by network", partial(across, report, measure))
            for measure, said in DRAWN.items()
        ]
        page = Page(
            name=self.name, about=self.about, verdicts=self.verdicts(report), drawn=pictures, seconds=seconds, cells=2,
            files=FILES,
        )  # fmt: skip
        return page.write(folder)


@dataclass(frozen=True, kw_only=True)
class PretrainedLite0(SideBySide):
    """Probe EfficientNet-Lite0, with ImageNet weights and without, on patches of photographs."""

    name: ClassVar[str] = "pretrained-lite0"
    takes: ClassVar[str] = "1 to 2 minutes"
    about: ClassVar[str] = (
        "EfficientNet-Lite0 with its ImageNet weights, and as it was before training, on 1,500 patches of six "
        "photographs: a palace, a flower, a cat, a cup of coffee, a rocket, a man with a camera. The targets say which "
        f"photograph a patch is from. {LITE0}"
    )

    samples: Annotated[int, arg(help=f"Patches; {ENOUGH}")] = 1500
    size: Annotated[int, arg(help="Side of the patches.")] = 128

    def pair(self) -> Pair:
        return lite0_on_patches(self.samples, self.size, self.seed)


@dataclass(frozen=True, kw_only=True)
class PretrainedLite0Digits(SideBySide):
    """Probe EfficientNet-Lite0, with ImageNet weights and without, on which digit of MNIST an image shows."""

    name: ClassVar[str] = "pretrained-lite0-digits"
    takes: ClassVar[str] = "1 minute"
    about: ClassVar[str] = (
        "EfficientNet-Lite0 with its ImageNet weights, and as it was before training, on 3,000 digits of MNIST, "
        f"enlarged to 64 x 64. The targets say which digit it is, one-hot. {LITE0}"
    )

    samples: Annotated[int, arg(help=f"Digits, the same number of each; {ENOUGH}")] = 3000
    size: Annotated[int, arg(help="Pixels a side to which digits are enlarged.")] = 64

    def pair(self) -> Pair:
        return lite0_on_digits(self.samples, self.size, self.seed)


@dataclass(frozen=True, kw_only=True)
class PretrainedLite0Writing(PretrainedLite0Digits):
    """Probe EfficientNet-Lite0, with ImageNet weights and without, on how a digit of MNIST is written."""

    name: ClassVar[str] = "pretrained-lite0-writing"
    about: ClassVar[str] = (
        "EfficientNet-Lite0 with its ImageNet weights, and as it was before training, on 3,000 digits of MNIST, "
        "enlarged to 64 x 64. The targets say how the digit is written: its slant, width, height and amount of ink, "
        "from the moments of the image, standardised. Training to name objects gives no reason to keep these; whether "
        f"the deepest features do is what the claims ask. {LITE0}"
    )

    def pair(self) -> Pair:
        return lite0_on_writing(self.samples, self.size, self.seed)


@dataclass(frozen=True, kw_only=True)
class PretrainedOnet(SideBySide):
    """Probe ONet, a face detector's regressor, with its weights and without, on faces cut out with moved edges."""

    name: ClassVar[str] = "pretrained-onet"
    takes: ClassVar[str] = "half a minute"
    about: ClassVar[str] = (
        "ONet, the regressor of the face detector MTCNN, with its weights and as it was before training, on 100 real "
        "faces of LFW, each cut out 40 times with its four edges moved at random. The targets are where the face's own "
        "edges lie in the crop, which is what ONet was trained to say; they are known because the crops were made "
        "here, and no label of the network's own making is among them but one: where a face ends in an unmoved "
        "photograph, the same four numbers for all. The 100 photographs are of 25 x 25 pixels, grey, enlarged to 48 x "
        "48; ONet was trained on sharper ones in colour. Linear predictability is measured on the crops that the "
        "linear map was fitted to."
    )

    samples: Annotated[int, arg(help="Crops; more than 1,153, for linear predictability in the widest layer.")] = 4000

    def pair(self) -> Pair:
        return onet_on_faces(self.samples, self.seed)


def last(report: deepnrc.Report, measure: str, run: str) -> float:
    """A measure of a run's deepest layer; NaN where it says nothing."""
    rows = report.values(measure)
    row = rows[rows["run"] == run].sort_values("depth").iloc[-1]
    return float(row["value"]) if row["status"] == "ok" else math.nan


def across(report: deepnrc.Report, measure: str, path: Path) -> None:
    """A heatmap, layers by network."""
    report.heatmap(measure, across="run", path=path)

"""Studies of pretrained networks whose weights come in packages, each beside an untrained one of the same shape: probed
on the same data, drawn, and judged."""

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
from experiments.claims import Verdict
from experiments.networks import Pair, lite0_on_digits, lite0_on_patches, lite0_on_writing, onet_on_faces
from experiments.pages import Page, closing, drawn, leave_settings, of_networks

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
INVARIANT = "ours: what training to name objects should have done"
LITE0 = (
    "EfficientNet-Lite0 with its ImageNet weights, and as it was before training, on {}. The network was never trained "
    "on them, and its 1,000 outputs are of another kind, so there is no error of its own to compare with; linear "
    "predictability is measured on the images that the linear map was fitted to. Depthwise convolutions have features "
    "and no weight measures."
)
ENOUGH = "more than 1,281, for linear predictability in the widest layer."


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """What these studies have in common; a subclass says which networks, on what.

    Attributes:
        name: of the folder and the command.
        takes: about how long the defaults take on 2 cores.
        why: what is known of why a gain in CKA is small.
    """

    name: ClassVar[str]
    takes: ClassVar[str]
    why: ClassVar[str] = ""

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
            Verdict(
                "Training aligned the last features with the targets: gain in CKA", OURS, gain(report), ">", 0.2,
                why=self.why,
            ),
            Verdict(
                "A linear map fits the targets better from the last features, on the images that it is fitted to: "
                "linear MSE, pretrained over untrained", OURS, error_ratio(report), "<", 0.75,
            ),
        ]  # fmt: skip

    def write(self, report: deepnrc.Report, seconds: float) -> dict[Path, str]:
        """Write everything into the study's folder; the files to open, with what they show."""
        folder = self.out / self.name
        report.save(folder / "report", replace=True)
        report.html(folder / "report.html", f"{self.name}: pretrained and untrained")
        pictures = [
            drawn(folder, measure.replace(".", "-"), f"{said}: layers by network", partial(across, report, measure))
            for measure, said in DRAWN.items()
        ]
        found = of_networks({run: [report.where(run=run)] for run in report.runs})
        page = Page(
            name=self.name, about=self.about, verdicts=self.verdicts(report), drawn=pictures, seconds=seconds, cells=2,
            files=FILES, tables=[] if found is None else [found],
        )  # fmt: skip
        return page.write(folder)


@dataclass(frozen=True, kw_only=True)
class PretrainedLite0(SideBySide):
    """Probe EfficientNet-Lite0, with ImageNet weights and without, on patches of photographs."""

    name: ClassVar[str] = "pretrained-lite0"
    takes: ClassVar[str] = "1 to 2 minutes"

    samples: Annotated[int, arg(help=f"Patches; {ENOUGH}")] = 3000
    size: Annotated[int, arg(help="Side of the patches.")] = 96

    @property
    def about(self) -> str:
        return LITE0.format(
            f"{self.samples:,} patches of six photographs: a palace, a flower, a cat, a cup of coffee, a rocket, a man "
            "with a camera. The targets say which photograph a patch is from"
        )

    def pair(self) -> Pair:
        return lite0_on_patches(self.samples, self.size, self.seed)


@dataclass(frozen=True, kw_only=True)
class PretrainedLite0Digits(SideBySide):
    """Probe EfficientNet-Lite0, with ImageNet weights and without, on which digit of MNIST an image shows."""

    name: ClassVar[str] = "pretrained-lite0-digits"
    takes: ClassVar[str] = "1 minute"
    why: ClassVar[str] = (
        "The alignment with digits is largest in the middle of the network; the last features were made to tell "
        "objects in photographs, and lose part of it."
    )

    samples: Annotated[int, arg(help=f"Digits, the same number of each; {ENOUGH}")] = 3000
    size: Annotated[int, arg(help="Pixels a side to which digits are enlarged.")] = 64

    @property
    def images(self) -> str:
        """What both networks see."""
        return f"{self.samples:,} digits of MNIST, enlarged to {self.size} x {self.size}"

    @property
    def about(self) -> str:
        return LITE0.format(f"{self.images}. The targets say which digit it is, one-hot")

    def pair(self) -> Pair:
        return lite0_on_digits(self.samples, self.size, self.seed)


@dataclass(frozen=True, kw_only=True)
class PretrainedLite0Writing(PretrainedLite0Digits):
    """Probe EfficientNet-Lite0, with ImageNet weights and without, on how a digit of MNIST is written."""

    name: ClassVar[str] = "pretrained-lite0-writing"

    @property
    def about(self) -> str:
        return LITE0.format(
            f"{self.images}. The targets say how the digit is written: its slant, width, height and amount of ink, "
            "from the moments of the image, standardised. What an object is does not hang on them, so that the "
            "deepest features of a network that names objects have reason to lose them"
        )

    def pair(self) -> Pair:
        return lite0_on_writing(self.samples, self.size, self.seed)

    def verdicts(self, report: deepnrc.Report) -> list[Verdict]:
        """That the pretrained network's deepest features know less of the targets, with what was measured."""
        return [
            Verdict(
                "Training turned the last features away from how a digit is written: gain in CKA",
                INVARIANT, gain(report), "<", 0.0,
            ),
            Verdict(
                "A linear map fits it worse from the last features, on the images that it is fitted to: linear MSE, "
                "pretrained over untrained", INVARIANT, error_ratio(report), ">", 1.0,
            ),
        ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PretrainedOnet(SideBySide):
    """Probe ONet, a face detector's regressor, with its weights and without, on faces cut out with moved edges."""

    name: ClassVar[str] = "pretrained-onet"
    takes: ClassVar[str] = "half a minute"

    samples: Annotated[int, arg(help="Crops; more than 1,153, for linear predictability in the widest layer.")] = 4000

    @property
    def about(self) -> str:
        return (
            "ONet, the regressor of the face detector MTCNN, with its weights and as it was before training, on "
            f"{self.samples:,} crops of 100 real faces of LFW, each face's four edges moved at random. The targets are "
            "where the face's own edges lie in the crop, which is what ONet was trained to say; they are known because "
            "the crops were made here, and no label of the network's own making is among them but one: where a face "
            "ends in an unmoved photograph, the same four numbers for all. The 100 photographs are of 25 x 25 pixels, "
            "grey, enlarged to 48 x 48; ONet was trained on sharper ones in colour. Linear predictability is measured "
            "on the crops that the linear map was fitted to."
        )

    def pair(self) -> Pair:
        return onet_on_faces(self.samples, self.seed)


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

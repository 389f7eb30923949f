"""The studies of `python -m experiments`, by name, and which of them `make results` runs."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol

from experiments.byhand import ByHand
from experiments.studies.demo import Demo
from experiments.studies.generalisation import Generalisation
from experiments.studies.imageclasses import CifarStudy, DigitStudy
from experiments.studies.imageregression import DrivingStudy, FaceStudy, PixelStudy
from experiments.studies.mujoco import Hopper, Reacher, Swimmer
from experiments.studies.pretrained import (
    PretrainedLite0,
    PretrainedLite0Digits,
    PretrainedLite0Writing,
    PretrainedOnet,
)
from experiments.studies.sgemm import Sgemm
from experiments.studies.synthetic import Synthetic
from experiments.studies.tabular import Tabular
from experiments.studies.ufm.unconstrained import Ufm


class Command(Protocol):
    """What stands behind a name: a frozen dataclass whose fields are flags.

    Attributes:
        takes: about how long the defaults take on 2 cores, in words.
    """

    takes: ClassVar[str]

    def run(self) -> None:
        """Do it, and print what came out."""


STUDIES: dict[str, type[Command]] = {
    "demo": Demo,
    "synthetic": Synthetic,
    "reacher": Reacher,
    "swimmer": Swimmer,
    "hopper": Hopper,
    "sgemm": Sgemm,
    "tabular": Tabular,
    "pretrained-lite0": PretrainedLite0,
    "pretrained-lite0-digits": PretrainedLite0Digits,
    "pretrained-lite0-writing": PretrainedLite0Writing,
    "pretrained-onet": PretrainedOnet,
    "reacher-pixels": PixelStudy,
    "driving": DrivingStudy,
    "utkface": FaceStudy,
    "mnist": DigitStudy,
    "cifar10": CifarStudy,
    "generalisation": Generalisation,
    "by-hand": ByHand,
    "ufm": Ufm,
}


def invocations(out: Path) -> dict[str, Command]:
    """All studies on their default budgets, leaving their folders in ``out``; by the names that the document uses."""
    return {
        "synthetic": Synthetic(out=out),
        "synthetic-published": Synthetic(out=out, preset="published"),
        **{f"synthetic-{sweep}": Synthetic(out=out, sweep=sweep) for sweep in ("rank", "depth", "width", "noise")},
        "reacher": Reacher(out=out),
        "swimmer": Swimmer(out=out),
        "hopper": Hopper(out=out),
        "sgemm": Sgemm(out=out),
        "tabular": Tabular(out=out),
        "pretrained-lite0": PretrainedLite0(out=out),
        "pretrained-lite0-digits": PretrainedLite0Digits(out=out),
        "pretrained-lite0-writing": PretrainedLite0Writing(out=out),
        "pretrained-onet": PretrainedOnet(out=out),
        "reacher-pixels": PixelStudy(out=out),
        "driving": DrivingStudy(out=out),
        "mnist": DigitStudy(out=out),
        "generalisation": Generalisation(out=out),
        "by-hand": ByHand(out=out),
        "ufm": Ufm(out=out),
    }

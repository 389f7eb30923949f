"""Residual networks that classify images, measured as classifiers and as regressors, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from tyro.conf import arg

from deepnrc.errors import UsageError
from experiments.claims import Claim, Inquiry, classifier_claims, within
from experiments.data import Data, Digits, OwnImages
from experiments.runner import Setting, Study
from experiments.studies.resnets import ResNets

ABOUT = (
    "A ResNet-18 whose stages have {widths} channels classifies {what}, trained {losses}. The classifier's nc.1 "
    "and nc.2 stand beside the regression measures of the same layers, with K - 1 signal directions for K classes: "
    "variability within classes is published to fall gradually with depth, the simplex to appear in the last layers."
)
TOLD = {"MSE": "with squared error on one-hot targets and no last bias", "cross-entropy": "with cross-entropy"}
MEASURES = (
    "nc.1",
    "nc.2",
    "deep.noise_fraction",
    "deep.cka",
    "deep.feature_weight_alignment",
    "deep.linear_mse",
    "nc.3",
    "nrc.1",
    "nrc.2",
    "nrc.3",
    "model.accuracy",
    "model.mse",
)
LOSSES = {"MSE": "mse", "cross-entropy": "cross-entropy"}
DECAYS = {"MSE": (0.0, 2e-2), "cross-entropy": (0.0, 1.5e-2)}
NO_CIFAR = (
    "This study needs your copy of CIFAR-10: the 'python version' that its authors offer on its page at the University "
    "of Toronto. Unpack it and name the folder of its batches with --data cifar10:FOLDER."
)


@dataclass(frozen=True, kw_only=True)
class Classification(ResNets):
    """Classification of images: flags, and how they make a study."""

    takes: ClassVar[str] = "10 minutes"

    loss: Annotated[Literal["both", "mse", "cross-entropy"], arg(help="What is trained with.")] = "both"

    def classification(self, name: str, what: str, data: Data, small_images: bool = False) -> Inquiry:
        """One setting for each loss and weight decay."""
        settings, claims = list[Setting](), list[Claim]()
        losses = {said: loss for said, loss in LOSSES.items() if self.loss in ("both", loss)}
        for said, loss in losses.items():
            decays = self.decays(DECAYS[said])
            settings += self.over_stages(
                data,
                self.resnet(bias=loss != "mse", small_images=small_images),
                self.recipe(30, batch=128, published=(0.05, 200), loss=loss),
                decays,
                loss=said,
            )
            claims += within(classifier_claims(), loss=said) if decays[-1] > 0 else ()
        widths, told = ", ".join(map(str, self.resnet().channels)), " or ".join(TOLD[said] for said in losses)
        about = ABOUT.format(widths=widths, what=what, losses=told)
        return Inquiry(Study(name, about, tuple(settings), tuple(range(self.seeds)), MEASURES), tuple(claims))


@dataclass(frozen=True, kw_only=True)
class DigitStudy(Classification):
    """Handwritten digits: collapse of a classifier across depth, without and with weight decay."""

    data: Annotated[
        str | None, arg(help="mnist:FOLDER, your files of the 60,000; 5,000 that a package ships if not given.")
    ] = None

    def inquiry(self) -> Inquiry:
        """One setting for each loss and weight decay."""
        if self.data is None:
            return self.classification(
                "mnist", f"{self.samples or 5000:,} digits of MNIST", Digits(samples=self.samples)
            )
        own = self.some(OwnImages(named(self.data, "mnist")), None if self.full else 5000)
        return self.classification("mnist-own", f"digits of '{self.data}'", own)


@dataclass(frozen=True, kw_only=True)
class CifarStudy(Classification):
    """Photographs of ten things: collapse of a classifier across depth; needs your copy of CIFAR-10.

    Without --full the first layers shrink the photographs fourfold, which saves nine tenths of the time.
    """

    data: Annotated[str | None, arg(help="cifar10:FOLDER, your files.")] = None

    def inquiry(self) -> Inquiry:
        """One setting for each loss and weight decay."""
        if self.data is None:
            raise UsageError(NO_CIFAR)
        own = self.some(OwnImages(named(self.data, "cifar10")), None if self.full else 5000)
        return self.classification("cifar10", "photographs of CIFAR-10", own, small_images=self.full)


def named(spec: str, form: str) -> str:
    """The data as ``form:FOLDER``, for a folder that was given alone too."""
    return spec if spec.startswith((f"{form}:", f"{form}-test:")) else f"{form}:{spec}"

"""Residual networks that regress from images: what a camera sees of Reacher, of a road, or of a face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from tyro.conf import arg

from deepnrc.errors import UsageError
from experiments.claims import (
    Claim,
    Inquiry,
    falls_at_the_top,
    onset,
    similarity_rises,
    upper_layers_collapse,
    weight_decay_orders,
    within,
)
from experiments.data import Data, Driving, OwnImages, ReacherPixels
from experiments.runner import Beside, Setting, Study
from experiments.studies.resnets import ResNets

ABOUT = (
    "A ResNet-{depth} whose stages have {widths} channels learns {what}. Every convolution of its four stages and the "
    "last Linear are probed, on up to 2000 training images. As published, targets are standardised and the last "
    "Linear has a bias: targets of both signs then take the ReLU features more directions than there are targets, and "
    "noise stays near a fifth however small the error. Positive targets, in standard deviations above their least "
    "value, and no last bias need no more than one direction each. What enters the last Linear comes from a ReLU, so "
    "that nrc.1 and nrc.2 of signed targets cannot reach 0 there; those of centred rows stand beside them. Collapse "
    "begins in the last stage, a smaller share of the depth than in perceptrons, as in the published network. What "
    "enters a convolution inside a block is what its branch carries and not the whole signal, so that its stable rank "
    "may lie on either side of the targets'."
)
FORMS = {"standardised": ("standardise", True), "positive": ("positive", False)}  # scaling of targets, last bias
PIXELS = {
    "actions": "from one picture of Reacher at rest what an expert would do",
    "positions": "from one picture of Reacher where its fingertip and goal are",
}
DRIVING = "from one picture of a racing car on its track how a scripted driver steers and how fast it goes"
NO_FACES = (
    "This study needs your copy of UTKFace, about 24,000 face images whose file names begin with the age. Its authors "
    "give it out for research, on the data set's page; unpack its aligned and cropped images and name their folder "
    "with --data FOLDER."
)
BESIDE = (
    "The images are not the authors', and the network is slimmer: already what enters the first stage, whose values "
    "depend on the data and on one convolution alone, differs."
)
PROBES = ("deep.*", "nrc.*", "model.*")
CARLA, FACES = ("carla 2d", "wd 5e-3"), ("utkface", "wd 5e-4")  # published networks of 17 and of 33 layers
MEASURES = (
    "deep.noise_fraction",
    "deep.feature_stable_rank",
    "deep.weight_stable_rank",
    "deep.feature_weight_alignment",
    "deep.cka",
    "deep.linear_mse",
    "nrc.1",
    "nrc.2",
    "nrc.3",
    "nrc.1_centred",
    "nrc.2_centred",
    "model.mse",
)


@dataclass(frozen=True, kw_only=True)
class Regression(ResNets):
    """Regression from images: flags, and how they make a study."""

    takes: ClassVar[str] = "18 minutes"

    form: Annotated[
        Literal["both", "standardised", "positive"],
        arg(help="standardised: signed targets and a last bias, as published; positive: targets above 0 and none."),
    ] = "both"

    def regression(
        self,
        name: str,
        what: str,
        data: Callable[[str], Data],
        decays: tuple[float, ...],
        *,
        published: tuple[float, int],
        depth: int = 18,
        beside: tuple[str, str] | None = None,
    ) -> Inquiry:
        """One setting for each form and weight decay.

        Args:
            data: makes it, its targets scaled as it is told.
            published: learning rate and epochs of --full.
            beside: study and series of the published curves that its most decayed networks stand beside.
        """
        # with weight decay 1e-2, 4000 images and batches of 64 the weights would shrink 6 times e-fold by decay alone
        recipe, chosen = self.recipe(28, batch=64, published=published, lr=0.07), self.decays(decays)
        settings, claims = list[Setting](), list[Claim]()
        for form, (scaling, bias) in FORMS.items():
            if self.form in ("both", form):
                settings += self.over_stages(
                    data(scaling),
                    self.resnet(depth, bias=bias),
                    recipe,
                    chosen,
                    probes=PROBES,
                    targets=form,
                )
                claims += within(regression_claims(len(chosen), beside if bias else None), targets=form)
        about = ABOUT.format(depth=depth, widths=", ".join(map(str, self.resnet().channels)), what=what)
        most = settings[len(chosen) - 1].label  # of the first form, as published where both are run
        held = () if beside is None else (Beside(most, beside, BESIDE),)
        study = Study(name, about, tuple(settings), tuple(range(self.seeds)), MEASURES, beside=held)
        return Inquiry(study, tuple(claims))


@dataclass(frozen=True, kw_only=True)
class PixelStudy(Regression):
    """Reacher seen by a camera: collapse of a ResNet over weight decay (needs the simulator)."""

    label: Annotated[
        Literal["actions", "positions"], arg(help="actions: 2, of the expert; positions: 4, of fingertip and goal.")
    ] = "actions"
    size: Annotated[int | None, arg(help="Side of the pictures in pixels: 32, and with --full 64.")] = None

    def inquiry(self) -> Inquiry:
        """One setting for each form and weight decay."""
        frames = (20_000 if self.full else 5000) if self.samples is None else self.samples
        name = "reacher-pixels" if self.label == "actions" else f"reacher-pixels-{self.label}"
        size = (64 if self.full else 32) if self.size is None else self.size
        decays, label = (0.0, 1e-2, 3e-2), self.label

        def data(scaling: str) -> Data:
            return ReacherPixels(label, frames, size, scaling)

        return self.regression(name, PIXELS[label], data, decays, published=(0.01, 250))


@dataclass(frozen=True, kw_only=True)
class DrivingStudy(Regression):
    """Steering and speed from camera frames, made here or CARLA's: collapse of a ResNet over weight decay."""

    takes: ClassVar[str] = "10 minutes"

    data: Annotated[
        str | None, arg(help="Recordings, such as a folder of CARLA's .h5 files; made by CarRacing if not given.")
    ] = None
    targets: Annotated[
        tuple[str, ...], arg(help="Targets of the recordings: steer,speed if not given.", help_behavior_hint="")
    ] = ()
    size: Annotated[
        int | None, arg(help="Side of the frames: of CarRacing's, a divisor of 96, 32, and with --full 96.")
    ] = None

    def inquiry(self) -> Inquiry:
        """One setting for each form and weight decay."""
        decays = (0.0, 5e-5, 5e-4, 5e-3) if self.full else (0.0, 6e-3, 6e-2)
        if self.data is None:
            return self.regression("driving", DRIVING, self._made, decays, published=(0.01, 250), beside=CARLA)
        what = f"{' and '.join(self.targets or ('steer', 'speed'))} from the frames of '{self.data}'"
        return self.regression("driving-recorded", what, self._recorded, decays, published=(0.01, 250), beside=CARLA)

    def _made(self, scaling: str) -> Data:
        if self.targets:
            raise UsageError("--targets are those of recordings: name them with --data SPEC.")
        frames = (20_000 if self.full else 2500) if self.samples is None else self.samples
        return Driving(frames, (96 if self.full else 32) if self.size is None else self.size, targets=scaling)

    def _recorded(self, scaling: str) -> Data:
        recorded = OwnImages(str(self.data), self.targets or ("steer", "speed"), self.size, targets=scaling)
        return self.some(recorded, None if self.full else 2500)


@dataclass(frozen=True, kw_only=True)
class FaceStudy(Regression):
    """Age from faces: collapse of a ResNet over weight decay; needs your copy of UTKFace."""

    data: Annotated[str | None, arg(help="The folder of UTKFace's images.")] = None
    size: Annotated[int | None, arg(help="Side to which faces are brought: 64, and with --full 128.")] = None

    def inquiry(self) -> Inquiry:
        """One setting for each form and weight decay."""
        if self.data is None:
            raise UsageError(NO_FACES)
        size = (128 if self.full else 64) if self.size is None else self.size
        spec = f"utkface:{self.data.removeprefix('utkface:')}"

        def faces(scaling: str) -> Data:
            return self.some(OwnImages(spec, size=size, targets=scaling), None if self.full else 5000)

        decays = (0.0, 5e-4) if self.full else (0.0, 1e-3, 1e-2)
        depth = 34 if self.full else 18
        return self.regression(
            "utkface", "the age from a face", faces, decays, published=(0.001, 100), depth=depth, beside=FACES
        )


def regression_claims(decays: int, published: tuple[str, str] | None = None) -> tuple[Claim, ...]:
    """What the papers say of regression from images, at the largest of so many weight decays, and over them; judged on
    published curves too, where they are named."""
    study = published[0] if published else ""
    swept = (
        (
            *weight_decay_orders(decays, branches=True, published=study),
            falls_at_the_top("nrc.1"),
            falls_at_the_top("nrc.2"),
        )
        if decays > 1
        else ()
    )
    return (*swept, *upper_layers_collapse(published=published), onset(), similarity_rises())

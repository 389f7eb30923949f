"""Run times of matrix products: four targets that are nearly one, so that the layers have one dimension to find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from tyro.conf import arg

from deepnrc.table import published_curve
from experiments.claims import (
    DEEP,
    Claim,
    Inquiry,
    learned_every_direction,
    upper_layers_collapse,
    weight_decay_orders,
    within,
)
from experiments.data import KernelTimes
from experiments.runner import Beside, Recipe, Results, Setting, Study
from experiments.studies.perceptrons import Perceptrons

NOISE = "deep.noise_fraction"
ABOUT = (
    "An eight-layer network learns how long {source} take under {settings}, four runs of each{timed}; "
    "inputs are standardised. The runs differ by noise only: the targets' stable rank is 1, while their numerical rank "
    "is 4. So the signal rank is given, k = {k}, and claims of collapse ask no more than that to be learned; the table "
    "of verdicts asks for every direction of the targets and says 'not learned' of all networks, since nobody can "
    "learn the difference between two runs. As published, targets are standardised and there are no biases: targets of "
    "both signs then take a ReLU network two directions for one, and the last layers keep the second one as noise, "
    "published and here. Positive targets, in standard deviations above their least value, need one. Decay acts about "
    "once in this training (the settings' decay time), too little to order the alignment of the lower layers."
)
FORMS = {"standardised": "standardise", "positive": "positive"}
PUBLISHED = ("sgemm, one direction", "sgemm")  # at k = 1, and at k = 4
BESIDE = (
    "{} What enters the first layer is the data alone, so that its noise fraction, stable rank and CKA tell how far "
    "they are the authors'; width, learning rate and number of samples are the study's."
)
TIMES = {
    True: "The times are of the authors' file, split and counted otherwise.",
    False: "The times are of this machine and not the authors'.",
}


@dataclass(frozen=True, kw_only=True)
class Sgemm(Perceptrons):
    """Run times of matrix products, targets of stable rank 1: collapse over weight decay."""

    takes: ClassVar[str] = "5 minutes"

    file: Annotated[
        str | None, arg(help="UCI's sgemm_product.csv; matrix products are timed on this machine if not given.")
    ] = None
    samples: Annotated[int | None, arg(help="Samples, a fifth of them held out.")] = None
    log: Annotated[bool, arg(help="Learn the logarithm of the times.")] = False
    rank: Annotated[int, arg(help="Signal rank k.")] = 1
    width: Annotated[int | None, arg(help="Of each of the 7 hidden layers.")] = None
    form: Annotated[
        Literal["both", "standardised", "positive"],
        arg(help="Targets: standardised, as published; positive: in standard deviations above their least value."),
    ] = "both"

    def inquiry(self) -> Inquiry:
        """One setting for each form and weight decay."""
        width = (512 if self.full else 128) if self.width is None else self.width
        samples = (None if self.full and self.file else 4000) if self.samples is None else self.samples
        decays = self.decays((0.0, 1e-3) if self.full else (0.0, 1e-3, 2e-3))
        recipe = self.recipe(Recipe(lr=0.005 if self.full else 0.02, epochs=200 if self.full else 300, batch=128))
        network, probe = self.mlp(*[width] * 7), {"rank": self.rank}
        settings, claims = list[Setting](), [_one_target()]
        for form, scaling in FORMS.items():
            if self.form in ("both", form):
                data = KernelTimes(self.file, samples, self.log, scaling)
                settings += self.over_decays(data, network, recipe, decays, probe=probe, targets=form)
                published = form == "standardised"
                claims += within(_claims(len(decays), self.rank, published), targets=form)
        source = "the GPU kernels of UCI's file" if self.file else "products of matrices on this machine"
        timed = "" if self.file else ", each the fastest of three"
        about = ABOUT.format(source=source, settings="14 settings of their tiles and memory", timed=timed, k=self.rank)
        words = BESIDE.format(TIMES[bool(self.file)])
        most = settings[len(decays) - 1].label  # of the first form, as published where both are run
        beside = tuple(Beside(most, (name, "wd 1e-3"), words) for name in PUBLISHED if self.form != "positive")
        study = Study("sgemm", about, tuple(settings), tuple(range(self.seeds)), beside=beside)
        return Inquiry(study, tuple(claims))


def _one_target() -> Claim:
    return Claim(
        "The four targets are nearly one: their stable rank", "ours: a property of the data",
        lambda r: float(r.top("deep.target_stable_rank").iloc[-1]), "<", 1.2,
    )  # fmt: skip


def _claims(decays: int, rank: int, published: bool) -> tuple[Claim, ...]:
    """Of one form, held against the published curves where it is the published one."""
    one, four = PUBLISHED if published else (None, "")
    curves = (one, "wd 1e-3") if one else None

    def noise(results: Results) -> float:
        measured = float(results.top(NOISE).iloc[-1])
        return measured if learned_every_direction(results) else np.nan

    curve = published_curve(NOISE, curves) if curves else None
    return (
        Claim(
            "Almost nothing but the target's direction is left in the last layer: its noise fraction", DEEP,
            noise, "<", 0.01, published=curve.values[curve.layers] if curve else None,
        ),
        *weight_decay_orders(decays, published=four),
        *upper_layers_collapse(published=curves, signal=rank),
    )  # fmt: skip

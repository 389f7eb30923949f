"""Run times of matrix products: four targets that are nearly one, so that the layers have one dimension to find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from tyro.conf import arg

from experiments.claims import DEEP, Claim, Inquiry, learned_every_direction, upper_layers_collapse, weight_decay_orders
from experiments.data import KernelTimes
from experiments.runner import Beside, Recipe, Results, Study
from experiments.studies.perceptrons import Perceptrons

ABOUT = (
    "An eight-layer network learns how long {source} take under {settings}, four runs of each{timed}; "
    "inputs and targets are standardised. The runs differ by noise only: the targets' stable rank is 1, while their "
    "numerical rank is 4. So the signal rank is given: k = {k}."
)
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

    takes: ClassVar[str] = "3 minutes"

    file: Annotated[
        str | None, arg(help="UCI's sgemm_product.csv; matrix products are timed on this machine if not given.")
    ] = None
    samples: Annotated[int | None, arg(help="Samples, a fifth of them held out.")] = None
    log: Annotated[bool, arg(help="Learn the logarithm of the times.")] = False
    rank: Annotated[int, arg(help="Signal rank k.")] = 1
    width: Annotated[int | None, arg(help="Of each of the 7 hidden layers.")] = None

    def inquiry(self) -> Inquiry:
        """One setting for each weight decay."""
        width = (512 if self.full else 128) if self.width is None else self.width
        samples = (None if self.full and self.file else 4000) if self.samples is None else self.samples
        data = KernelTimes(self.file, samples, self.log)
        decays = self.decays((0.0, 1e-3) if self.full else (0.0, 1e-3, 2e-3))
        recipe = self.recipe(Recipe(lr=0.005 if self.full else 0.02, epochs=200 if self.full else 300, batch=128))
        settings = self.over_decays(data, self.mlp(*[width] * 7), recipe, decays, probe={"rank": self.rank})
        source = "the GPU kernels of UCI's file" if self.file else "products of matrices on this machine"
        timed = "" if self.file else ", each the fastest of three"
        about = ABOUT.format(source=source, settings="14 settings of their tiles and memory", timed=timed, k=self.rank)
        orders = weight_decay_orders(len(decays), published=PUBLISHED[1])
        claims = (
            *_nearly_one(),
            *orders,
            *upper_layers_collapse(published=(PUBLISHED[0], "wd 1e-3"), signal=self.rank),
        )
        words = BESIDE.format(TIMES[bool(self.file)])
        beside = tuple(Beside(settings[-1].label, (name, "wd 1e-3"), words) for name in PUBLISHED)
        return Inquiry(Study("sgemm", about, settings, tuple(range(self.seeds)), beside=beside), claims)


def _nearly_one() -> tuple[Claim, ...]:
    def noise(results: Results) -> float:
        measured = float(results.top("deep.noise_fraction").iloc[-1])
        return measured if learned_every_direction(results) else np.nan

    return (
        Claim(
            "The four targets are nearly one: their stable rank", "ours: a property of the data",
            lambda r: float(r.top("deep.target_stable_rank").iloc[-1]), "<", 1.2,
        ),
        Claim(
            "Almost nothing but the target's direction is left in the last layer: its noise fraction", DEEP,
            noise, "<", 0.01,
        ),
    )  # fmt: skip

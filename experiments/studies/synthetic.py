"""Rank-r targets in R^n: do the layers find the rank, and what does weight decay do?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from tyro.conf import arg

from deepnrc.errors import UsageError
from experiments.claims import (
    DEEP,
    Claim,
    Inquiry,
    at_rank,
    learned_dimension,
    learned_every_direction,
    upper_layers_collapse,
    weight_decay_orders,
)
from experiments.data import LowRank
from experiments.runner import Beside, Recipe, Results, Setting, Study, heading, in_words
from experiments.studies.perceptrons import Perceptrons

ABOUT = (
    "Inputs are N(0, I) in R^{d}, targets {r} in R^{n}. {swept} are compared. Without target noise the targets have "
    "exact rank, and the feature-target covariance alignment is then 1, and the cross alignment 0, for any features, "
    "trained or not; the feature-side alignment and the noise fraction are what tells them apart."
)
MEASURES = (
    "deep.noise_fraction",
    "deep.feature_stable_rank",
    "deep.weight_stable_rank",
    "deep.feature_weight_alignment",
    "deep.noise_alignment",
    "deep.feature_side_alignment",
    "deep.feature_target_alignment",
    "deep.cross_alignment",
    "deep.cka",
    "deep.linear_mse",
)
SWEPT = {"rank": "target_rank", "depth": "hidden_layers", "width": "units_a_layer", "noise": "target_noise"}
VALUES = {"rank": tuple(range(1, 11)), "depth": (2, 3, 5, 8), "width": (16, 32, 64, 128), "noise": (0, 0.01, 0.1, 0.5)}
FORMS: dict[str, dict[str, Any]] = {  # what keeps high ranks, and deep networks, from losing directions
    "rank": {"bias": True, "last_relu": False, "gain": 1.6},
    "depth": {"gain": 1.6},
}
WHY = {
    "rank": " The networks have biases and no ReLU before the last layer: without, high ranks are learned a third off. "
    "Initial weights are 1.6 times torch's: without, some networks drop a direction of the higher ranks, and middle "
    "layers are narrower than their targets.",
    "depth": " Initial weights are 1.6 times torch's: without, the deepest networks drop the second direction. Two "
    "hidden layers need a larger weight decay to collapse than five: with one for all, theirs stay wide.",
}
RANK, SPECTRUM, DEPTH = 2, (1.0, 0.49), 5
PUBLISHED, PUBLISHED_RANK, PUBLISHED_GAIN = "synthetic, rank 2 in R^10", 3, 1.6
GOOD = (PUBLISHED, "good")
PUBLISHED_DRAW = 4  # seed whose random teacher has about the published target stable rank: 1.47, published 1.49
PRESET = (
    "The paper's setting, as far as it is told: targets of a random network with two hidden layers of width 2, "
    "standardised, and ten layers without biases. Weight decay, learning rate and epochs are not told: these come near "
    "the published curves. Initial weights are 1.6 times torch's, without which most of such networks stay at the mean "
    "of the targets. All seeds learn the same data, whose target stable rank (covariance form) is 1.47, published "
    "1.49. The curves are at k = 3, one more than the rank: targets of both signs take ReLU features one more. "
    "Claims of collapse are read at k = 2, the rank: at 3 the last weight, of rank 2, comes to an alignment of .667, "
    "below that of a collapsed layer."
)
BESIDE = (
    "The inputs are N(0, I) as published, so the first layer's noise fraction is the published one; its alignment with "
    "the first weight is not of the data alone. The published cosine of the last layer, .984, cannot come from targets "
    "of exact rank 2 at k = 3, where a weight of rank 2 reaches .667 of it."
)
SETTLED: dict[str, object] = {
    "sweep": "weight-decay", "values": None, "rank": None, "target_dim": 10, "input_dim": 20, "teacher": "spectrum",
    "spectrum": None, "targets": "none", "noise": None,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Synthetic(Perceptrons):
    """Targets of low rank: noise, ranks and alignments by layer, over weight decay or another knob."""

    takes: ClassVar[str] = "2 minutes"

    preset: Annotated[
        Literal["own", "published"],
        arg(help="published: a setting that comes near the published curves, drawn over it at their k = 3."),
    ] = "own"
    sweep: Annotated[
        Literal["weight-decay", "rank", "depth", "width", "noise"],
        arg(help="What differs between settings; all but weight-decay keep to one --weight-decay."),
    ] = "weight-decay"
    values: Annotated[
        tuple[float, ...] | None, arg(help="The values that --sweep rank, depth, width or noise runs through.")
    ] = None
    rank: Annotated[
        int | None, arg(help="Rank r of the targets, and the signal rank k: 2 if neither given nor swept.")
    ] = None
    target_dim: Annotated[int, arg(help="Width n of the targets.")] = 10
    input_dim: Annotated[int, arg(help="Width of the inputs.")] = 20
    samples: Annotated[int | None, arg(help="Samples, a fifth of them held out: 2500, and with --full 12500.")] = None
    depth: Annotated[int | None, arg(help="Hidden layers: 5, and with --full 9.")] = None
    width: Annotated[int | None, arg(help="Of each hidden layer: 128, and with --full 1024.")] = None
    teacher: Annotated[
        Literal["spectrum", "network", "linear"], arg(help="A prescribed spectrum, or a published random teacher.")
    ] = "spectrum"
    spectrum: Annotated[
        tuple[float, ...] | None,
        arg(help="Eigenvalues of the target covariance, no more than the rank: 1 and 0.49, the last one repeated."),
    ] = None
    targets: Annotated[
        Literal["none", "centre", "standardise"],
        arg(help="Scaling of the targets. Centred ones are signed, and a ReLU network needs more than r directions."),
    ] = "none"
    noise: Annotated[
        float | None,
        arg(help="Target noise, relative to the targets' standard deviation: 0 if neither given nor swept."),
    ] = None

    def inquiry(self) -> Inquiry:
        """Every value of what is swept, and beside weight decays an untrained network.

        Errors: UsageError for a flag that would change nothing beside the others.
        """
        self._refuse()
        if self.preset == "published":
            return self._published()
        return self._over_decays() if self.sweep == "weight-decay" else self._over_values()

    def _refuse(self) -> None:
        if self.preset == "published":
            changed = [name for name, value in SETTLED.items() if getattr(self, name) != value]
            if changed:
                raise UsageError(
                    f"--preset published settles the data: leave out --{changed[0].replace('_', '-')}, or the preset."
                )
        if self.sweep == "weight-decay":
            if self.values is not None:
                raise UsageError(
                    "--values goes with --sweep rank, depth, width or noise; for decays there is --weight-decay."
                )
        elif getattr(self, self.sweep) is not None:
            raise UsageError(
                f"--{self.sweep} {getattr(self, self.sweep):g} says nothing beside --sweep {self.sweep}: leave it out, "
                "and name what the sweep runs through with --values."
            )
        if self.spectrum is not None:
            self._refuse_spectrum(self.spectrum)

    def _refuse_spectrum(self, spectrum: tuple[float, ...]) -> None:
        if self.teacher != "spectrum":
            raise UsageError(
                f"The teacher '{self.teacher}' has a spectrum of its own: leave out --spectrum, or --teacher."
            )
        rank = max(self._values(), default=RANK) if self.sweep == "rank" else self._rank
        if len(spectrum) > rank:
            raise UsageError(
                f"--spectrum has {len(spectrum)} eigenvalues, and targets of rank {rank:g} have {rank:g}: leave some "
                "out, or take a larger rank."
            )

    def _published(self) -> Inquiry:
        """The setting whose curves come near those of the paper, beside them."""
        samples = (12_500 if self.full else 8000) if self.samples is None else self.samples
        data = LowRank(RANK, samples=samples, teacher="network", targets="standardise", drawn=PUBLISHED_DRAW)
        width = (1024 if self.full else 256) if self.width is None else self.width
        network = self.mlp(*(width,) * (9 if self.depth is None else self.depth), gain=PUBLISHED_GAIN)
        recipe, probe = self.recipe(Recipe(lr=0.05, epochs=120, batch=128)), {"rank": PUBLISHED_RANK}
        steps = tuple(sorted({1, recipe.epochs // 12, recipe.epochs // 3} - {0}))
        decays = self.decays((0.0, 1.5e-3) if self.full else (1.5e-3,))
        trained = self.over_decays(data, network, recipe, decays, probe=probe, steps=steps)
        untrained = Setting(data, network, Recipe(epochs=0), probe, name="untrained")
        beside = tuple(
            Beside(
                setting.label, (PUBLISHED, "good" if setting.recipe.weight_decay else "zero"), BESIDE,
                (RANK,) if setting is trained[-1] else (),
            )
            for setting in trained
        )  # fmt: skip
        about = f"{self._about('An untrained network and a trained one')} {PRESET}"
        study = Study(
            "synthetic-published", about, (untrained, *trained), tuple(range(self.seeds)), MEASURES, beside=beside
        )
        return Inquiry(study, at_rank(upper_layers_collapse(published=GOOD), trained[-1].label, RANK))

    def _over_decays(self) -> Inquiry:
        recipe, decays = self._recipe(), self.decays((0.0, 2e-3, 5e-3))
        data, network, probe = self._data(), self.mlp(*self._hidden()), {"rank": self._rank}
        untrained = Setting(data, network, Recipe(epochs=0), probe, name="untrained")
        settings = (untrained, *self.over_decays(data, network, recipe, decays, probe=probe))
        orders = weight_decay_orders(len(decays), published=PUBLISHED)
        upper = (*upper_layers_collapse(published=GOOD), _target_directions()) if len(decays) > 1 else ()
        claims = (*orders, *upper)
        about = self._about("An untrained network, and others trained with several weight decays")
        return Inquiry(Study("synthetic", about, settings, tuple(range(self.seeds)), MEASURES, theory=True), claims)

    def _over_values(self) -> Inquiry:
        decays, fact = self.decays((2e-3 if self.sweep in ("rank", "depth") else 1e-3,)), SWEPT[self.sweep]
        if len(decays) > 1:
            raise UsageError(f"--sweep {self.sweep} keeps to one --weight-decay; {len(decays)} were given.")
        values = self._values()
        if self.sweep != "noise" and any(value != int(value) for value in values):
            raise UsageError(f"--sweep {self.sweep} takes whole --values; they are {values}.")
        settings = []
        for value in values:
            changed = {self.sweep: value if self.sweep == "noise" else int(value)}
            one = replace(self, sweep="weight-decay", values=None, **changed)  # type: ignore[arg-type]
            network = one.mlp(*one._hidden(), **FORMS.get(self.sweep, {}))
            share = (DEPTH + 1) / (value + 1) if self.sweep == "depth" else 1.0
            recipe = replace(one._recipe(), weight_decay=share * decays[0])
            apart, probe = {fact: value}, {"rank": one._rank}
            settings.append(Setting(one._data(), network, recipe, probe, apart=apart, name=in_words(apart)))
        scaled = f" of {DEPTH} and of others in inverse proportion to their layers" if self.sweep == "depth" else ""
        swept = f"Networks for several values of '{heading(fact)}', at weight decay {decays[0]:g}{scaled},"
        about = self._about(swept) + WHY.get(self.sweep, "")
        seeds = tuple(range(self.seeds))
        name, theory = f"synthetic-{self.sweep}", self.sweep == "depth"
        study = Study(name, about, tuple(settings), seeds, MEASURES, sweep=fact, theory=theory)
        signal = self._rank if self.sweep == "noise" else None
        return Inquiry(study, (*learned_dimension(), *upper_layers_collapse(signal=signal)))

    def _data(self) -> LowRank:
        samples = (12_500 if self.full else 2500) if self.samples is None else self.samples
        spectrum = SPECTRUM if self.spectrum is None else self.spectrum
        noise = 0.0 if self.noise is None else self.noise
        return LowRank(
            self._rank, self.target_dim, self.input_dim, samples, spectrum, self.teacher, noise, self.targets
        )

    @property
    def _rank(self) -> int:
        return RANK if self.rank is None else self.rank

    def _values(self) -> tuple[float, ...]:
        return VALUES[self.sweep] if self.values is None else tuple(sorted(self.values))

    def _hidden(self) -> tuple[int, ...]:
        depth, width = (9, 1024) if self.full else (DEPTH, 128)
        return (width if self.width is None else self.width,) * (depth if self.depth is None else self.depth)

    def _recipe(self) -> Recipe:
        return self.recipe(Recipe(lr=0.05, epochs=300, batch=128))

    def _about(self, swept: str) -> str:
        rank = "of several ranks" if self.sweep == "rank" else f"have rank {self._rank}"
        return ABOUT.format(d=self.input_dim, r=rank, n=self.target_dim, swept=swept)


def _target_directions() -> Claim:
    def alignment(results: Results) -> float:
        measured = float(results.top("deep.feature_side_alignment").iloc[-1])
        return measured if learned_every_direction(results) else np.nan

    return Claim(
        "The features' target-carrying directions are those of high variance: feature-side alignment, last layer",
        DEEP, alignment, ">", 0.95,
    )  # fmt: skip

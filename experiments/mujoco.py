"""Networks that imitate MuJoCo experts: deep collapse and top-layer collapse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg

from deepnrc.errors import UsageError
from experiments.claims import top_layer_collapses, top_value, upper_layers_collapse, weight_decay_orders
from experiments.data.recorded import Recorded
from experiments.family import Family
from experiments.results import Results
from experiments.study import Claim, Mlp, Setting, Study
from experiments.training import Recipe

DECAYS = {"reacher": (0.0, 1e-4, 1e-3), "swimmer": (0.0, 1e-3, 5e-3), "hopper": (0.0, 1e-4, 1e-3)}
RAW_DECAYS = {"reacher": (0.0, 1e-3), "swimmer": (0.0, 5e-2), "hopper": (0.0, 1e-2)}
WIDTH = {"reacher": 512, "swimmer": 256, "hopper": 256}
PAIRS = {"reacher": ("reacher_1k", 1000), "swimmer": ("swimmer_1k", 1000), "hopper": ("hopper_10k", 5000)}


@dataclass(frozen=True, kw_only=True)
class Expert(Family):
    """Imitate an expert, layer by layer and at the top layer, over weight decay."""

    environment: Annotated[Literal["reacher", "swimmer", "hopper"], arg(help="Whose expert.")] = "swimmer"
    part: Annotated[
        Literal["deep", "top"],
        arg(help="deep: 8-layer networks without biases; top: 3 x 256 with biases, literal and centred nrc.1-3."),
    ] = "deep"
    weight_decay: Annotated[tuple[float, ...] | None, arg(help="One setting for each, ascending.")] = None
    lr: Annotated[float, arg(help="Learning rate of SGD with momentum 0.9.")] = 0.1

    def study(self) -> Study:
        """The deep or the top part."""
        return self._deep() if self.part == "deep" else self._top()

    def _decays(self, raw: bool = False) -> tuple[float, ...]:
        own = (RAW_DECAYS if raw else DECAYS)[self.environment]
        if self.weight_decay == ():
            raise UsageError("--weight-decay needs at least one value.")
        return own if self.weight_decay is None else tuple(sorted(self.weight_decay))

    def _deep(self) -> Study:
        name, pairs = PAIRS[self.environment]
        width, epochs = (WIDTH[self.environment], 1000) if self.full else (128, 1000)
        data, network = Recorded(name, pairs), Mlp((width,) * 7)
        settings = tuple(
            Setting(
                f"weight decay {decay:g}", data, network,
                Recipe(lr=self.lr, weight_decay=decay, epochs=self.epochs or epochs), facts={"weight decay": decay},
            )
            for decay in self._decays()
        )  # fmt: skip
        about = (
            f"An eight-layer network without biases learns the actions of a {self.environment} expert; inputs and "
            "targets are standardised. The published curves show noise falling and alignment rising towards the top, "
            "more so with more weight decay."
        )
        claims = (*weight_decay_orders(), *upper_layers_collapse())
        return Study(f"{self.environment}-deep", about, settings, tuple(range(self.seeds)), claims)

    def _top(self) -> Study:
        name, pairs = PAIRS[self.environment]
        epochs = self.epochs or (200_000 if self.full else 1500)
        settings = []
        for targets, raw in (("standardise", False), ("centre", True)):
            for last_relu in (False, True):
                for decay in self._decays(raw):
                    facts = {"weight decay": decay, "targets": targets, "last ReLU": last_relu}
                    label = f"{'raw' if raw else 'scaled'}, {'ReLU' if last_relu else 'linear'}, {decay:g}"
                    network = Mlp((256,) * 3, bias=True, last_relu=last_relu)
                    recipe = Recipe(lr=self.lr, weight_decay=decay, epochs=epochs)
                    probe = {"probes": ["deep.*", "nrc.*", "model.*"]}
                    settings.append(Setting(label, Recorded(name, pairs, targets), network, recipe, probe, facts=facts))
        about = (
            "A network of three hidden layers of 256 with biases learns the actions of an expert. With a ReLU before "
            "the last layer the literal nrc.1 and nrc.2 cannot reach 0, and the centred ones stand beside them; nrc.3 "
            "falls only on targets that keep their own scale."
        )
        measures = ("nrc.1", "nrc.2", "nrc.1_centred", "nrc.2_centred", "nrc.3", "nrc.3_gamma_ratio")
        claims = (*top_layer_collapses("scaled, linear"), _gram_falls())
        return Study(
            f"{self.environment}-top", about, tuple(settings), tuple(range(self.seeds)), claims, measures=measures
        )


def _gram_falls() -> Claim:
    def ratio(results: Results) -> float:
        without, decayed = (top_value(results, "nrc.3", "raw, linear", decayed) for decayed in (False, True))
        return without / decayed

    return Claim(
        "nrc.3 falls at least tenfold with weight decay on targets of their own scale (no last ReLU)",
        "Andriopoulos et al. 2024", ratio, ">", 10,
    )  # fmt: skip

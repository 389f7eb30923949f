"""Networks that imitate MuJoCo experts: deep collapse, and top-layer collapse by property and jointly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from tyro.conf import arg

from experiments.claims import (
    Claim,
    Inquiry,
    all_in_one_network,
    drops_a_direction,
    gram_falls,
    stays_literal,
    top_layer_collapses,
    upper_layers_collapse,
    weight_decay_orders,
    within,
)
from experiments.data import Recorded
from experiments.runner import Beside, Recipe, Setting, Study
from experiments.studies.perceptrons import Perceptrons

DEEP = (
    "An eight-layer network learns the actions of a {} expert; inputs and targets are standardised. The published "
    "networks, called bias-free, have no biases: targets of both signs then take them more directions than there are "
    "targets, and the top directions of features and weights differ by that one. The others have biases, and no ReLU "
    "before the last layer. The published curves show noise falling and alignment rising towards the top, more so with "
    "more weight decay. In the default training decay acts for three e-foldings at most (the settings' decay time), "
    "which collapses the upper layers and not yet the lower ones."
)
SHORT, GAIN = 0.05, 1.6  # on the default budget: learning rate, and what torch's initial weights are multiplied by
BEGUN = (
    f" Initial weights are {GAIN:g} times torch's and the learning rate is {SHORT:g}: from torch's own, or at twice "
    "that rate, bias-free networks drop a direction, or end with a few directions or with many, in some seeds."
)
FORMS = {"bias-free": (False, True), "with biases": (True, False)}  # biases, last ReLU
TOP = (
    "A network of three hidden layers of 256 with biases learns the actions of a {0} expert. With a ReLU before the "
    "last layer the literal nrc.1 and nrc.2 cannot reach 0, and the centred ones stand beside them; without it the top "
    "two layers are one linear map in two factors, whose Gram matrices are nearer to the identity than nrc.3 expects. "
    "nrc.3 falls only on targets that keep their own scale, most where weight decay nearly drops a direction. Each "
    "claim is read off the networks that its brackets name: nrc.1 and nrc.2 off those of scaled targets without the "
    "ReLU, nrc.3 off others, of raw targets with it. They say nothing of one network that has all; {0}-joint does."
)
JOINT = (
    "The published setting of the top-layer paper, for all of its properties in one network: three hidden layers of "
    "256 with biases and a ReLU before the last layer learn 1,000 actions of a {} expert, centred and in their own "
    "scale. Each seed's network with the largest weight decay is read for nrc.1, nrc.2 and nrc.3, and held against the "
    "same network without weight decay. Training is by full batches, at a larger learning rate and in fewer steps than "
    "published. The weight decay follows the targets' least "
    "variance: nrc.3 vanishes where decay nearly drops that direction, so that its explained share is the lowest. "
    "Behind the ReLU the literal nrc.1 and nrc.2 do not vanish: features are not negative, so they keep a mean; units "
    "that rise with a target and units that fall with it, which is the cheaper way to carry both signs unless a target "
    "reaches no further than a standard deviation below its mean, balance along the target's direction but not in the "
    "mean, which lies outside the plane and is counted by rows that are not centred. {}"
)
LINEAR_HEAD = "Networks without that ReLU stand beside: their features have both signs, and all three are literal."
PUBLISHED = {"reacher": "wd 1e-4", "swimmer": "wd 5e-3", "hopper": "wd 1e-3"}  # series of the published curves
BESIDE = (
    "The pairs are recorded of an expert trained here and not the authors', so already the first layer, whose noise "
    "fraction, CKA and linear MSE depend on the data alone, differs; width, weight decay and training are the study's."
)
TOP_MEASURES = (
    "nrc.1",
    "nrc.2",
    "nrc.1_centred",
    "nrc.2_centred",
    "nrc.3",
    "nrc.3_gamma_ratio",
    "nrc.evr_1",
    "nrc.evr_2",
    "nrc.evr_3",
)


@dataclass(frozen=True)
class Environment:
    """What differs between the experts.

    Attributes:
        recording, pairs: the shipped data and how much of it is published.
        width, rate, published: of the published deep networks, their learning rate and weight decay, which --full
            takes; on the shipped recordings, whose weakest target direction carries less variance, that decay can drop
            the direction.
        top: weight decays of the published top-layer networks.
        epochs: 2000 steps of 256 pairs; of hopper, whose pairs take the probes longer, 1600.
        deep, scaled, raw: weight decays of the deep part, by form, and of the top part on standardised and raw targets:
            target covariances differ 170-fold, so what collapses one does nothing to another. For the nrc.1 of a
            linear head to vanish, (lr / (1 - momentum)) x decay x steps at the full rate must be 5 to 10; the upper
            layers of the deep part collapse at 0.3 to 2.7. Swimmer's largest raw one is just below what drops its
            second direction.
        joint: weight decay of the joint part, its learning rate and steps.
        linear: learning rate and steps of its networks without the last ReLU, where those diverge.
        too_much: whether the largest decay of raw targets drops a direction, to see that it is recognised.
    """

    name: str
    recording: str
    pairs: int
    width: int
    rate: float
    published: float
    top: tuple[float, ...]
    epochs: int
    deep: Mapping[str, tuple[float, ...]]
    scaled: tuple[float, ...]
    raw: tuple[float, ...]
    joint: tuple[float, float, int]
    linear: tuple[float, int] | None = None
    too_much: bool = False


LONG = Recipe(lr=0.01, momentum=0.0, epochs=200_000, cuts=())  # of the published top-layer networks
JOINT_PAIRS = 1000  # in one batch
SETTLING = (0.7, 0.9)  # cuts of the learning rate late in a training by full batches
SWEEP = (0, 5e-5, 5e-4, 5e-3, 1e-2)
REACHER = Environment(
    "reacher", "reacher_1k", 1000, 512, 0.05, 1e-4, (0, 5e-6, 5e-5, 5e-4, 1.5e-3), 500,
    deep={"bias-free": (0, 3e-4, 1e-3), "with biases": (0, 1e-3, 4e-3)}, scaled=(0, 1e-3, 1e-2), raw=(0, 1e-4, 1e-3),
    joint=(7e-4, 1.0, 1500), linear=(0.5, 2500),
)  # fmt: skip
SWIMMER = Environment(
    "swimmer", "swimmer_1k", 1000, 256, 0.1, 5e-3, SWEEP, 500,
    deep=dict.fromkeys(FORMS, (0, 1e-3, 4e-3)), scaled=(0, 1e-3, 1e-2), raw=(0, 1e-2, 5.5e-2), joint=(5e-2, 0.1, 800),
)  # fmt: skip
HOPPER = Environment(
    "hopper", "hopper_10k", 5000, 256, 0.1, 1e-3, SWEEP, 100,
    deep=dict.fromkeys(FORMS, (0, 1e-3, 1e-2)), scaled=(0, 1e-3, 1e-2), raw=(0, 1e-3, 1e-2), joint=(5e-3, 0.3, 1000),
    too_much=True,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Expert(Perceptrons):
    """Imitate an expert, layer by layer and at the top layer, over weight decay."""

    environment: ClassVar[Environment]
    takes: ClassVar[str] = "10 minutes"

    part: Annotated[
        Literal["all", "both", "deep", "top", "joint"],
        arg(
            help="deep: every layer of 8-layer networks; top: the last layer of 3 x 256 ones, over targets, heads and "
            "weight decays; joint: nrc.1, nrc.2 and nrc.3 in one network; both: deep and top."
        ),
    ] = "all"

    def inquiries(self) -> tuple[Inquiry, ...]:
        """The deep, the top and the joint part, or what the flag says."""
        parts = {"deep": self.deep, "top": self.top, "joint": self.joint}
        chosen = {"all": tuple(parts), "both": ("deep", "top")}.get(self.part, (self.part,))
        return tuple(parts[name]() for name in chosen)

    def deep(self) -> Inquiry:
        """Every layer of networks that are published in the deep-collapse paper, and of ones with biases."""
        own, settings = self.environment, list[Setting]()
        published = Recipe(lr=own.rate, epochs=1000)
        recipe = self.recipe(published if self.full else Recipe(lr=SHORT, epochs=own.epochs))
        gain = 1.0 if self.full else GAIN
        given = (self.bias, self.head) != ("own", "own")
        forms = {"as asked": FORMS["bias-free"]} if given else FORMS  # flags go before what is passed to mlp
        for name, (bias, last_relu) in forms.items():
            decays = self.decays((0.0, own.published) if self.full else own.deep.get(name, own.deep["bias-free"]))
            settings += self.over_decays(
                Recorded(own.recording, own.pairs),
                self.mlp(*[own.width if self.full else 128] * 7, bias=bias, last_relu=last_relu, gain=gain),
                recipe,
                decays,
                form=name,
            )
        orders = weight_decay_orders(len(decays))
        beside_of = {name: (own.name, PUBLISHED[own.name]) if name == "bias-free" else None for name in forms}
        checked = tuple(
            claim
            for name, curves in beside_of.items()
            for claim in within((*orders, *upper_layers_collapse(published=curves)), form=name)
        )
        most = settings[len(settings) // len(forms) - 1]  # of the first form, as published
        beside = () if given else (Beside(most.label, (own.name, PUBLISHED[own.name]), BESIDE),)
        default = not self.full and self.init_gain is None and self.lr is None
        about = DEEP.format(own.name) + (BEGUN if default else "")
        seeds = tuple(range(self.seeds))
        study = Study(f"{own.name}-deep", about, tuple(settings), seeds, theory=True, beside=beside)
        return Inquiry(study, checked)

    def top(self) -> Inquiry:
        """The last layer of networks that are published in the top-layer paper: both heads, raw and scaled targets."""
        own, settings = self.environment, list[Setting]()
        for targets, name, every in (("standardise", "scaled", own.scaled), ("centre", "raw", own.raw)):
            for last_relu in {"linear": (False,), "relu": (True,)}.get(self.head, (False, True)):
                some = every if not last_relu else (every[0], every[-1])
                decays = self.decays(own.top if self.full else some)
                settings += self.over_decays(
                    Recorded(own.recording, own.pairs, targets),
                    self.mlp(256, 256, 256, bias=True, last_relu=last_relu),
                    self.recipe(LONG if self.full else Recipe(epochs=own.epochs)),
                    decays,
                    probe={"probes": ["deep.*", "nrc.*", "model.*"]},
                    targets=name,
                    last_relu=last_relu,
                )
        claims = (
            *within(top_layer_collapses(), targets="scaled", last_relu=False),
            *within([gram_falls()], targets="raw", last_relu=True),
        )
        if own.too_much and self.weight_decay is None and not self.full:
            claims += within([drops_a_direction()], targets="raw", last_relu=False, weight_decay=own.raw[-1])
        about, seeds = TOP.format(own.name), tuple(range(self.seeds))
        return Inquiry(Study(f"{own.name}-top", about, tuple(settings), seeds, TOP_MEASURES, theory=True), claims)

    def joint(self) -> Inquiry:
        """Networks each of which is read for nrc.1, nrc.2 and nrc.3 at once: raw targets, full batches, both heads."""
        own, settings, claims = self.environment, list[Setting](), list[Claim]()
        decay, rate, steps = own.joint
        plans = {True: (rate, steps), False: own.linear or (rate, steps)}  # by whether there is a last ReLU
        decays = self.decays(own.top if self.full else (0.0, decay))
        heads = {"linear": (False,), "relu": (True,)}.get(self.head, (True, False))
        for last_relu in heads:
            rate, steps = plans[last_relu]
            whole = Recipe(lr=rate, epochs=steps, batch=JOINT_PAIRS, cuts=SETTLING)
            settings += self.over_decays(
                Recorded(own.recording, JOINT_PAIRS, "centre"),
                self.mlp(256, 256, 256, bias=True, last_relu=last_relu),
                self.recipe(LONG if self.full else whole),
                decays,
                probe={"probes": ["deep.*", "nrc.*", "model.*"]},
                last_relu=last_relu,
            )
            claims += within(all_in_one_network(literal=not last_relu), last_relu=last_relu)
            claims += within([stays_literal()], last_relu=True) if last_relu else ()
        about = JOINT.format(own.name, LINEAR_HEAD if False in heads else "").rstrip()
        study = Study(f"{own.name}-joint", about, tuple(settings), tuple(range(self.seeds)), TOP_MEASURES, theory=True)
        return Inquiry(study, tuple(claims))


class Reacher(Expert):
    """Imitate the reacher expert: collapse of every layer, and of the last, over weight decay."""

    environment = REACHER


class Swimmer(Expert):
    """Imitate the swimmer expert: collapse of every layer, and of the last, over weight decay."""

    environment = SWIMMER


class Hopper(Expert):
    """Imitate the hopper expert: collapse of every layer, and of the last, over weight decay."""

    environment = HOPPER

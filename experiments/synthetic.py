"""Rank-r targets in R^n: do the layers find the rank, and what does weight decay do?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg

from deepnrc.errors import UsageError
from experiments.claims import DEEP, upper_layers_collapse, weight_decay_orders
from experiments.data.synthetic import LowRank
from experiments.family import Family
from experiments.study import Claim, Mlp, Setting, Study
from experiments.training import Recipe

ABOUT = (
    "Inputs are N(0, I) in R^{d}, targets have rank {r} in R^{n}. Each network is trained with several weight decays, "
    "and an untrained one stands beside them. Without target noise the targets have exact rank, and the feature-target "
    "covariance alignment is then 1, and the cross alignment 0, for any features, trained or not, as the untrained "
    "network shows; the feature-side alignment and the noise fraction are what tells them apart."
)


@dataclass(frozen=True, kw_only=True)
class Synthetic(Family):
    """Targets of low rank: noise, ranks and alignments by layer, over weight decay."""

    rank: Annotated[int, arg(help="Rank r of the targets, and the signal rank k.")] = 2
    target_dim: Annotated[int, arg(help="Width n of the targets.")] = 10
    input_dim: Annotated[int, arg(help="Width of the inputs.")] = 20
    samples: Annotated[int | None, arg(help="Samples, a fifth of them held out.")] = None
    weight_decay: Annotated[tuple[float, ...], arg(help="One setting for each, ascending.")] = (0.0, 1e-3, 5e-3)
    depth: Annotated[int | None, arg(help="Hidden layers.")] = None
    width: Annotated[int | None, arg(help="Of each hidden layer.")] = None
    lr: Annotated[float, arg(help="Learning rate of SGD with momentum 0.9.")] = 0.05
    teacher: Annotated[
        Literal["spectrum", "network", "linear"], arg(help="A prescribed spectrum, or a published random teacher.")
    ] = "spectrum"
    spectrum: Annotated[tuple[float, ...], arg(help="Eigenvalues of the target covariance.")] = (1.0, 0.49)
    noise: Annotated[float, arg(help="Target noise, relative to the targets' standard deviation.")] = 0.0

    def study(self) -> Study:
        """Settings: untrained, and every weight decay."""
        if not self.weight_decay:
            raise UsageError("--weight-decay needs at least one value.")
        size = (10, 1024, 12_500, 300) if self.full else (5, 128, 2500, 300)
        depth, width, samples, epochs = (
            default if given is None else given
            for given, default in zip((self.depth, self.width, self.samples, self.epochs), size, strict=True)
        )
        data = LowRank(self.rank, self.target_dim, self.input_dim, samples, self.spectrum, self.teacher, self.noise)
        network, probe = Mlp((width,) * depth), {"rank": self.rank}
        base = Recipe(lr=self.lr, epochs=epochs, batch=128)
        untrained = Setting("untrained", data, network, Recipe(epochs=0), probe, facts={"weight decay": None})
        trained = tuple(
            Setting(
                f"weight decay {decay:g}",
                data,
                network,
                Recipe(lr=base.lr, weight_decay=decay, epochs=epochs, batch=base.batch),
                probe,
                facts={"weight decay": decay},
            )
            for decay in sorted(self.weight_decay)
        )
        about = ABOUT.format(d=self.input_dim, r=self.rank, n=self.target_dim)
        claims = (*weight_decay_orders(), *upper_layers_collapse(), *_trap()) if len(trained) > 1 else ()
        return Study("synthetic", about, (untrained, *trained), tuple(range(self.seeds)), claims)


def _trap() -> tuple[Claim, ...]:
    return (
        Claim(
            "The features' target-carrying directions are those of high variance: feature-side alignment, last layer",
            DEEP, lambda r: float(r.top("deep.feature_side_alignment").iloc[-1]), ">", 0.95,
        ),
    )  # fmt: skip

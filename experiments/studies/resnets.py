"""Studies of residual networks on images over weight decay: the flags that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg

from experiments.data import Data, Subset
from experiments.networks import ResNet
from experiments.runner import Fact, Recipe, Setting
from experiments.studies.family import OverDecays

PROBED = 2000  # images that the probes see: more change the measures by less than seeds do
CHANNELS = 16
PUBLISHED = 64


@dataclass(frozen=True, kw_only=True)
class ResNets(OverDecays):
    """Flags of training and of the network; ``over_stages`` makes the settings."""

    seeds: Annotated[int, arg(help="Each setting is run once for each of so many seeds.")] = 3
    lr: Annotated[
        float | None, arg(help="Highest learning rate of one cycle; with --full the published one, cut tenfold.")
    ] = None
    samples: Annotated[
        int | None, arg(help="Images, a fifth of them held out; the study's own number if not given.")
    ] = None
    channels: Annotated[
        int | None, arg(help="Of the first stage; each of four is twice as wide. 16, with --full 64.")
    ] = None
    head: Annotated[
        Literal["linear", "mlp"], arg(help="The last layers: one Linear, or Linear - LayerNorm - ReLU - Linear.")
    ] = "linear"

    def resnet(self, depth: int = 18, *, bias: bool = True, small_images: bool = False) -> ResNet:
        """The network, as wide as the flag says."""
        first = (PUBLISHED if self.full else CHANNELS) if self.channels is None else self.channels
        widths = (first, 2 * first, 4 * first, 8 * first)
        return ResNet(depth, widths, self.head, bias, small_images)

    def recipe(
        self, epochs: int, *, batch: int, published: tuple[float, int], loss: str = "mse", lr: float = 0.05
    ) -> Recipe:
        """One cycle of SGD over ``epochs`` in batches of ``batch``, up to ``lr``; with --full the ``published``
        learning rate and epochs in batches of 128, the rate cut in steps."""
        lr, most = published if self.full else (lr, epochs)
        lr = lr if self.lr is None else self.lr
        schedule = "steps" if self.full else "one-cycle"
        batch = 128 if self.full else batch
        return Recipe(lr=lr, epochs=self.epochs or most, batch=batch, schedule=schedule, loss=loss)

    def some(self, data: Data, default: int | None) -> Data:
        """As much of a user's images as --samples says; ``default`` (None: all) if it says nothing."""
        samples = default if self.samples is None else self.samples
        return data if samples is None else Subset(data, samples)

    def over_stages(
        self,
        data: Data,
        network: ResNet,
        recipe: Recipe,
        decays: tuple[float, ...],
        *,
        probes: tuple[str, ...] | None = None,
        **apart: Fact,
    ) -> tuple[Setting, ...]:
        """``over_decays``, probed at the published points and a few epochs."""
        probe = {"layers": network.points, "max_samples": PROBED, "probes": probes}
        steps = tuple(sorted({1, *(recipe.epochs // part for part in (8, 4, 2))} - {0}))
        return self.over_decays(data, network, recipe, decays, probe=probe, steps=steps, **apart)

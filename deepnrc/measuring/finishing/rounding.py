"""How coarsely the numbers of layers were made, by the products that they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.networks import Dataflow


@dataclass(frozen=True)
class Rounding:
    """The products of a network that round coarsely, and what lies behind them.

    Attributes:
        products: by the names of modules and bare parameters, the unit roundoff of their products; of those alone that
            round.
        flow: what feeds what.
    """

    products: Mapping[str, float]
    flow: Dataflow

    def of(self, layer: LayerStream) -> float:
        """The coarsest unit roundoff of the products behind which a layer lies; where the graph does not tell of the
        layer or of one of the products, of those that ran before it."""
        site, runs = layer.site, self.flow.runs
        name = site.name if site.name in runs else site.name.rpartition(".")[0]  # a weight within a module
        if self._behind is None or name not in runs:
            return layer.coarsest
        within = site.weight is not None and site.weight.inside is not None  # it reads what its own module multiplied
        return max(self._behind.get(name, 0.0), self.products.get(name, 0.0) if within else 0.0)

    @cached_property
    def _behind(self) -> dict[str, float] | None:
        """By what lies behind products, the coarsest of them, for all layers at once; None where that is unknown."""
        flow = self.flow
        if flow.unknown or flow.hidden or not set(self.products) <= set(flow.runs) | set(flow.bare):
            return None
        # a bare parameter's is watched from the second batch on, and rounds as others do
        coarse = dict.fromkeys(flow.bare, max(self.products.values(), default=0.0)) | dict(self.products)
        found: dict[str, float] = {}
        for u in sorted(set(coarse.values())):
            found |= dict.fromkeys(flow.behind([name for name, own in coarse.items() if own == u]), u)
        return found

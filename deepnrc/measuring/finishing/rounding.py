"""How coarsely the numbers of a layer were made, by the products that they came from."""

from __future__ import annotations

from collections.abc import Mapping

from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.networks import Dataflow


def made_roundoff(layer: LayerStream, products: Mapping[str, float], flow: Dataflow) -> float:
    """The coarsest unit roundoff of the products behind which a layer lies; where the graph does not tell of the layer
    or of one of the products, of those that ran before it.

    Args:
        products: by the names of modules and bare parameters, the unit roundoff of their products; of those alone that
            round.
    """
    site = layer.site
    name = site.name if site.name in flow.runs else site.name.rpartition(".")[0]  # a weight within a module
    known = not flow.unknown and not flow.hidden and name in flow.runs
    if not known or not set(products) <= set(flow.runs) | set(flow.bare):
        return layer.coarsest
    # a bare parameter's is watched from the second batch on, and rounds as others do
    coarse = dict.fromkeys(flow.bare, max(products.values(), default=0.0)) | dict(products)
    within = site.weight is not None and site.weight.inside is not None  # it reads what its own module multiplied
    before = (u for giver, u in coarse.items() if name in flow.behind([giver]) or (within and giver == name))
    return max(before, default=0.0)

"""Networks: which modules are probed, what a module multiplies by, what feeds what, and the hooks that read it."""

from deepnrc.networks.choosing.idle import entries, leaving_out
from deepnrc.networks.choosing.layers import (
    ROOT,
    Choice,
    Layers,
    Site,
    choose,
    has_weight,
    reads_features,
    site_at,
    weight_matrix,
)
from deepnrc.networks.choosing.naming import asked_for, called_shortcuts, own_name
from deepnrc.networks.dataflow import (
    BY_VALUE,
    LOOKED_AT,
    Dataflow,
    Giving,
    Link,
    Product,
    Survey,
    as_it_was,
    bent_before_summed,
    hooked,
    near,
    rebuilt,
    survey,
)
from deepnrc.networks.failing import forward, out_of_memory
from deepnrc.networks.outputs import CHOSEN, Output, fitting, logits, picking
from deepnrc.networks.readable import check_network
from deepnrc.networks.reading.axes import Axis, check_axis
from deepnrc.networks.reading.forward import Forward, Reading
from deepnrc.networks.reading.masks import AUTO, Mask, apart_by_padding, check_mask, mask_of
from deepnrc.networks.reading.pooling import PER_PLACE, Pool, check_pool
from deepnrc.networks.reading.shares import Shares
from deepnrc.networks.reading.taps import REPEATS, Taps
from deepnrc.networks.samples import Layout, lie_first, samples_first, telling_first
from deepnrc.networks.weights.registry import Linears, Weight
from deepnrc.networks.weights.response import NoWeightError
from deepnrc.networks.weights.stored import dense, over_map

__all__ = [
    "AUTO",
    "BY_VALUE",
    "CHOSEN",
    "LOOKED_AT",
    "PER_PLACE",
    "REPEATS",
    "ROOT",
    "Axis",
    "Choice",
    "Dataflow",
    "Forward",
    "Giving",
    "Layers",
    "Layout",
    "Linears",
    "Link",
    "Mask",
    "NoWeightError",
    "Output",
    "Pool",
    "Product",
    "Reading",
    "Shares",
    "Site",
    "Survey",
    "Taps",
    "Weight",
    "apart_by_padding",
    "as_it_was",
    "asked_for",
    "bent_before_summed",
    "called_shortcuts",
    "check_axis",
    "check_mask",
    "check_network",
    "check_pool",
    "choose",
    "dense",
    "entries",
    "fitting",
    "forward",
    "has_weight",
    "hooked",
    "leaving_out",
    "lie_first",
    "logits",
    "mask_of",
    "near",
    "out_of_memory",
    "over_map",
    "own_name",
    "picking",
    "reads_features",
    "rebuilt",
    "samples_first",
    "site_at",
    "survey",
    "telling_first",
    "weight_matrix",
]

"""Networks: which modules are probed, what a module multiplies by, what feeds what, and the hooks that read it."""

from deepnrc.networks.axes import Axis, check_axis
from deepnrc.networks.dataflow import following
from deepnrc.networks.failing import forward, out_of_memory
from deepnrc.networks.idle import entries, leaving_out
from deepnrc.networks.layers import (
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
from deepnrc.networks.masks import AUTO, Mask, check_mask
from deepnrc.networks.pooling import Pool, check_pool
from deepnrc.networks.readable import check_network
from deepnrc.networks.response import NoWeightError
from deepnrc.networks.stored import dense
from deepnrc.networks.taps import REPEATS, Forward, Reading, Taps
from deepnrc.networks.weights import Linears, Weight

__all__ = [
    "AUTO",
    "REPEATS",
    "ROOT",
    "Axis",
    "Choice",
    "Forward",
    "Layers",
    "Linears",
    "Mask",
    "NoWeightError",
    "Pool",
    "Reading",
    "Site",
    "Taps",
    "Weight",
    "check_axis",
    "check_mask",
    "check_network",
    "check_pool",
    "choose",
    "dense",
    "entries",
    "following",
    "forward",
    "has_weight",
    "leaving_out",
    "out_of_memory",
    "reads_features",
    "site_at",
    "weight_matrix",
]

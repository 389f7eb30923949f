"""Networks: which modules are probed, what a module multiplies by, what feeds what, and the hooks that read it."""

from deepnrc.networks.dataflow import following
from deepnrc.networks.failing import forward, out_of_memory
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
from deepnrc.networks.pooling import Pool, check_pool
from deepnrc.networks.response import NoWeightError
from deepnrc.networks.taps import REPEATS, Forward, Reading, Taps
from deepnrc.networks.weights import Linears, Weight

__all__ = [
    "REPEATS",
    "ROOT",
    "Choice",
    "Forward",
    "Layers",
    "Linears",
    "NoWeightError",
    "Pool",
    "Reading",
    "Site",
    "Taps",
    "Weight",
    "check_pool",
    "choose",
    "following",
    "forward",
    "has_weight",
    "out_of_memory",
    "reads_features",
    "site_at",
    "weight_matrix",
]

"""Trained networks beside the closed forms of ``probes.ufm``."""

from experiments.theory.everylayer import EveryLayer, every_layer
from experiments.theory.fit import Fit, fit
from experiments.theory.learnedrank import linear_rank
from experiments.theory.linearnetworks import Predicted, linear_networks, linear_table
from experiments.theory.trained import Networks, fits, networks, table

__all__ = [
    "EveryLayer",
    "Fit",
    "Networks",
    "Predicted",
    "every_layer",
    "fit",
    "fits",
    "linear_networks",
    "linear_rank",
    "linear_table",
    "networks",
    "table",
]

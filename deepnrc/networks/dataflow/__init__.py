"""What feeds what: which weights give the outputs, which weight reads what another one gives, and where samples lie."""

from deepnrc.networks.dataflow.arrivals import BY_VALUE
from deepnrc.networks.dataflow.flow import Dataflow, Giving, Link
from deepnrc.networks.dataflow.heads import bent_before_summed
from deepnrc.networks.dataflow.passes import near
from deepnrc.networks.dataflow.products import Product, Products
from deepnrc.networks.dataflow.recording import as_it_was, rebuilt
from deepnrc.networks.dataflow.survey import LOOKED_AT, Survey, hooked, survey
from deepnrc.networks.dataflow.tracing import trace

__all__ = [
    "BY_VALUE",
    "LOOKED_AT",
    "Dataflow",
    "Giving",
    "Link",
    "Product",
    "Products",
    "Survey",
    "as_it_was",
    "bent_before_summed",
    "hooked",
    "near",
    "rebuilt",
    "survey",
    "trace",
]

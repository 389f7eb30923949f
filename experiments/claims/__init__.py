"""What is told of results: a claim with its verdict, and the claims of each paper."""

from experiments.claims.acrossdepth import classifier_claims
from experiments.claims.claim import Claim, Inquiry, at_rank, within
from experiments.claims.deepcollapse import (
    DEEP,
    learned_dimension,
    onset,
    similarity_rises,
    upper_layers_collapse,
    weight_decay_orders,
)
from experiments.claims.heldout import COLLAPSED, READ, generalisation, read_networks
from experiments.claims.learning import FITTED, learned_every_direction
from experiments.claims.reasons import explained
from experiments.claims.toplayer import (
    all_in_one_network,
    drops_a_direction,
    falls_at_the_top,
    gram_falls,
    stays_literal,
    top_layer_collapses,
)
from experiments.claims.verdict import STANDINGS, Verdict, bootstrap

__all__ = [
    "COLLAPSED",
    "DEEP",
    "FITTED",
    "READ",
    "STANDINGS",
    "Claim",
    "Inquiry",
    "Verdict",
    "all_in_one_network",
    "at_rank",
    "bootstrap",
    "classifier_claims",
    "drops_a_direction",
    "explained",
    "falls_at_the_top",
    "generalisation",
    "gram_falls",
    "learned_dimension",
    "learned_every_direction",
    "onset",
    "read_networks",
    "similarity_rises",
    "stays_literal",
    "top_layer_collapses",
    "upper_layers_collapse",
    "weight_decay_orders",
    "within",
]

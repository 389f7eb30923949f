"""Rows of the top-layer measures, which read the last features and the weight of the outputs."""

from __future__ import annotations

from typing import Any

from probes import heldout
from probes.measures import top
from probes.streaming.directions import CentredDirections, Directions

from .probe import Probe
from .sources import TOP

_nrc: dict[str, Any] = {"better": "low", "collapsed": 0.0, "log": True, "where": "top"}
_outside: dict[str, Any] = {**_nrc, "statistics": {"directions": Directions}}
_centred: dict[str, Any] = {**_nrc, "statistics": {"centred_directions": CentredDirections}}

ROWS: tuple[Probe, ...] = (
    Probe(
        "nrc.1", top.nrc1, "NRC1: feature collapse",
        "Part of the last features' directions outside their top n principal components. 0 when collapsed; with a "
        "ReLU before the last layer it cannot reach 0, and the centred form shows what remains.",
        "mean ||u - P u||^2, u = h/||h||, P on the top-n components of the centred features", f"{TOP}, NRC1",
        floor=top.direction_floor, held_out=heldout.nrc1, **_outside,
        told="nrc.1", digits=".2e",
        also="NRC1 (Andriopoulos et al.); feature-vector collapse",
    ),
    Probe(
        "nrc.1", top.nrc1_uncentred, "NRC1, uncentred components",
        "NRC1 with the principal components of the uncentred features. Measured when asked for by name.",
        "mean ||u - P u||^2, u = h/||h||, P on the top-n eigenvectors of E[h h']", f"{TOP}, NRC1; uncentred",
        floor=top.direction_floor, variant="none", default=False, held_out=heldout.nrc1_uncentred, **_outside,
    ),
    Probe(
        "nrc.2", top.nrc2, "NRC2: self-duality",
        "Part of the last features' directions outside the row space of the last weight. 0 when collapsed.",
        "mean ||u - Q u||^2, Q on the row space of W", f"{TOP}, NRC2", floor=top.direction_floor,
        held_out=heldout.nrc2, **_outside,
        told="nrc.2", digits=".2e",
        also="NRC2 (Andriopoulos et al.); self-duality",
    ),
    Probe(
        "nrc.1_centred", top.nrc1_centred, "NRC1, centred rows",
        "NRC1 with every row centred before it is normalised. It can reach 0 behind a ReLU too; it takes a second "
        "pass over the data.",
        "mean ||u - P u||^2, u = (h - mean)/||h - mean||", f"{TOP}, NRC1; centred", floor=top.centred_direction_floor,
        default=False, held_out=heldout.nrc1_centred, **_centred,
    ),
    Probe(
        "nrc.2_centred", top.nrc2_centred, "NRC2, centred rows",
        "NRC2 with every row centred before it is normalised. It can reach 0 behind a ReLU too; it takes a second "
        "pass over the data.",
        "mean ||u - Q u||^2, u = (h - mean)/||h - mean||", f"{TOP}, NRC2; centred", floor=top.centred_direction_floor,
        default=False, held_out=heldout.nrc2_centred, **_centred,
    ),
    Probe(
        "nrc.3", top.nrc3, "NRC3: weight Gram against targets",
        "Distance of WW' from the square root of the target covariance less a multiple of the identity, both "
        "normalised. 0 when collapsed, with the multiple that fits best.",
        "|| WW'/||WW'|| - A/||A|| ||_F^2, A = S_Y^(1/2) - sqrt(gamma) I", f"{TOP}, NRC3",
        **{**_nrc, "bounds": (0, 4)},
        told="nrc.3", digits=".2e",
        also="NRC3 (Andriopoulos et al.); structure of the last weight",
    ),
    Probe(
        "nrc.3_gamma_ratio", top.gamma_ratio, "NRC3: gamma / l_min",
        "The multiple that NRC3 fits, as a share of the targets' smallest eigenvalue. It stands for the product of the "
        "effective regularisations.",
        "gamma / l_min", f"{TOP}, NRC3", where="top",
    ),
    *(
        Probe(
            f"nrc.evr_{i}", top.explained_variance(i), f"Explained variance of component {i}",
            f"Share of the last features' variance along their principal component {i}. When collapsed, only the first "
            "n components matter.",
            f"l_{i} / sum l of S_H", TOP, where="top",
        )
        for i in range(1, 6)
    ),
)  # fmt: skip

"""Rows of the measures of neural collapse in classifiers, for targets that are classes."""

from __future__ import annotations

import math
from typing import Any

from probes import heldout
from probes.measures import classifier
from probes.streaming.classes import Classes
from probes.streaming.nearest import Mislabelled, Nearest

from .probe import Probe
from .sources import PAPYAN, TIRER

INF = float("inf")
SQRT2 = math.sqrt(2)
_classes: dict[str, Any] = {
    **{"better": "low", "collapsed": 0.0, "log": True, "classes": True},
    "statistics": {"classes": Classes},
}

ROWS: tuple[Probe, ...] = (
    Probe(
        "nc.1", classifier.nc1, "NC1: variability within classes",
        "Spread of the features about their class means, against the spread of the means themselves. It falls to 0 "
        "when every sample of a class has the same features.",
        "Tr(S_W pinv(S_B))/K, pinv of the K - 1 largest eigenvalues", f"{PAPYAN}; {TIRER}",
        bounds=(0, INF), held_out=heldout.nc1, floor=classifier.nc1_floor, **_classes,
        short="nc.1", digits=".2e", told="nc.1",
        also="NC1; within-class variability collapse",
    ),
    Probe(
        "nc.1", classifier.nc1_unscaled, "NC1 without 1/K",
        "The same without the division by the number of classes. Some publications leave it out.",
        "Tr(S_W pinv(S_B))", f"{PAPYAN}; {TIRER}",
        bounds=(0, INF), floor=classifier.nc1_unscaled_floor, held_out=heldout.nc1_unscaled, variant="without 1/K",
        **_classes,
    ),
    Probe(
        "nc.1", classifier.nc1_trace, "NC1 by traces",
        "All variance within classes over all variance between them. It needs no inverse, and so exists where the "
        "class means span fewer than K - 1 directions.",
        "Tr S_W / Tr S_B", f"{PAPYAN}; {TIRER}",
        bounds=(0, INF), held_out=heldout.nc1_trace, floor=classifier.nc1_trace_floor, variant="trace", **_classes,
    ),
    Probe(
        "nc.1", classifier.nc1_total, "NC1 as a share",
        "Share of the features' variance that lies within classes. 0 when collapsed, 1 where the classes cannot be "
        "told apart by their means.",
        "Tr S_W / Tr S_T, S_T = S_W + S_B", f"{PAPYAN}; {TIRER}",
        held_out=heldout.nc1_total, floor=classifier.nc1_total_floor, variant="total", **_classes,
    ),
    Probe(
        "nc.2", classifier.nc2, "NC2: class means against a simplex",
        "Distance of the centred class means from equal lengths and equal, largest possible angles. 0 when collapsed, "
        "up to rotation and scale.",
        "|| G/||G|| - (I - 11'/K)/sqrt(K-1) ||_F, G the Gram matrix of mu_k - mu_G", f"{PAPYAN}; {TIRER}",
        bounds=(0, SQRT2), floor=classifier.means_floor, **_classes,
        short="nc.2", digits=".2e", told="nc.2",
        also="NC2; convergence to a simplex ETF; equiangularity and equinorm together",
    ),
    Probe(
        "nc.2", classifier.nc2_frame, "NC2: class means against an orthogonal frame",
        "Distance of the uncentred class means from equal lengths and right angles. It is the form that reaches 0 in "
        "networks without biases.",
        "|| G/||G|| - I/sqrt(K) ||_F, G the Gram matrix of mu_k", f"{TIRER}",
        bounds=(0, SQRT2), floor=classifier.means_floor, variant="orthogonal frame", **_classes,
    ),
    Probe(
        "nc.3", classifier.nc3, "NC3: weight against class means (simplex)",
        "Whether the weight of the outputs is the dual of the centred class means. 0 when each row of it points along "
        "its own class's mean, and these form a simplex.",
        "|| WM/||WM|| - (I - 11'/K)/sqrt(K-1) ||_F, M the mu_k - mu_G as columns", f"{PAPYAN}; {TIRER}",
        bounds=(0, 2), floor=classifier.means_floor, **_classes,
        digits=".2e", told="nc.3",
        also="NC3; self-duality",
    ),
    Probe(
        "nc.3", classifier.nc3_frame, "NC3: weight against class means (orthogonal frame)",
        "The same with the uncentred class means and an orthogonal frame. It is the form that reaches 0 in networks "
        "without biases.",
        "|| WM/||WM|| - I/sqrt(K) ||_F, M the mu_k as columns", f"{TIRER}",
        bounds=(0, 2), floor=classifier.means_floor, variant="orthogonal frame", **_classes,
    ),
    Probe(
        "nc.4", classifier.nc4, "NC4: nearest class mean against network",
        "Share of the samples on which the nearest class mean of this layer's features and the network disagree. 0 "
        "when collapsed; it takes a second pass over the data.",
        "share of samples with argmin_k ||h - mu_k|| not argmax f(x)", f"{PAPYAN}; {TIRER}",
        default=False, **{**_classes, "log": False, "statistics": {"classes": Classes, "nearest": Nearest}},
        also="NC4; nearest class centre (NCC) behaviour",
    ),
    Probe(
        "nc.ncc_error", classifier.ncc_error, "Nearest-class-mean error",
        "Share of the samples whose nearest class mean, in this layer, is not that of their own class. 0 when "
        "collapsed; the first layer from which it stays low is the effective depth. It takes a second pass.",
        "share of samples with argmin_k ||h - mu_k|| not their class", "Galanti et al. 2022",
        default=False, held_out=heldout.ncc_error,
        **{**_classes, "log": False, "statistics": {"classes": Classes, "mislabelled": Mislabelled}},
        also="NCC error, NCC mismatch; what effective depth counts",
    ),
)  # fmt: skip

"""Rows of other readings of the same quantities, each a variant that is measured when its name is given."""

from __future__ import annotations

from probes.measures import alternatives, top

from .probe import Probe
from .sources import DEEP, TOP

INF = float("inf")

ROWS: tuple[Probe, ...] = (
    Probe(
        "deep.cka", alternatives.first_columns_cka, "Signal-target alignment (CKA of the first n columns)",
        "The same of the features' first n columns alone, as the released code cuts them. It depends on the order of "
        "the units.",
        "CKA(H[:, :n], Y)", f"{DEEP}, released code", better="high", variant="first n columns", default=False,
    ),
    Probe(
        "deep.linear_mse", alternatives.linear_mse_without_intercept, "Linear MSE without intercept",
        "Error of the best linear map that has no intercept. It counts the targets' mean as something to explain.",
        "mean (y - A h)^2 at its least", f"{DEEP}, NRC4; no intercept", bounds=(0, INF), better="low", log=True,
        variant="without intercept", default=False,
    ),
    Probe(
        "nrc.1", alternatives.unnormalised_nrc1, "NRC1 of rows as they are",
        "NRC1 without bringing rows to one length first. Long rows weigh more.",
        "E||h - P h||^2 / E||h||^2", f"{TOP}, NRC1; unnormalised", better="low", collapsed=0.0, log=True, where="top",
        variant="unnormalised", default=False,
    ),
    Probe(
        "nrc.3", alternatives.unnormalised_gamma, "NRC3 at the un-normalised optimum",
        "NRC3 at the gamma that fits best before both sides are normalised. It exists where that is positive.",
        "NRC3 at gamma = ((Tr S_Y^(1/2) - Tr WW')/n)^2", f"{TOP}, NRC3", bounds=(0, 4), better="low", collapsed=0.0,
        log=True, where="top", variant="un-normalised optimum", default=False,
    ),
    Probe(
        "nrc.3", top.fixed_gamma(0.0), "NRC3 at gamma = 0",
        "NRC3 against the root of the target covariance itself. It reaches 0 only without regularisation.",
        "NRC3 at gamma = 0", f"{TOP}, NRC3", bounds=(0, 4), better="low", collapsed=0.0, log=True, where="top",
        variant="gamma = 0", default=False,
    ),
)  # fmt: skip

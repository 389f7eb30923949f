"""Rows of the catalog beyond the papers' own measures: target directions, further ranks, further class geometry.

What takes another decomposition, another pass or distances between samples is measured when named.
"""

from __future__ import annotations

from typing import Any

from probes.measures import dimension, geometry, prediction, ranks
from probes.nulls import chance
from probes.streaming import dormant
from probes.streaming.classes import Classes
from probes.streaming.rows import Rows

from .probe import Probe

INF = float("inf")
TAU = 1e-3  # of the numerical rank
DIRECTIONS = 10  # of the targets that have rows of their own; the smallest and the largest gap go over all of them
_direction: dict[str, Any] = {"better": "high", "bounds": (-INF, 1.0)}
_named: dict[str, Any] = {"default": False}
_geometry: dict[str, Any] = {
    "better": "low", "collapsed": 0.0, "log": True, "classes": True, "bounds": (0, INF),
    "statistics": {"classes": Classes},
}  # fmt: skip

PREDICTION = tuple(
    probe
    for i in range(1, DIRECTIONS + 1)
    for probe in (
        Probe(
            f"deep.direction_r2_{i}", prediction.layer_direction(i), f"R2 along target direction {i}",
            f"Share of the targets' variance along their principal direction {i}, strongest first, that the best "
            "affine map from this layer explains. A direction that the network dropped falls to chance with depth.",
            f"1 - u_{i}'R u_{i}/t_{i}, R the residual's second moment", "R2 by direction", direction=i, **_direction,
            chance=chance.direction_r2, held_out=prediction.held_layer_direction(i),
            unbiased=prediction.adjusted_layer_direction(i),
        ),
        Probe(
            f"deep.direction_r2_{i}", prediction.adjusted_layer_direction(i),
            f"Adjusted R2 along target direction {i}",
            "The same less what as many unrelated directions explain. 0 in the mean where the layer says nothing.",
            "1 - (1 - R2)(N - 1)/(N - 1 - directions used)", "Wherry 1931",
            chance=chance.adjusted_direction_r2, variant="adjusted", direction=i, **_named, **_direction,
        ),
        Probe(
            f"model.direction_r2_{i}", prediction.network_direction(i), f"Network's R2 along target direction {i}",
            f"Share of the targets' variance along their principal direction {i} that the network's own prediction "
            "explains. Of classes, its outputs are first fitted to the one-hot targets.",
            f"1 - u_{i}'E[(f - y)(f - y)']u_{i}/t_{i}", "", where="network", direction=i, **_direction,
            held_out=prediction.held_network_direction(i),
        ),
    )
)  # fmt: skip


def numerical_rank(tau: float) -> Probe:
    """The numerical rank at a threshold of one's own, in the variant "tau = ..."; 0.001 is the default one's.

        deepnrc.probe(model, loader, probes=[numerical_rank(1e-2)])

    Errors: ValueError for a tau outside of (0, 1).
    """
    return Probe(
        "rank.numerical", ranks.numerical(tau), "Numerical rank" if tau == TAU else f"Numerical rank (tau = {tau:g})",
        f"Number of singular values of the centred features above {tau:g} of the largest. It falls in the layers that "
        "a network does not need.",
        f"#{{s_i > {tau:g} s_1}}", "Masarczyk et al. 2023", bounds=(1, INF), counts=True,
        variant="default" if tau == TAU else f"tau = {tau:g}",
        also="numerical rank; the extractor's rank in the tunnel effect",
    )  # fmt: skip


ROWS: tuple[Probe, ...] = (
    *PREDICTION,
    Probe(
        "deep.direction_r2_gap", prediction.gap, "Largest R2 shortfall",
        "How much less the best affine map from this layer explains than the network does, along the target direction "
        "where that is most. Collapsed layers are within .05 of the network along every direction.",
        "max_i (network's R2_i - adjusted R2_i)", "R2 by direction", better="low", bounds=(-INF, INF),
        held_out=prediction.held_gap,
    ),
    Probe(
        "model.direction_r2_smallest", prediction.smallest, "Network's smallest R2",
        "The network's R2 along the target direction that it predicts worst. Near 0 a direction of the targets was "
        "dropped, which low noise does not show.",
        "min_i of the network's R2_i", "", where="network", held_out=prediction.held_smallest, **_direction,
    ),
    Probe(
        "model.residual_whiteness", prediction.whiteness, "Residual whiteness",
        "Smallest over largest eigenvalue of the covariance of what the network leaves of the targets. 1 where all "
        "that is left is alike in every direction, as the closed forms say of collapsed regression.",
        "min eigenvalue / max eigenvalue of cov(f - y)", "Andriopoulos et al., arXiv 2409.04180",
        better="high", where="network",
    ),
    Probe(
        "rank.effective", ranks.effective, "Effective rank",
        "How many directions the features use, by the entropy of their variances. Small when collapsed.",
        "exp(-sum p log p), p = l_i / sum l", "Roy & Vetterli 2007", bounds=(1, INF),
        also="erank; RankMe, of singular values",
    ),
    Probe(
        "rank.effective", ranks.effective_of_singular_values, "Effective rank (singular values)",
        "The same of the singular values of the uncentred features. It is what RankMe reports.",
        "exp(-sum p log p), p = s_i / sum s", "Garrido et al. 2023", bounds=(1, INF), variant="singular values",
        **_named,
    ),
    Probe(
        "rank.participation", ranks.participation, "Participation ratio",
        "How many directions the features use, by the squares of their variances. Small when collapsed.",
        "(sum l)^2 / sum l^2", "participation ratio", bounds=(1, INF),
        also="participation ratio, effective dimension",
    ),
    numerical_rank(1e-3),
    Probe(
        "rank.numerical", ranks.numerical_share(1e-3), "Numerical rank (share)",
        "The same over as many as there can be. 1 where every direction is in use.",
        "#{s_i > 1e-3 s_1} / min(N - 1, d)", "Masarczyk et al. 2023", variant="share, tau = 0.001",
        counts=True,
    ),
    Probe(
        "rank.alpha", ranks.alpha, "Decay of the spectrum",
        "How steeply the features' variances fall, as the exponent of a power law. Positive for falling spectra.",
        "-slope of log l_j on log j, j = 1 .. 100", "Agrawal et al. 2022", bounds=(-INF, INF),
        also="alpha-ReQ; exponent of a power law of eigenvalues",
    ),
    Probe(
        "dimension.two_nn", dimension.two_nn, "Intrinsic dimension",
        "How many numbers it takes to say where a sample lies among its neighbours, on up to 2,000 samples. Below the "
        "targets' own in collapsed layers.",
        "slope through 0 of -log(1 - i/N) on log(r2/r1)", "Facco et al. 2017", bounds=(0, INF),
        statistics={"rows": Rows}, **_named,
        also="TwoNN; ID",
    ),
    Probe(
        "dimension.two_nn", dimension.target_two_nn, "Intrinsic dimension of the targets",
        "The same of the targets. It is the level that the features' is held against.",
        "slope through 0 of -log(1 - i/N) on log(r2/r1)", "Facco et al. 2017", bounds=(0, INF), where="network",
        variant="targets", statistics={"rows": Rows}, **_named,
    ),
    *(
        Probe(
            "features.dormant", dormant.dormant(tau), f"Dormant units (tau = {tau:g})",
            "Share of the units that hardly answer, beside the mean of their layer. With tau = 0 it counts dead units.",
            f"share of units with E|h_i| / mean_j E|h_j| <= {tau:g}", "Sokar et al. 2023", better="low",
            variant=variant, statistics={"magnitudes": dormant.Magnitudes},
        also="tau-dormant neurons; dead units at tau = 0",
        )
        for tau, variant in ((0.0, "default"), (0.025, "tau = 0.025"))
    ),
    Probe(
        "nc.cdnv", geometry.cdnv, "Class-distance normalised variance",
        "Spread within two classes over the distance of their means, averaged over pairs. 0 when collapsed.",
        "mean over pairs of (v_i + v_j)/(2 ||mu_i - mu_j||^2)", "Galanti et al. 2022", **_geometry,
        also="CDNV",
    ),
    Probe(
        "nc.cdnv", geometry.cdnv_doubled, "Class-distance normalised variance, without the 2",
        "The same without the 2. Some publications leave it out.",
        "mean over pairs of (v_i + v_j)/||mu_i - mu_j||^2", "Galanti et al. 2022", variant="without 1/2", **_geometry,
    ),
    Probe(
        "nc.equinorm", geometry.equinorm, "Equal norms of class means",
        "Mean absolute log-ratio of the lengths of centred class means over pairs. 0 when all are of one length.",
        "mean over pairs of |log ||m_i||/||m_j|||", "Wu & Papyan 2024", **_geometry,
    ),
    Probe(
        "nc.gnc2", geometry.hyperspherical_uniformity, "GNC2: uniform class means",
        "Variation over pairs of the log-distances of normed class means. 0 when all are as far apart.",
        "std/|mean| of log 1/||u_i - u_j||", "Wu & Papyan 2024", **_geometry,
    ),
    Probe(
        "nc.unc3", geometry.uniform_duality, "UNC3: uniform duality",
        "Variation over classes of the cosine between a class's weight row and its centred mean. 0 when alike for all.",
        "std/|mean| of cos(w_k, mu_k - mu_G)", "Wu & Papyan 2024", **_geometry,
    ),
    Probe(
        "nc.total_variation", geometry.total_variation, "Total variation within classes",
        "All variance within classes, in the features' own units. 0 when collapsed.",
        "Tr S_W", "Zangrando et al. 2024", **_geometry,
    ),
    Probe(
        "nc.total_variation", geometry.sigma_ratio, "Weight's singular value behind the classes",
        "The weight's singular value K + 1 over its first. What it leaves bounds the total variation within classes.",
        "sigma_(K+1)(W)/sigma_1(W)", "Zangrando et al. 2024", variant="sigma ratio", **_geometry,
    ),
)  # fmt: skip

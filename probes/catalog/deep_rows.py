"""Rows of the deep measures, at every layer, and of the network's own error."""

from __future__ import annotations

from typing import Any

from probes import heldout
from probes.measures import balance, classifier, deep
from probes.nulls import chance

from .probe import HEATMAP, SUMMARY, Probe, Reference
from .sources import DEEP, POSTER

INF = float("inf")
THRESHOLD = Reference("τ", threshold=True)
TARGETS = Reference("target stable rank", "deep.target_stable_rank")
TARGETS_COVARIANCE = Reference("target stable rank", "deep.target_stable_rank", "covariance")
OWN_ERROR = Reference("network MSE", "model.mse", collapsed=True)
OWN_ERROR_RATIO = Reference("network MSE", level=1.0, collapsed=True)
_noise: dict[str, Any] = {"better": "low", "collapsed": 0.0, "log": True, "top_k": True}
_aligned: dict[str, Any] = {"better": "high", "collapsed": 1.0}

ROWS: tuple[Probe, ...] = (
    Probe(
        "deep.noise", deep.noise, "Noise component",
        "Variance of the features outside their top k directions. It falls to 0 when a layer keeps only as many "
        "directions as the targets have.",
        "Tr(S_H) - Tr(V'S_H V), V = top-k eigenvectors of S_H", POSTER,
        bounds=(0, INF), floor=deep.noise_floor, held_out=heldout.noise, **_noise,
        also="residual variance of a PCA with k components",
    ),
    Probe(
        "deep.noise_fraction", deep.noise_fraction, "Noise fraction",
        "Share of the features' variance outside their top k directions. Near 0 the layer is collapsed; for features "
        "without any structure it is about 1 - k/d.",
        "1 - Tr(V'S_H V)/Tr(S_H)", f"{DEEP}, NRC1", floor=deep.noise_fraction_floor, held_out=heldout.noise_fraction,
        **_noise,
        reference=THRESHOLD, main=True, order=1, short="noise", digits=".2e",
        also="NRC1 (Rangamani & Unal); share of variance that a PCA with k components leaves",
    ),
    Probe(
        "deep.spectral_gap", deep.spectral_gap, "Spectral gap at k",
        "Ratio of the k-th to the next eigenvalue of the feature covariance. Near 1 the top-k subspace is not "
        "determined and no alignment with it means anything.",
        "l_k / l_(k+1) of S_H", DEEP, bounds=(1, INF), better="high", log=True,
        also="eigengap",
    ),
    Probe(
        "deep.feature_stable_rank", deep.stable_rank, "Feature stable rank",
        "How many directions the features use, counted softly by variance. In a collapsed layer it comes down to the "
        "targets' own.",
        "sum l_i / l_1 of S_H", DEEP, bounds=(1, INF),
        reference=TARGETS, main=True, order=2, short="rank(H)", digits=".2f", told="last features' stable rank",
        also="stable rank, numerical rank in older texts; not the effective rank of an entropy",
    ),
    Probe(
        "deep.feature_stable_rank", deep.stable_rank_covariance, "Feature stable rank (covariance form)",
        "The same count on squared eigenvalues, which weighs large directions more. The published figures show this "
        "form; the two must not be mixed.",
        "sum l_i^2 / l_1^2 of S_H", f"{DEEP}, figures", bounds=(1, INF), variant="covariance",
        reference=TARGETS_COVARIANCE,
    ),
    Probe(
        "deep.weight_stable_rank", deep.weight_stable_rank, "Weight stable rank",
        "How many directions the layer's weight uses, counted softly. In a collapsed layer the weight is of low rank, "
        "near that of the targets.",
        "||W||_F^2 / ||W||_2^2; convolutions as c_in x (c_out k k)", DEEP, bounds=(1, INF), better="low",
        reference=TARGETS, main=True, order=3, short="rank(W)", digits=".2f",
        also="stable rank of the weight",
    ),
    Probe(
        "deep.target_stable_rank", deep.target_stable_rank, "Target stable rank",
        "How many directions the targets use, counted softly. It is the line that the features' stable rank comes "
        "down to.",
        "sum l_i / l_1 of S_Y", DEEP, bounds=(1, INF), where="network",
        order=1, digits=".2f", told="target stable rank",
    ),
    Probe(
        "deep.target_stable_rank", deep.target_stable_rank_covariance, "Target stable rank (covariance form)",
        "The same count on squared eigenvalues. It stands beside the covariance form of the features' stable rank.",
        "sum l_i^2 / l_1^2 of S_Y", f"{DEEP}, figures", bounds=(1, INF), where="network", variant="covariance",
    ),
    Probe(
        "deep.feature_weight_alignment", deep.feature_weight_alignment, "Feature-weight alignment",
        "Whether the weight reads the directions in which the features vary most. 1 means that the top k of both span "
        "the same space; two random spaces give the chance level.",
        "mean cosine of the principal angles between V and the top-k right singular vectors of W", f"{DEEP}, NRC3",
        chance=chance.feature_weight_alignment, **_aligned, top_k=True,
        main=True, order=4, short="align", digits=".3f",
        also="NRC3 (Rangamani & Unal); subspace alignment; self-duality of features and weights",
    ),
    Probe(
        "deep.feature_weight_alignment", deep.smallest_feature_weight_alignment, "Feature-weight alignment (smallest)",
        "The worst of the same angles. It shows a single direction that the mean hides.",
        "smallest cosine of the same angles", f"{DEEP}, NRC3", variant="smallest", **_aligned, top_k=True,
        chance=chance.smallest_feature_weight_alignment,
    ),
    Probe(
        "deep.feature_weight_alignment", deep.published_feature_weight_alignment,
        "Feature-weight alignment (divided by k)",
        "The sum of the same cosines over k, also where the weight has fewer directions than that. A last weight of "
        "rank 2 then reads at most .667 at k = 3, as in published figures.",
        "sum of the same cosines / k", f"{DEEP}, NRC3", variant="published", **_aligned, top_k=True,
        chance=chance.published_feature_weight_alignment,
    ),
    Probe(
        "deep.noise_alignment", deep.noise_alignment, "Noise alignment",
        "What the weight's top k directions share with the features' remaining ones. 0 means that the weight ignores "
        "the noise.",
        "mean sine of the principal angles between V and the top-k right singular vectors of W", DEEP,
        chance=chance.noise_alignment, top_k=True,
        better="low", collapsed=0.0, log=True,
    ),
    Probe(
        "deep.cka", deep.cka, "Signal-target alignment (CKA)",
        "Whether samples that are alike in the features are alike in the targets. At a perfect optimum it stays below "
        "1 unless the targets' covariance is isotropic.",
        "||S_HY||_F^2 / (||S_H||_F ||S_Y||_F)", f"{DEEP}, NRC2", better="high", chance=chance.cka,
        main=True, order=6, short="CKA", digits=".3f",
        also="NRC2 (Rangamani & Unal); linear CKA, centred kernel alignment",
    ),
    Probe(
        "deep.cka", deep.signal_cka, "Signal-target alignment (CKA of the signal)",
        "The same after projecting the features on their top k directions. It leaves out what the noise takes away.",
        "CKA(HV, Y)", DEEP, better="high", variant="signal", chance=chance.signal_cka,
    ),
    Probe(
        "deep.feature_target_alignment", deep.feature_target_alignment, "Feature-target covariance alignment",
        "Whether what the features say of the targets lies in the targets' own top k directions. With targets of exact "
        "rank k it is 1 for any features, trained or not.",
        "mean cosine between the top-k right singular vectors of S_HY and the top-k eigenvectors of S_Y", POSTER,
        chance=chance.feature_target_alignment, **_aligned,
    ),
    Probe(
        "deep.cross_alignment", deep.cross_alignment, "Cross alignment",
        "The same against the targets' remaining n - k directions. It is 0 when collapsed, and for any features when "
        "the targets have exact rank k.",
        "mean cosine between the top-k right singular vectors of S_HY and the other n-k eigenvectors of S_Y", POSTER,
        chance=chance.cross_alignment,
        better="low", collapsed=0.0,
    ),
    Probe(
        "deep.feature_side_alignment", deep.feature_side_alignment, "Feature-side alignment",
        "Whether the feature directions that carry the targets are the ones of highest variance. 1 when collapsed, "
        "and informative even for targets of exact rank k.",
        "mean cosine between the top-k left singular vectors of S_HY and V", POSTER,
        chance=chance.feature_side_alignment, **_aligned, top_k=True,
        main=True, order=5, shown=(HEATMAP,),
    ),
    Probe(
        "deep.linear_mse", deep.linear_mse, "Linear MSE",
        "Error of the best affine map from this layer's features to the targets. In collapsed layers it reaches the "
        "network's own error.",
        "Tr(S_Y - S_HY' S_H^+ S_HY)/n, directions below rounding cut", f"{DEEP}, NRC4",
        chance=chance.linear_mse, bounds=(0, INF), better="low", log=True,
        held_out=heldout.linear_mse, unbiased=deep.adjusted_mse,
        reference=OWN_ERROR, main=True, order=8, short="lin. MSE", digits=".2e",
        also="NRC4 (Rangamani & Unal); linear probe error",
    ),
    Probe(
        "deep.linear_mse", deep.linear_mse_ratio, "Linear MSE over network MSE",
        "The same error as a multiple of the network's own on the same samples. About 1 or less in collapsed layers.",
        "linear MSE / model MSE", f"{DEEP}, NRC4", bounds=(0, INF), better="low", log=True, variant="ratio",
        held_out=heldout.linear_mse_ratio, unbiased=deep.adjusted_mse_ratio,
        reference=OWN_ERROR_RATIO,
    ),
    Probe(
        "deep.linear_r2", deep.linear_r2, "Linear predictability (R2)",
        "Share of the targets' variance that the best affine map from this layer explains. It grows with depth to what "
        "the network reaches.",
        "1 - linear MSE / (Tr(S_Y)/n)", f"{DEEP}, NRC4", chance=chance.linear_r2, better="high",
        held_out=heldout.linear_r2, unbiased=deep.adjusted_r2,
        main=True, order=7, shown=(HEATMAP, SUMMARY), short="lin. R2", digits=".4f",
        also="linear probe R2, linear separability for regression",
    ),
    Probe(
        "deep.linear_r2", deep.adjusted_r2, "Linear predictability (adjusted R2)",
        "The same less what as many directions explain of pure noise, which is all of it where samples are as few as "
        "directions. 0 in the mean where the layer says nothing of the targets.",
        "1 - (1 - R2)(N - 1)/(N - 1 - directions used)", "Wherry 1931", bounds=(-INF, 1), better="high",
        variant="adjusted", chance=chance.adjusted_r2,
    ),
    Probe(
        "deep.balancedness", balance.balancedness, "Balancedness of consecutive weights",
        "How far the weight is from balancing the next Linear's. With equal weight decay it is 0 at any critical point "
        "of a linear network, whatever the data; behind a ReLU only its diagonal form is.",
        "||V'V - WW'||_F / (||V'V||_F^2 + ||WW'||_F^2)^(1/2), V the next weight", "identity at critical points",
        better="low", collapsed=0.0, log=True,
        also="balancedness of layers; conservation law of gradient flow",
    ),
    Probe(
        "deep.balancedness", balance.diagonal_balancedness, "Balancedness of consecutive weights (diagonal)",
        "The same unit by unit: the squared weights that enter it against those that leave it. With equal weight decay "
        "it is 0 at critical points behind a ReLU too.",
        "the same of the diagonals alone", "identity at critical points",
        better="low", collapsed=0.0, log=True, variant="diagonal",
    ),
    Probe(
        "model.mse", deep.network_mse, "Network MSE",
        "The network's own mean squared error over the same samples and all outputs. The linear predictability of a "
        "layer is held against it.",
        "mean (f(x) - y)^2", "", bounds=(0, INF), better="low", log=True, where="network", held_out=heldout.model_mse,
        order=0, told="network MSE",
    ),
    Probe(
        "model.accuracy", classifier.accuracy, "Network accuracy",
        "Share of the samples whose largest output is that of their class. It stands in the table where the targets "
        "are classes.",
        "share of samples with argmax f(x) = class", "", better="high", where="network", classes=True,
        held_out=heldout.model_accuracy, digits=".4f", told="accuracy",
    ),
)  # fmt: skip

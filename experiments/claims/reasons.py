"""What is known of why claims do not hold in the studies' default runs; of other runs nothing is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from experiments.claims.claim import Claim, Inquiry

NOISE, ALIGNED, RANKS = (
    "Raising weight decay lowers the noise fraction",
    "Raising weight decay raises feature-weight alignment",
    "Raising weight decay lowers the weights' stable rank",
)
COLLAPSE, WIDTH, LINEAR, ONSET = (
    "The upper layers collapse",
    "Features in collapsed layers",
    "A linear map from any layer",
    "Collapse from",
)
NARROWER = (
    "It is the largest noise that fails: the targets' stable rank counts their noise, which features do not learn, so "
    "that they are narrower."
)
NEIGHBOURS = (
    "Over three weight decays the rank correlation of a layer is 1, .5, -.5 or -1, so that one step between neighbours "
    "that goes the other way halves it."
)
ORDERS = {f"{words}: rank correlation": NEIGHBOURS for words in (NOISE, ALIGNED, RANKS)}
UNALIGNED = (
    "Noise is low in the upper layers, but not in every seed are their top directions those of the weights: targets of "
    "both signs take a bias-free network one direction more than there are targets."
)
EVENED = "Where the weights have few directions without weight decay already, decay makes those more even."
BIASED = {
    COLLAPSE: "Where the share is smaller, the collapse begins a layer later: below, weights and features are not "
    "aligned yet.",
    WIDTH: "The lowest collapsed layer is the widest: there the second direction still has more than its share.",
}
NEARLY = (
    "nrc.3 falls most just below the weight decay that drops the weakest direction, and this step is as near as a seed "
    "of this study comes to it."
)
TWO = (
    "Signed targets take two directions behind the ReLUs for one, and at k = 1 the second counts as noise; the "
    "published network is wider and sees many more samples, and keeps less of it."
)
ONCE = (
    "Decay acts for about one e-folding, too little to order the lower layers; the upper ones are aligned without it "
    "already."
)
SIGNED = (
    "Standardised targets have both signs, and take features behind a ReLU more directions than there are targets, "
    "which count as noise."
)
SWITCHED = (
    "The first step of weight decay raises it in nearly every layer; the second lowers it again on branches of the "
    "second and third stage, which it nearly switches off, and one such step halves a layer's rank correlation."
)
POSITIVE = {
    f"{NOISE}: rank correlation": NEIGHBOURS,
    f"{ALIGNED}: rank correlation": SWITCHED,
    "Signal-target alignment": "What enters the second convolution of a block is what its branch carries, and the "
    "largest weight decay nearly switches branches below the last stage off: there it has little to do with targets.",
    COLLAPSE: "The collapse begins in the last of four stages, whose layers are fewer than the threshold asks for.",
    WIDTH: "Features are one of several factors that share the targets' spectrum, and carry its directions more evenly "
    "than the targets do, as closed forms have it: their stable rank is larger.",
    LINEAR: "Low noise is met on branches below the last stage too, which weight decay has nearly switched off and "
    "which carry little of the targets; shortcuts pass them.",
    ONSET: "Where it lies behind, the layer is just above the threshold of noise, and the next one is collapsed.",
}
IMAGES = {
    "standardised": {NOISE: SIGNED, f"{ALIGNED}: rank correlation": SWITCHED, COLLAPSE: SIGNED, ONSET: SIGNED},
    "positive": POSITIVE,
}
REASONS: Mapping[str, Mapping[str, Mapping[str, str]]] = {  # study, words in the claim's brackets, how the claim begins
    "synthetic-rank": {
        "": {
            WIDTH: "At the highest rank the middle layers of some networks give the strongest directions more than "
            "their share and are narrower than the targets; the last layer makes up for it.",
            LINEAR: "At the highest rank the first layer of low noise, where it is just past the threshold, still "
            "lacks part of the weakest directions; those above lack nothing.",
        }
    },
    "synthetic-noise": {"": {"The dimension learned": NARROWER, WIDTH: NARROWER}},
    "reacher-deep": {
        "bias-free": {
            f"{NOISE}: rank correlation": NEIGHBOURS,
            f"{ALIGNED}: rank correlation": NEIGHBOURS,
            RANKS: EVENED,
            COLLAPSE: UNALIGNED,
        },
        "with biases": {**ORDERS, **BIASED},
    },
    "swimmer-top": {"": {"nrc.3": NEARLY}},
    "hopper-top": {"": {"nrc.3": NEARLY}},
    "sgemm": {
        "standardised": {
            "Almost nothing but": TWO,
            NOISE: "Layers at two thirds of the depth gain a second direction with weight decay, which at k = 1 counts "
            "as noise.",
            ALIGNED: ONCE,
            COLLAPSE: TWO,
        }
    },
    "mnist": {
        "cross-entropy": {
            "The last weight is the dual": "Cross-entropy has its optimum at infinity, and the last weight turns to "
            "the class means slowly; weight decay sets an end, which these epochs may not reach.",
        }
    },
    "reacher-pixels": IMAGES,
    "driving": IMAGES,
}


def explained(inquiry: Inquiry) -> Inquiry:
    """The same, its claims with what is known of why they do not hold where the study is run with its defaults."""
    known = REASONS.get(inquiry.study.name, {})
    claims = (replace(claim, why=_why(claim, known)) for claim in inquiry.claims)
    return replace(inquiry, claims=tuple(claims))


def _why(claim: Claim, known: Mapping[str, Mapping[str, str]]) -> str:
    sentences = {begun: why for word, those in known.items() if word in claim.told for begun, why in those.items()}
    return next((why for begun, why in sentences.items() if claim.statement.startswith(begun)), claim.why)

"""Which measures can be read where only a sketch of the features was kept, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from probes.measures import deep, sketched
from probes.outcome import Outcome

from .probe import Probe

SKETCH = "sketch"  # variant of what is read through one
EXACT = frozenset(  # quantities that a sketch leaves as they are
    [
        "W", "weight", "leading_weight", "following", "gram", "targets", "target_rank", "k", "k_note", "cross",
        "cross_svd", "squares", "mean_square", "unit_roundoff", "network_r2", "residual_values", "model_mse",
        "mse_note", "model_accuracy", "N", "d", "n",
    ]
)  # fmt: skip
FORMS: Mapping[Callable[..., float | Outcome], tuple[Callable[..., Outcome], Callable[..., float] | None]] = {
    deep.noise: (sketched.noise, sketched.floor),
    deep.noise_fraction: (sketched.noise_fraction, sketched.fraction_floor),
    deep.stable_rank: (sketched.stable_rank, None),
    deep.feature_weight_alignment: (sketched.feature_weight_alignment, None),
}


def of_sketch(probe: Probe) -> Probe | None:
    """The form of a measure that reads a sketch and says how far it may be off, as a variant; None if it has none."""
    if probe.measure not in FORMS:
        return None
    measure, floor = FORMS[probe.measure]
    variant = SKETCH if probe.variant == "default" else f"{SKETCH}, {probe.variant}"
    return replace(probe, measure=measure, floor=floor, chance=None, variant=variant)


def sketch_tells(probe: Probe) -> bool:
    """Whether all that a measure reads is known exactly beside a sketch of the features."""
    return set(probe.reads) <= EXACT

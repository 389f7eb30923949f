"""Trained networks beside deep linear ones of their depth and weight decay: every layer, over a study."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from deepnrc.errors import UsageError
from experiments.theory.everylayer import EveryLayer, every_layer
from experiments.theory.trained import Networks

CAPTION = (
    "Every layer beside a deep linear network of the same depth and weight decay on white inputs, in closed form, with "
    "nothing fitted (first seed): measured over predicted singular values of every weight, and spreads of what enters "
    "every layer but the first, along the directions that the prediction keeps; median [least, largest]. The closed "
    "form makes features wider than the targets, more so the more layers follow, and here is what their stable rank "
    "ought to be in front of a middle layer and of the last. 'penalty' is how many times its own a linear network "
    "would need to be as far from the targets, empty where it would drop a direction first. Where a ratio is not 1, "
    "either decay had no time to act (a decay time "
    "below about 5), or the network differs: a ReLU passes one sign, so that a direction of signed targets takes two "
    "units where a linear network has one, and the layers must make what is not linear in the inputs."
)
COLUMNS = [
    "setting", "decay time", "W: measured / predicted", "features: measured / predicted",
    "stable rank, middle layer (predicted)", "last layer (predicted)", "targets", "MSE (predicted)", "penalty", "note",
]  # fmt: skip


@dataclass(frozen=True)
class Predicted:
    """A network beside its prediction, and how long decay acted on it in e-foldings; None where that is not known."""

    layers: EveryLayer
    decay_time: float | None


def linear_networks(found: Networks) -> tuple[dict[str, Predicted], dict[str, str]]:
    """Every network beside its prediction, by its setting's label, and why others have none."""
    beside: dict[str, Predicted] = {}
    without: dict[str, str] = {}
    for label, one in found.items():
        try:
            if isinstance(one, str):
                raise UsageError(one)
            if one.weight_decay is None:
                raise UsageError("the optimiser's weight decay is no L2 term of the loss.")
            layers = every_layer(one.model, one.data.x, one.data.y, one.weight_decay)
            beside[label] = Predicted(layers, one.setting.recipe.decay_time(len(one.data.x)))
        except UsageError as error:
            without[label] = f"No prediction: {error}"
    return beside, without


def linear_table(beside: Mapping[str, Predicted], without: Mapping[str, str]) -> dict[str, Any] | None:
    """As a table for a page: caption, columns, rows; settings without a prediction have a note only. None for none."""
    rows = [[label, *_row(one.layers, one.decay_time)] for label, one in beside.items()]
    rows += [[label, *[""] * (len(COLUMNS) - 2), reason] for label, reason in without.items()]
    return {"caption": CAPTION, "columns": COLUMNS, "rows": rows} if beside else None


def _row(one: EveryLayer, time: float | None) -> list[str]:
    ranks = [_beside(float(one.ranks[at]), float(one.predicted_ranks[at])) for at in ((len(one.ranks) - 1) // 2, -1)]
    return [
        "" if time is None else f"{time:.2g}", _spread(one.weight_ratios), _spread(one.feature_ratios), *ranks,
        f"{one.target_rank:.3g}", _beside(one.mse, one.minimum.mse),
        "" if math.isnan(one.penalty) else f"{one.penalty:.3g}", "; ".join(one.minimum.notes),
    ]  # fmt: skip


def _beside(measured: float, predicted: float) -> str:
    return f"{measured:.3g} ({predicted:.3g})"


def _spread(ratios: Tensor) -> str:
    return f"{float(ratios.median()):.3g} [{float(ratios.min()):.3g}, {float(ratios.max()):.3g}]"

"""The stable rank that a deep linear network with the same weight decay would give its last features."""

from __future__ import annotations

from torch import Tensor

from probes.ufm import LinearMinimum


def linear_rank(targets: Tensor, layers: int, weight_decay: float) -> float:
    """Stable rank, sum l_i / l_1 over the features' eigenvalues, of what enters the last of so many linear layers.

    Inputs are white, so that the first layer's outputs are free features with the penalty of its weight: the model of
    ``LinearMinimum`` with a factor a layer. The loss is the mean over outputs, which makes a penalty n/2 times the
    weight decay.

    Args:
        targets: Y (N, n).
        weight_decay: above 0, on every layer.
    Returns: NaN where nothing is left.
    """
    centred = targets.double() - targets.double().mean(0)
    penalty = weight_decay * targets.shape[1] / 2
    minimum = LinearMinimum(centred.T @ centred / len(centred), penalty, (penalty,) * (layers - 1))
    values = minimum.feature_values(layers - 1)
    return float(values.sum() / values.max()) if float(values.max()) > 0 else float("nan")

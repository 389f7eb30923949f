"""Every layer of a trained network beside the deep linear network of the same depth and weight decay, nothing fitted.

A linear network on white inputs is the model of ``probes.ufm.LinearMinimum``: its first layer's outputs are free
features whose penalty is that of its weight, so L layers are L factors. With one penalty on all of them the singular
values of every W_k are z_i^(1/L), and what enters layer k has covariance eigenvalues z_i^(2 (k - 1)/L), where z_i^2 is
what the outputs carry of the target variance l_i: all of it but for shrinkage. The stable rank of features is then
sum_i (z_i/z_1)^(2 (k - 1)/L): wider than the targets, more so the more layers come behind.

A network with ReLUs and other inputs need not be there. How far it is off is what this module tells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepnrc.errors import UsageError
from experiments.runner import outputs
from probes.ufm import LinearMinimum, effective

PLAIN = (nn.Linear, nn.ReLU, nn.Flatten)
STEPS = 60  # of bisection, in logarithms of the penalty


@dataclass(frozen=True)
class EveryLayer:
    """Leading values of a network of L layers, along the r directions that its prediction keeps.

    Attributes:
        minimum: the prediction, of n directions; its layers 1 .. L - 1 are the network's 2 .. L.
        weights: (L, r) singular values of W_1 .. W_L.
        features: (L - 1, r) roots of the eigenvalues of what enters layers 2 .. L.
        ranks: (L - 1,) stable ranks of the same features.
        mse: of the network.
    """

    minimum: LinearMinimum
    weights: Tensor
    features: Tensor
    ranks: Tensor
    mse: float

    @property
    def layers(self) -> int:
        """L."""
        return len(self.weights)

    @property
    def weight_ratios(self) -> Tensor:
        """Measured over predicted singular values, (L, r); 1 at the minimum."""
        return self.weights / _predicted_weights(self.minimum)

    @property
    def feature_ratios(self) -> Tensor:
        """Measured over predicted spreads of the features, (L - 1, r); 1 at the minimum."""
        return self.features / _predicted_features(self.minimum)

    @property
    def predicted_ranks(self) -> Tensor:
        """Stable ranks that the features of layers 2 .. L ought to have, (L - 1,)."""
        squared = _predicted_features(self.minimum).square()
        return squared.sum(1) / squared[:, 0]

    @property
    def rank_ratios(self) -> Tensor:
        """Measured over predicted stable ranks, (L - 1,)."""
        return self.ranks / self.predicted_ranks

    @property
    def target_rank(self) -> float:
        """Stable rank of the targets, in the same moments."""
        return float(self.minimum.targets.values.sum() / self.minimum.targets.values[0])

    @property
    def penalty(self) -> float:
        """Over the network's own, the penalty at which a linear network would be as far from its targets; NaN if it
        would take one that drops a direction."""
        own = self.minimum.lambda_h
        low, high = math.log(1e-9 * own), math.log(own)
        while self._at(math.exp(high)).mse < self.mse:
            high += math.log(2)
            if self._at(math.exp(high)).rank < self.minimum.rank:
                return math.nan
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._at(math.exp(middle)).mse < self.mse else (low, middle)
        return math.exp(high) / own

    def _at(self, penalty: float) -> LinearMinimum:
        return LinearMinimum(self.minimum.S_Y, penalty, (penalty,) * (self.layers - 1))


def every_layer(model: nn.Module, x: Tensor, y: Tensor, weight_decay: float) -> EveryLayer:
    """A multilayer perceptron beside its prediction, on inputs x (N, d) and targets y (N, n).

    Without a bias in the last layer moments are taken about 0, as the mean of the targets must be learned too.

    Errors: UsageError for a network that is no chain of Linears and ReLUs, has a single layer or a weight decay of 0,
    and where the closed form leaves out every direction.
    """
    parts = [part for part in model.modules() if not list(part.children())]
    linears = [part for part in parts if isinstance(part, nn.Linear)]
    strange = [type(part).__name__ for part in parts if not isinstance(part, PLAIN)]
    if strange or len(linears) < 2:
        raise UsageError(
            f"The closed form is of a chain of Linears; this network has {len(linears)} of them"
            + (f", and {strange[0]} besides." if strange else ".")
        )
    centred = linears[-1].bias is not None
    targets = _about(y.double(), centred)
    penalty = effective(weight_decay, y.shape[1], "weight decay")
    if not penalty > 0:
        raise UsageError("The closed form needs weight decay; it is 0.")
    minimum = LinearMinimum(targets.T @ targets / len(targets), penalty, (penalty,) * (len(linears) - 1))
    if not minimum.rank:
        raise UsageError(f"A deep linear network of weight decay {weight_decay:g} would learn nothing.")
    entering, predicted = _entering(model, linears[1:], x)
    values = [_eigenvalues(_about(H, centred)) for H in entering]
    r = minimum.rank
    return EveryLayer(
        minimum,
        torch.stack([_leading(torch.linalg.svdvals(part.weight.detach().double()), r) for part in linears]),
        torch.stack([_leading(v, r).sqrt() for v in values]),
        torch.stack([v.sum() / v[0] for v in values]),
        float((predicted - y).double().square().mean()),
    )


def _predicted_weights(minimum: LinearMinimum) -> Tensor:
    """(1, r): the same for every layer."""
    return minimum.weight_values(1)[None, : minimum.rank]


def _predicted_features(minimum: LinearMinimum) -> Tensor:
    """(L - 1, r), roots of the eigenvalues of what enters layers 2 .. L."""
    values = [minimum.feature_values(k) for k in range(1, minimum.depth + 1)]
    return torch.stack(values)[:, : minimum.rank].sqrt()


def _entering(model: nn.Module, layers: list[nn.Linear], x: Tensor) -> tuple[list[Tensor], Tensor]:
    """What enters each of the layers, (N, d) in float64, and the outputs."""
    seen: dict[nn.Linear, list[Tensor]] = {layer: [] for layer in layers}
    handles = [
        layer.register_forward_pre_hook(lambda module, given: seen[module].append(given[0].detach().double()))
        for layer in layers
    ]
    try:
        predicted = outputs(model, x)
    finally:
        for handle in handles:
            handle.remove()
    return [torch.cat(seen[layer]) for layer in layers], predicted


def _about(rows: Tensor, centred: bool) -> Tensor:
    return rows - rows.mean(0) if centred else rows


def _eigenvalues(rows: Tensor) -> Tensor:
    """Of the rows' second moments, descending."""
    return torch.linalg.svdvals(rows).square() / len(rows)


def _leading(values: Tensor, count: int) -> Tensor:
    """The first values; 0 where there are fewer."""
    return torch.cat([values, values.new_zeros(max(0, count - len(values)))])[:count]

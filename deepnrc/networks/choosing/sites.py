"""One place where features are read: at which module, on which axis, and which weight goes with them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from deepnrc.networks.weights.registry import Weight, weight_of, weights_in
from deepnrc.networks.weights.stored import kind_of

NOT_READ = "no weight layer reads this output"


@dataclass(frozen=True, eq=False)
class Site:
    """One place where features are read.

    Attributes:
        name: of the module, as in ``named_modules``; of one of several weights in a module, with the weight's own.
        module: the module that a hook goes on.
        reads: "input" (of what multiplies by a weight, so that features and weight belong together) or "output".
        axis: which axis of the tensor holds features; None where only what reads or wrote it can tell.
        dim: d, the width, as far as the module tells it.
        weight: the weight that acts on these features; None if there is none, with ``missing`` saying why.
        parameter: whether it is what a bare parameter multiplies; ``module`` then stands for the product.
    """

    name: str
    module: nn.Module
    reads: str
    axis: int | None
    dim: int | None
    weight: Weight | None = None
    missing: str = ""
    parameter: bool = False

    @property
    def kind(self) -> str:
        return "Parameter" if self.parameter else type(self.module).__name__

    @property
    def holder(self) -> nn.Module | None:
        """The module whose weight acts on these features; None if there is none."""
        return None if self.weight is None else self.weight.module


def has_weight(module: nn.Module) -> bool:
    """Whether the module is of a class that is known to multiply by a weight."""
    return kind_of(module) is not None


def reads_features(module: nn.Module) -> bool:
    """Whether the module reads features with a weight, one that can be probed or not."""
    return has_weight(module) or isinstance(module, nn.MultiheadAttention | nn.RNNBase)


def weight_matrix(holder: nn.Module) -> Tensor:
    """The weight as W (m, d) in float64. Errors: ValueError for a module that holds none, or several."""
    weight = weight_of(holder)
    if weight is None:
        raise ValueError(f"{type(holder).__name__} does not multiply by one weight")
    return weight.matrix()


def site_at(name: str, module: nn.Module, weight: Weight | None = None) -> Site:
    """Where the features of one module are read: a weight's at its input, anything else's at its output."""
    weight = weight or weight_of(module)
    if weight is not None:
        return Site(name, module, "input", weight.axis, weight.d, None if weight.missing else weight, weight.missing)
    axis, dim = _output_axis(module)
    return Site(name, module, "output", axis, dim, None, NOT_READ)


def _output_axis(module: nn.Module) -> tuple[int | None, int | None]:
    """Feature axis and width of a module's output, as far as its own layers tell; a block with any convolution keeps
    channels first."""
    if isinstance(module, _BatchNorm):
        return 1, module.num_features
    if isinstance(module, nn.LayerNorm):
        return -1, module.normalized_shape[-1]
    inner = list(weights_in(module).values())
    if not inner:
        return None, None
    return (1 if any(weight.axis == 1 for weight in inner) else -1), inner[-1].m

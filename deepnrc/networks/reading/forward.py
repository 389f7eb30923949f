"""What one forward pass gave: the readings of its layers, and all that its outputs hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from deepnrc.networks.choosing.layers import Site
from deepnrc.networks.reading.pooling import Pooled


@dataclass(frozen=True)
class Reading:
    """What one call of one site gave: pooled rows and the unit roundoff of the dtype in which the network held them."""

    site: Site
    pooled: Pooled
    roundoff: float


@dataclass
class Forward:
    """One finished forward pass.

    Attributes:
        readings: by site name in the order of execution.
        ran: names of the weights and of the outputs that are read, in that order.
        outputs: every tensor in the output, by its name.
        mask: which tokens (N, T) are real, if that is known.
        ignored: whether there was such a mask that was not to be used.
        written: by site name, on which axis a module gave the output that is read.
    """

    readings: dict[str, Reading]
    ran: list[str]
    outputs: Mapping[str, Tensor] = field(default_factory=dict)
    mask: Tensor | None = None
    ignored: bool = False
    written: dict[str, int] = field(default_factory=dict)

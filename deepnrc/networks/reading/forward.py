"""What one forward pass gave: the readings of its layers, and all that its outputs hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from deepnrc.networks.choosing.layers import Site
from deepnrc.networks.reading.masks import AUTO, Mask, ignores, mask_of, padded
from deepnrc.networks.reading.pooling import Pooled
from deepnrc.networks.reading.precision import product_roundoff
from deepnrc.networks.reading.suspects import Suspect, parts_of, sequences, suspects


@dataclass(frozen=True)
class Reading:
    """What one call of one site gave.

    Attributes:
        pooled: the rows.
        roundoff: the unit roundoff of the dtype in which the network held them.
        axis: of the features in what was pooled, with samples first; None where that is unknown.
        coarsest: the coarsest unit roundoff of a product that ran before.
    """

    site: Site
    pooled: Pooled
    roundoff: float
    axis: int | None = None
    coarsest: float = 0.0


@dataclass
class Forward:
    """One finished forward pass.

    Attributes:
        readings: by site name in the order of execution.
        ran: names of the weights and of the outputs that are read, in that order.
        outputs: every tensor in the output, by its name.
        mask: which tokens (N, T) are real, if that is known.
        ignored: whether there was such a mask that was not to be used.
        suspects: parts of the input that may be a mask, where none was used and nothing was said.
        kinds: the sequences to all of which a mask was applied, if they are several and nothing was said.
        written: by site name, on which axis a module gave the output that is read.
        coarsest: the coarsest unit roundoff of a product so far.
        products: by the names of modules and bare parameters, the unit roundoff of their products; of those alone that
            round.
    """

    readings: dict[str, Reading]
    ran: list[str]
    outputs: Mapping[str, Tensor] = field(default_factory=dict)
    mask: Tensor | None = None
    ignored: bool = False
    suspects: list[Suspect] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    written: dict[str, int] = field(default_factory=dict)
    coarsest: float = 0.0
    products: dict[str, float] = field(default_factory=dict)

    def note_product(self, name: str, module: nn.Module, x: Tensor | None) -> None:
        """Note how coarsely a module or bare parameter of that name rounds what it multiplies x by."""
        roundoff = 0.0 if x is None else product_roundoff(module, x)
        if roundoff:
            self.coarsest = max(self.coarsest, roundoff)
            self.products[name] = max(roundoff, self.products.get(name, 0.0))

    def note_mask(self, mask: Mask, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Note what a call says of padding. Errors: UsageError for a mask that cannot be used."""
        self.mask = mask_of(mask, args, kwargs)
        self.ignored = mask is None and ignores(args, kwargs)
        if mask == AUTO:
            given = parts_of(args, kwargs)
            self.suspects = suspects(given) if self.mask is None else []
            self.kinds = [] if self.mask is None or not padded(self.mask) else sequences(given, self.mask)

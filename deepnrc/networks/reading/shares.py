"""Whether features are pooled as a network itself pools what it predicts from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deepnrc.networks.choosing.sites import Site
from deepnrc.networks.reading.pooling import PER_PLACE, Pool, pooled

ROUNDING = 16  # in units of a dtype's


@dataclass(frozen=True)
class Shares:
    """What part each place of a sample has in what a network predicts from.

    Attributes:
        parts: (N, places...), up to one factor for all; NaN where a place counts otherwise than by one number.
        axis: of the features in (N, places..., d), the tensor that is pooled.
        compared: whether parts of different samples compare; else each sample has a factor of its own.
        rounding: of the parts.
    """

    parts: Tensor
    axis: int
    compared: bool
    rounding: float

    @classmethod
    def of(cls, arrived: Tensor, axis: int, fixed: bool, loose: bool = False) -> Shares:
        """From the slopes (N, places..., d) that arrive there, with the features on ``axis``.

        Args:
            fixed: whether the prediction has the same slopes at all values of what is pooled.
            loose: whether each place has slopes of its own, as behind a norm: what counts at all counts as much.
        """
        rounding = ROUNDING * (torch.finfo(arrived.dtype).eps if arrived.is_floating_point() else 0.0)
        last = arrived.double().cpu().movedim(axis, -1)
        flat = last.flatten(1, -2)
        sizes = flat.norm(dim=2)
        if loose:
            used = sizes > rounding * sizes.amax(1, keepdim=True)
            return cls(used.double().reshape(last.shape[:-1]), axis % last.ndim, False, rounding)
        own = flat[torch.arange(len(flat)), sizes.argmax(1)]
        parts = torch.einsum("npm,nm->np", flat, own) / own.square().sum(1, keepdim=True)
        off = (flat - parts[..., None] * own[:, None]).norm(dim=2) > rounding * sizes.amax(1, keepdim=True)
        parts = torch.where(off, torch.nan, parts.nan_to_num())  # a sample to which nothing came has no part
        largest = own[sizes.amax(1).argmax()]
        factors = (own @ largest / largest.square().sum()).nan_to_num()
        away = (own - factors[:, None] * largest).norm(dim=1) > rounding * own.norm(dim=1)
        compared = fixed and not bool(away.any())
        parts = parts * factors[:, None] if compared else parts
        return cls(parts.reshape(last.shape[:-1]), axis % last.ndim, compared, rounding)

    @property
    def one(self) -> Tensor | None:
        """(N,) which of a sample's places alone counts; None where several do, or none."""
        flat = self.parts.flatten(1)
        alone = (flat != 0).sum(1) == 1
        return flat.abs().argmax(1) if bool(alone.all()) and not bool(flat.isnan().any()) else None

    def fit(self, site: Site, pool: Pool, mask: Tensor | None, d: int) -> bool:
        """Whether a pooling gives what the network predicts from, up to a factor: tried on random numbers.

        Rows of all places fit where all places of a sample count alike.
        """
        seen = self.parts.flatten(1).nan_to_num(nan=1.0).any(1)
        if bool(self.parts.isnan().any()) or not bool(seen.any()):
            return not bool(self.parts.isnan().any())
        tried: Pool = "mean" if pool in PER_PLACE else pool
        shape = list(self.parts.shape)
        shape.insert(self.axis, d)
        x = torch.randn(shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
        rows = pooled(x, site, tried, mask, self.axis).rows
        if callable(tried) and len(rows) != len(x):
            return True  # rows of the user's own making, which only the user can hold against the network
        own = torch.einsum("npd,np->nd", x.movedim(self.axis, -1).flatten(1, -2), self.parts.flatten(1))
        if rows.shape != own.shape:
            return False
        rows, own = rows[seen], own[seen]
        square = rows.square()
        factor = (own * rows).sum() / square.sum() if self.compared else (own * rows).sum(1, True) / square.sum(1, True)
        return bool(((own - factor * rows).norm(dim=1) <= self.rounding * own.norm(dim=1)).all())

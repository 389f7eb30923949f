"""The joint covariance of features and targets, in the blocks that measures read."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .factored import Covariance, block, dense, part, with_rows
from .onehot import OneHot, Targets


@dataclass(frozen=True)
class Joint:
    """Second moments of rows [h, y] about one point, their mean for a covariance.

    Attributes:
        features: (d, d), by its rows where the samples are few.
        cross: (d, n).
        targets: (n, n), by the classes' shares where they are classes.
    """

    features: Covariance
    cross: Tensor
    targets: Targets

    @classmethod
    def of(cls, S: Covariance, d: int) -> Joint:
        """The blocks of a whole (d + n, d + n)."""
        h, y = slice(d), slice(d, None)
        return cls(part(S, h), block(S, h, y), block(S, y, y))

    def about(self, offset: Tensor) -> Joint:
        """Of a covariance, the second moments about another point, ``offset`` (d + n,) below the mean."""
        h, y = offset[: len(self.cross)], offset[len(self.cross) :]
        targets = self.targets.about(y) if isinstance(self.targets, OneHot) else self.targets + torch.outer(y, y)
        return Joint(with_rows(self.features, h[None]), self.cross + torch.outer(h, y), targets)

    def dense(self) -> Tensor:
        """The whole (d + n, d + n), written out."""
        targets = self.targets.dense() if isinstance(self.targets, OneHot) else self.targets
        above = torch.cat([dense(self.features), self.cross], 1)
        return torch.cat([above, torch.cat([self.cross.mT, targets], 1)])

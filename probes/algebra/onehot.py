"""The covariance of one-hot targets, known from the classes' shares alone: nothing of K x K is written out.

With p (K,) the shares, S_Y = diag(p) - pp'. Classes of one share form a group, of m members: within it the m - 1
contrasts that sum to 0 are eigenvectors of eigenvalue p, and what is left lies among the groups' D unit vectors, where
S_Y is diag(p_g) - qq' with q_g = p_g sqrt(m_g). Shares are whole numbers over N, so that D is at most sqrt(2N).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .fewrows import FewRows
from .reduced import Reduced


@dataclass(frozen=True)
class OneHot:
    """Second moment diag(p) - pp' + bb' (K, K) of one-hot rows about p - b, the covariance where there is no b."""

    shares: Tensor
    offset: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(K, K)."""
        return len(self.shares), len(self.shares)

    def diagonal(self) -> Tensor:
        """The second moments (K,) of the single classes."""
        plain = self.shares * (1 - self.shares)
        return plain if self.offset is None else plain + self.offset**2

    def trace(self) -> Tensor:
        """Their sum, as a tensor of no axes."""
        return self.diagonal().sum()

    def about(self, offset: Tensor) -> OneHot:
        """A covariance's second moment about another mean, ``offset`` (K,) below its own."""
        return OneHot(self.shares, offset)

    def dense(self) -> Tensor:
        """The whole (K, K), written out."""
        whole = self.shares.diag() - torch.outer(self.shares, self.shares)
        return whole if self.offset is None else whole + torch.outer(self.offset, self.offset)

    def eigen(self) -> tuple[Tensor, Contrasts]:
        """Eigenvalues (K,) of a covariance, largest first, and its eigenvectors."""
        shares, group, sizes = self.shares.unique(return_inverse=True, return_counts=True)
        q = shares * sizes.to(shares).sqrt()
        values, mixed = torch.linalg.eigh(shares.diag() - torch.outer(q, q))
        members = tuple(group.argsort(stable=True).split(sizes.tolist()))
        all_values, order = torch.cat([values, shares.repeat_interleave(sizes - 1)]).sort(descending=True, stable=True)
        return all_values, Contrasts(members, mixed, order)


@dataclass(frozen=True)
class Contrasts:
    """An orthonormal basis (K, K) of the classes: combinations of groups, and contrasts within them.

    The j-th contrast of a group is (e_1 + .. + e_j - j e_(j+1)) / sqrt(j (j + 1)) over its members.

    Attributes:
        members: the classes of each group.
        mixed: (D, D), the combinations of the groups' unit vectors.
        order: (K,), which of [combinations, contrasts group by group] each column is.
    """

    members: tuple[Tensor, ...]
    mixed: Tensor
    order: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(K, K)."""
        return len(self.order), len(self.order)

    def turn(self, A: Tensor) -> Tensor:
        """A times the basis (r, K), of A (r, K)."""
        D, found, places = len(self.members), torch.empty_like(A), self.order.argsort()
        sums = torch.stack([A[:, classes].sum(1) / len(classes) ** 0.5 for classes in self.members], 1)
        found[:, places[:D]] = sums @ self.mixed
        for classes, place in zip(self.members, places[D:].split([len(c) - 1 for c in self.members]), strict=True):
            if len(place):
                found[:, place] = _contrasts(A[:, classes], power=1)
        return found

    def squares(self, weights: Tensor) -> Tensor:
        """What each vector (K,) takes of weights (K,) by its squares: diag(basis' diag(weights) basis)."""
        parts = [weights[None, classes] for classes in self.members]
        means = torch.stack([part.mean(1) for part in parts], 1)
        within = [_contrasts(part, power=2) for part in parts if part.shape[1] > 1]
        return torch.cat([means @ self.mixed**2, *within], 1)[0, self.order]

    def leading(self, k: int) -> Tensor:
        """The first k vectors (K, k), written out."""
        D, found = len(self.members), self.mixed.new_zeros(len(self.order), k)
        first = torch.tensor([0] + [len(classes) - 1 for classes in self.members]).cumsum(0)
        for column, number in enumerate(self.order[:k].tolist()):
            if number < D:
                for classes, share in zip(self.members, self.mixed[:, number].tolist(), strict=True):
                    found[classes, column] = share / len(classes) ** 0.5
                continue
            group = int(torch.searchsorted(first, number - D, right=True)) - 1
            j = number - D - int(first[group]) + 1
            found[self.members[group][:j], column] = (j * (j + 1)) ** -0.5
            found[self.members[group][j], column] = -((j / (j + 1)) ** 0.5)
        return found


def _contrasts(part: Tensor, power: int) -> Tensor:
    """Of a group's columns (r, m), their sums (r, m - 1) weighed by each contrast, or by its squares for power 2."""
    j = torch.arange(1, part.shape[1], dtype=part.dtype, device=part.device)
    before = part.cumsum(1)[:, :-1]
    if power == 2:
        return (before + j**2 * part[:, 1:]) / (j * (j + 1))
    return before.addcmul_(part[:, 1:], j, value=-1).div_((j * (j + 1)).sqrt())


Targets = Tensor | OneHot
Basis = Tensor | Contrasts | Reduced | FewRows


def turned(A: Tensor, basis: Basis, k: int) -> Tensor:
    """A (r, K) times the first k vectors (r, k) of a basis."""
    return A @ basis[:, :k] if isinstance(basis, Tensor) else basis.turn(A)[:, :k]


def weighed(weights: Tensor, basis: Basis) -> Tensor:
    """What each vector of a basis (K, r) takes of weights (K,) by its squares, (r,)."""
    return (basis**2 * weights[:, None]).sum(0) if isinstance(basis, Tensor) else basis.squares(weights)


def forms(S: Targets, basis: Basis, k: int) -> Tensor:
    """The second moments u'Su (k,) along the first k vectors of a basis."""
    if isinstance(S, Tensor):
        U = basis[:, :k] if isinstance(basis, Tensor) else basis.leading(k)
        return ((S @ U) * U).sum(0)
    found = weighed(S.shares, basis)[:k] - turned(S.shares[None], basis, k)[0] ** 2
    return found if S.offset is None else found + turned(S.offset[None], basis, k)[0] ** 2

"""Ranks of features beside the stable ones: counts of directions that neighbouring tools report.

Notation: l_1 >= l_2 >= .. the eigenvalues of S_H (d, d), s_i = sqrt(N l_i) the singular values of the centred features.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from probes.doubt import varying
from probes.outcome import OK, DegenerateError, Outcome
from probes.subspace import Spectrum

LARGEST = 100  # of alpha: as many eigenvalues as the fit goes over


def effective(features: Spectrum) -> float:
    """Effective rank exp(-sum p log p), p = l_i / sum l, in [1, d]. Roy & Vetterli 2007."""
    varying(features)
    return _entropy_rank(features.values.clamp(min=0))


def effective_of_singular_values(uncentred: Spectrum) -> float:
    """The same of p = s_i / sum s, s_i singular values of the uncentred features, in [1, d]. RankMe, Garrido et al.
    2023."""
    varying(uncentred)
    return _entropy_rank(uncentred.values.clamp(min=0).sqrt())


def participation(features: Spectrum) -> float:
    """Participation ratio (sum l)^2 / sum l^2, in [1, d]."""
    varying(features)
    values = features.values / features.values[0]
    return float(values.sum() ** 2 / (values**2).sum())


def numerical(tau: float) -> Callable[[Spectrum], Outcome]:
    """Make the count of singular values above ``tau`` times the largest, from 1 to d. Masarczyk et al. 2023.

    Errors: ValueError for a tau outside of (0, 1).
    """
    if not 0 < tau < 1:
        raise ValueError(f"tau is a share of the largest singular value and lies between 0 and 1; it is {tau!r}.")

    def count(features: Spectrum) -> Outcome:
        """Number of singular values of the centred features above tau times the largest, from 1 to d."""
        varying(features)
        return Outcome(float((features.values > tau**2 * features.values[0]).sum()))

    return count


def numerical_share(tau: float) -> Callable[[Spectrum, int, int], float]:
    """Make the same count over min(N - 1, d), which is as many as there can be, in (0, 1]."""
    count = numerical(tau)

    def share(features: Spectrum, N: int, d: int) -> float:
        """The same count as a share of min(N - 1, d)."""
        return count(features).value / min(N - 1, d)

    return share


def alpha(features: Spectrum, least_variance: float) -> Outcome:
    """Decay of the spectrum: minus the slope of log l_j on log j over j = 1 .. 100, or as far as l_j is more than
    rounding; positive for falling spectra. Agrawal et al. 2022."""
    varying(features)
    known = min(LARGEST, features.rank(least_variance))
    if known < 3:
        raise DegenerateError(f"only {known} eigenvalues are more than rounding: they have no slope")
    x = torch.arange(1, known + 1, dtype=torch.float64).log()
    y = features.values[:known].cpu().log()
    x, y = x - x.mean(), y - y.mean()
    return Outcome(-float((x * y).sum() / (x**2).sum()), OK, f"over the first {known} eigenvalues")


def _entropy_rank(values: Tensor) -> float:
    shares = values / values.sum()
    return float(torch.special.entr(shares).sum().exp())

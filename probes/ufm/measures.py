"""What the closed forms predict for every ``deep.*`` and ``nrc.*`` row of the table.

At these minima everything shares the targets' eigenvectors: along direction i of S_Y = U diag(l) U' the features have
variance f_i, the weight singular value w_i, and S_HY singular value sqrt(f_i l_i), for features are exact multiples of
the centred targets there. Beyond the rank r of the minimum f and w are 0. All three fall in the same order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from probes.measures.top import fit_gamma
from probes.outcome import DEGENERATE, NOT_DEFINED, Outcome
from probes.subspace import Spectrum

from . import conditions
from .linear import LinearMinimum
from .regression import RegressionMinimum

Predicted = dict[tuple[str, str], Outcome]
TIE = 1.001  # neighbouring values closer than this leave the subspace between them open
NAN = math.nan
TARGET_SIDE = ("deep.feature_side_alignment", "deep.feature_target_alignment", "deep.cross_alignment")


def predicted(
    minimum: RegressionMinimum | LinearMinimum, d: int, N: int, *, layer: int = 1, k: int | None = None
) -> Predicted:
    """Outcome of every measure of a layer at the minimum, by (name, variant) as in the table.

    A NaN of status "degenerate" is what the minimum does not determine.

    Args:
        d: width of the features that enter the layer.
        N: samples.
        layer: from 1 to the model's depth; the last one has the ``nrc.*`` too.
        k: signal rank; None for the rank of S_Y.
    Errors: ValueError for a layer that is not there, a width below n, or a k outside 1 .. d.
    """
    linear = _as_linear(minimum)
    n = minimum.targets.dim
    rank = int((minimum.targets.values > 0).sum())
    if not 1 <= layer <= linear.depth:
        raise ValueError(f"The model has layers 1 to {linear.depth}; layer {layer} was asked for.")
    conditions.width(d, n, f"as many as the n = {n} targets")
    k = rank if k is None else k
    if not 1 <= k <= d:
        raise ValueError(f"The signal rank k must be from 1 to the width {d}; it is {k}.")
    aligned = _Aligned(
        linear.feature_values(layer), linear.weight_values(layer), minimum.targets.values, rank, k, minimum.mse, d, N
    )
    found = aligned.spectra() | aligned.angles() | aligned.predictions()
    if layer < linear.depth:
        return found
    white = linear.depth == 1 and aligned.r == rank
    return found | aligned.directions() | aligned.gram(linear.lambda_h * linear.lambda_w[0] if white else None)


def _as_linear(minimum: RegressionMinimum | LinearMinimum) -> LinearMinimum:
    if isinstance(minimum, LinearMinimum):
        return minimum
    return LinearMinimum(minimum.S_Y, minimum.lambda_h, (minimum.lambda_w,))


@dataclass(frozen=True)
class _Aligned:
    """Feature variances f, weight singular values w and target variances y (n,) along shared directions."""

    f: Tensor
    w: Tensor
    y: Tensor
    target_rank: int
    k: int
    mse: float
    d: int
    N: int

    @property
    def n(self) -> int:
        return self.y.numel()

    @property
    def r(self) -> int:
        """Rank of the minimum."""
        return int((self.f > 0).sum())

    def spectra(self) -> Predicted:
        """Noise and ranks."""
        f, y, k = self.f, self.y, self.k
        found = {
            ("deep.target_stable_rank", "default"): Outcome(float(y.sum() / y[0])),
            ("deep.target_stable_rank", "covariance"): Outcome(float((y**2).sum() / y[0] ** 2)),
        }
        noise = float(f[k:].sum())
        behind = float(f[k]) if k < self.n else 0.0
        gap = float(f[min(k, self.n) - 1]) / behind if behind else math.inf
        mine = {
            ("deep.noise", "default"): noise,
            ("deep.noise_fraction", "default"): noise / float(f.sum()) if self.r else NAN,
            ("deep.spectral_gap", "default"): gap if k <= self.r else NAN,
            ("deep.feature_stable_rank", "default"): float(f.sum() / f[0]),
            ("deep.feature_stable_rank", "covariance"): float((f**2).sum() / f[0] ** 2),
            ("deep.weight_stable_rank", "default"): float((self.w**2).sum() / self.w[0] ** 2),
        }
        found |= {name: self._alive(value) for name, value in mine.items()}
        if k == self.d:
            found["deep.spectral_gap", "default"] = Outcome(NAN, NOT_DEFINED, "k is the whole space")
        return found

    def angles(self) -> Predicted:
        """Alignments: all collapsed, where the minimum has k directions and determines which they are."""
        k, n = self.k, self.n
        found = {
            ("deep.feature_weight_alignment", "default"): self._angle(1.0, self.d),
            ("deep.feature_weight_alignment", "smallest"): self._angle(1.0, self.d),
            ("deep.feature_weight_alignment", "published"): self._angle(1.0, self.d),
            ("deep.noise_alignment", "default"): self._angle(0.0, self.d),
            ("deep.feature_side_alignment", "default"): self._angle(1.0, self.d),
            ("deep.feature_target_alignment", "default"): self._angle(1.0, n),
            ("deep.cross_alignment", "default"): self._angle(0.0, n),
        }
        if k >= n:
            found["deep.cross_alignment", "default"] = Outcome(NAN, NOT_DEFINED, "no target directions remain")
        if k > self.target_rank:
            absent = Outcome(NAN, NOT_DEFINED, f"k = {k} exceeds the targets' rank {self.target_rank}")
            found |= {name: absent for name in found if name[0] in TARGET_SIDE}
        return found

    def _angle(self, collapsed: float, whole: int) -> Outcome:
        k = self.k
        if self.r and k == whole:
            return Outcome(collapsed)
        if self.r < k:
            return Outcome(NAN, DEGENERATE, f"the minimum has rank {self.r} < k = {k}")
        if k < self.r and max(float(v[k - 1] / v[k]) for v in (self.f, self.w, self.y)) < TIE:
            return Outcome(NAN, DEGENERATE, f"directions {k} and {k + 1} are as large: which is kept is open")
        return Outcome(collapsed)

    def predictions(self) -> Predicted:
        """CKA = <f, l>/(||f|| ||l||), and what an affine map of the features predicts: all the minimum's directions."""
        f, y, k, r = self.f, self.y, self.k, self.r
        left = float(y[r:].sum()) / self.n
        status = {"status": DEGENERATE, "note": "the features use N - 1 directions"} if r >= self.N - 1 else {}
        values = {
            ("deep.linear_mse", "default"): left,
            ("deep.linear_mse", "ratio"): left / self.mse,
            ("deep.linear_r2", "default"): 1 - left * self.n / float(y.sum()),
            ("deep.linear_r2", "adjusted"): NAN,
        }
        if r < self.N - 1:
            share = left * self.n / float(y.sum())
            values["deep.linear_r2", "adjusted"] = 1 - share * (self.N - 1) / (self.N - 1 - r)
        found = {name: Outcome(value, **status) if r else self._alive(value) for name, value in values.items()}
        return found | {
            ("deep.cka", "default"): self._alive(float((f * y).sum() / (f.norm() * y.norm()))),
            ("deep.cka", "signal"): self._alive(float((f * y)[:k].sum() / (f[:k].norm() * y.norm()))),
            ("model.mse", "default"): Outcome(self.mse),
        }

    def directions(self) -> Predicted:
        """nrc.1, nrc.2 and their variants, all 0, and the explained variances."""
        names = [("nrc.1", "default"), ("nrc.1", "none"), ("nrc.2", "default")]
        names += [("nrc.1_centred", "default"), ("nrc.2_centred", "default")]
        found = {name: self._alive(0.0) for name in names}
        total = float(self.f.sum())
        for i in range(1, 6):
            share = float(self.f[i - 1]) / total if i <= self.n and total else 0.0
            narrow = Outcome(NAN, NOT_DEFINED, f"the features have only {self.d} dimensions")
            found[f"nrc.evr_{i}", "default"] = self._alive(share) if i <= self.d else narrow
        return found

    def gram(self, gamma: float | None) -> Predicted:
        """nrc.3: 0 at gamma = c for one layer that keeps every direction; else what the best gamma leaves."""
        distance, ratio = ("nrc.3", "default"), ("nrc.3_gamma_ratio", "default")
        if self.n == 1:
            return dict.fromkeys((distance, ratio), Outcome(NAN, NOT_DEFINED, "identically 0 for a single target"))
        if not self.r:
            return {distance: self._alive(0.0), ratio: self._alive(0.0)}
        if gamma is None:
            basis = torch.eye(self.n, dtype=torch.float64)
            fit = fit_gamma(torch.diag(self.w**2), Spectrum(self.y, basis), self.target_rank)
            found = {distance: Outcome(fit.distance), ratio: Outcome(fit.ratio)}
        else:
            found = {distance: Outcome(0.0), ratio: Outcome(gamma / float(self.y[self.target_rank - 1]))}
        if self.target_rank == 1:
            found[ratio] = Outcome(NAN, NOT_DEFINED, "the targets have rank 1, and gamma drops out")
        elif float(self.y[0] / self.y[self.target_rank - 1]) < TIE:
            found[ratio] = Outcome(NAN, DEGENERATE, "S_Y is isotropic on its range, and gamma drops out")
        return found

    def _alive(self, value: float) -> Outcome:
        return Outcome(NAN, DEGENERATE, "features and weight are 0 at this minimum") if self.r == 0 else Outcome(value)

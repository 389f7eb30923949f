"""The spectra behind a layer's measures, read off its snapshot, and the table of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from deepnrc.table import COSINES, CROSS, FEATURES, RESIDUALS, SPECTRA, TARGETS, WEIGHT
from probes import EPS, Snapshot, deep, defined, principal_cosines

LEADING = 64  # values kept in full: more than a signal has directions, and a table that stays small at d = 4096
AN_OCTAVE = 8  # values kept for each doubling of the index behind them


@dataclass(frozen=True)
class SpectralReading:
    """One spectrum of one layer.

    Attributes:
        name: one of ``deepnrc.table.SPECTRA_NAMES``.
        values: all of it (r,), descending.
        floor: what rounding could have made of a value that is 0; NaN where unknown.
        rank: k, or None where it is not known.
        place: run, step, depth and layer.
    """

    name: str
    values: Tensor
    floor: float
    rank: int | None
    place: Mapping[str, Any]


def of_layer(snapshot: Snapshot, place: Mapping[str, Any]) -> Iterator[SpectralReading]:
    """The spectra of a layer, whichever measures were asked for; what is not defined or degenerate has none.

    The cosines are those of the principal angles between the top-k eigenvectors of S_H and the top-k right singular
    vectors of W. Where features or targets do not vary, the singular values of S_HY would be rounding alone.
    """
    features, targets = defined(lambda: snapshot.features), defined(lambda: snapshot.targets)
    weight, k = defined(lambda: snapshot.leading_weight), defined(lambda: snapshot.k)
    if features is not None:
        floor = deep.noise_floor(features, snapshot.mean_square, snapshot.unit_roundoff)
        yield SpectralReading(FEATURES, features.values, floor, k, place)
    if weight is not None:
        floor = max(weight.floor, max(snapshot.d, weight.values.numel()) * EPS * float(weight.values[0]))
        yield SpectralReading(WEIGHT, weight.values, floor, k, place)
    if features is not None and targets is not None:
        cross = snapshot.cross_values
        yield SpectralReading(CROSS, cross, snapshot.d * EPS * float(cross[0]), k, place)
    if features is not None and weight is not None and k is not None and k <= min(snapshot.d, weight.values.numel()):
        yield SpectralReading(COSINES, principal_cosines(features.leading(k), weight.leading(k)), np.nan, k, place)


def of_targets(snapshot: Snapshot, place: Mapping[str, Any]) -> Iterator[SpectralReading]:
    """The eigenvalues of S_Y, unless the targets do not vary; and those of the covariance of f(x) - y, where the
    network's output was read and does not meet every target."""
    targets = defined(lambda: snapshot.targets)
    if targets is not None:
        floor = float(snapshot.target_tolerance.max())
        yield SpectralReading(TARGETS, targets.values, floor, defined(lambda: snapshot.k), place)
    outputs = defined(lambda: snapshot.residual_moments)
    if outputs is not None and outputs.count:
        left = defined(lambda: snapshot.residual_values)
        if left is not None and float(left[0]) > 0:
            square = float(outputs.targets.trace() + (outputs.mean[outputs.n :] ** 2).sum())
            floor = snapshot.target_roundoff**2 * square  # of y, as it was written
            yield SpectralReading(RESIDUALS, left, floor, defined(lambda: snapshot.k), place)


def kept(count: int, rank: int | None = None) -> NDArray[np.int64]:
    """Which of ``count`` values the table holds: the first 64, then eight for each doubling of the index, the last,
    and always k and k + 1.

    >>> len(kept(64)), len(kept(512)), len(kept(4096))
    (64, 88, 112)
    >>> kept(100, rank=98)[-5:].tolist()
    [83, 91, 98, 99, 100]
    """
    octaves = np.log2(max(count, LEADING) / LEADING)
    tail = np.round(LEADING * 2 ** (np.arange(1, int(octaves * AN_OCTAVE) + 1) / AN_OCTAVE)).astype(np.int64)
    cut = [] if rank is None else [i for i in (rank, rank + 1) if 1 <= i <= count]
    return np.unique(np.concatenate([np.arange(1, min(count, LEADING) + 1), tail, cut, [count]]).astype(np.int64))


def frame(readings: Iterable[SpectralReading]) -> pd.DataFrame:
    """The tidy table of spectra.

    ``index`` counts from 1; ``count`` is how many values the whole spectrum has, and ``rest`` the sum of those that
    are not rows of their own, so that a spectrum's values and its rest add up to its trace.
    """
    parts = [(reading, *_parts(reading)) for reading in readings]
    lengths = [len(index) for _, index, _, _ in parts]
    told: dict[str, Any] = {
        name: [reading.place[name] for reading, *_ in parts] for name in ("run", "step", "depth", "layer")
    }
    told |= {
        "spectrum": [reading.name for reading, *_ in parts],
        "rank": pd.array([reading.rank for reading, *_ in parts], dtype="Int64"),
        "count": [reading.values.numel() for reading, *_ in parts],
        "rest": [rest for *_, rest in parts],
        "floor": [reading.floor for reading, *_ in parts],
    }
    once = pd.DataFrame(told).astype({name: kind for name, kind in SPECTRA.items() if name in told})
    whole = once.loc[np.repeat(np.arange(len(parts)), lengths)].reset_index(drop=True)
    whole["index"] = np.concatenate([np.empty(0, np.int64), *(index for _, index, _, _ in parts)])
    whole["value"] = np.concatenate([np.empty(0), *(values for _, _, values, _ in parts)])
    return whole[list(SPECTRA)]


def _parts(reading: SpectralReading) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    values = reading.values.double().cpu().numpy()
    index = kept(len(values), reading.rank)
    return index, values[index - 1], float(np.delete(values, index - 1).sum())

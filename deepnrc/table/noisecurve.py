"""Noise as a function of k, from the stored eigenvalues."""

from __future__ import annotations

import numpy as np
import pandas as pd

from deepnrc.errors import UsageError
from deepnrc.table.schema import FEATURES

CURVE = ["run", "step", "depth", "layer", "k", "noise_fraction", "floor", "rank"]


def noise_curves(table: pd.DataFrame, spectra: pd.DataFrame) -> pd.DataFrame:
    """Noise fraction at every signal rank, 1 - (l_1 + .. + l_k)/sum l in [0, 1], for k = 1 .. min(2n, d - 1).

    Of a wide spectrum with many targets the eigenvalues are stored one by one up to the 64th; the curve ends with them.
    ``floor`` is what rounding could have made of the noise fraction, and ``rank`` the k that was used.

    Errors: UsageError where no spectra of the features were kept.
    """
    rows = spectra[spectra["spectrum"] == FEATURES]
    if rows.empty:
        raise UsageError("The report holds no eigenvalues of the features: it was saved without spectra. Probe again.")
    widths = table.groupby(["run", "step"])["target_dim"].max().to_dict()
    curves = []
    for (run, step, *_), part in rows.groupby(["run", "step", "depth", "layer"], sort=False):
        curves.append(_curve(part.sort_values("index"), int(widths[run, step])))
    return pd.concat(curves, ignore_index=True)


def _curve(spectrum: pd.DataFrame, n: int) -> pd.DataFrame:
    """One layer's curve. The sums run from the smallest value up, so that a tail of 1e-12 keeps its digits."""
    values, index = spectrum["value"].to_numpy().clip(min=0), spectrum["index"].to_numpy()
    one_by_one = int((index == np.arange(1, len(index) + 1)).sum())
    most = min(2 * n, int(spectrum["count"].iloc[0]) - 1, one_by_one)
    behind = np.append(values[::-1].cumsum()[::-1], 0.0) + max(0.0, float(spectrum["rest"].iloc[0]))
    found = spectrum.iloc[:most].assign(k=index[:most], noise_fraction=(behind[1 : most + 1] / behind[0]).clip(0, 1))
    return found.assign(floor=found["floor"] / behind[0])[CURVE]

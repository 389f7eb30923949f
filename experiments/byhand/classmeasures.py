"""The classifier measures by hand, as those in ``byhand``: whole feature matrices, every number from its definition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.byhand.measures import Matrix, Named


def class_measures(H: Matrix, labels: NDArray[np.int64], W: Matrix | None, predicted: NDArray[np.int64]) -> Named:
    """Every classifier measure of one layer that is defined for it, by name and variant.

    Args:
        H: features (N, d).
        labels, predicted: classes (N,), 0 to K - 1, each of which appears among the labels.
        W: the last layer's weight (K, d), or None elsewhere.
    """
    K, N = int(labels.max()) + 1, len(H)
    means = np.stack([H[labels == c].mean(0) for c in range(K)])
    centred, within = means - means.mean(0), H - means[labels]
    S_W, S_B = within.T @ within / N, centred.T @ centred / K
    found: Named = {
        ("nc.1", "trace"): float(np.trace(S_W) / np.trace(S_B)),
        ("nc.1", "total"): float(np.trace(S_W) / np.trace(S_W + S_B)),
        ("nc.2", "default"): _from_simplex(centred @ centred.T),
        ("nc.2", "orthogonal frame"): _from_frame(means @ means.T),
        ("nc.4", "default"): float((_nearest(H, means) != predicted).mean()),
        ("nc.ncc_error", "default"): float((_nearest(H, means) != labels).mean()),
        ("nc.total_variation", "default"): float(np.trace(S_W)),
    }
    found |= _of_pairs(means, np.array([(within[labels == c] ** 2).sum(1).mean() for c in range(K)]))
    if H.shape[1] >= K - 1:
        _, s, V = np.linalg.svd(centred, full_matrices=False)
        kept = V[: K - 1]
        ratio = float((np.diag(kept @ S_W @ kept.T) / (s[: K - 1] ** 2 / K)).sum())
        found |= {("nc.1", "default"): ratio / K, ("nc.1", "without 1/K"): ratio}
    if W is not None and W.shape == (K, H.shape[1]):
        found["nc.3", "default"] = _from_simplex(W @ centred.T)
        found["nc.3", "orthogonal frame"] = _from_frame(W @ means.T)
        cosines = (W * centred).sum(1) / np.linalg.norm(W, axis=1) / np.linalg.norm(centred, axis=1)
        found["nc.unc3", "default"] = _variation(cosines)
    return found


def _of_pairs(means: Matrix, spread: Matrix) -> Named:
    """What is taken over pairs of class means (K, d), and the mean squared distances (K,) to them."""
    K, centred = len(means), means - means.mean(0)
    sizes = np.linalg.norm(centred, axis=1)
    units = centred / sizes[:, None]
    pairs = [(i, j) for i in range(K) for j in range(i)]
    cdnv = float(np.mean([(spread[i] + spread[j]) / ((means[i] - means[j]) ** 2).sum() for i, j in pairs]))
    found: Named = {
        ("nc.cdnv", "default"): cdnv / 2,
        ("nc.cdnv", "without 1/2"): cdnv,
        ("nc.equinorm", "default"): float(np.mean([abs(np.log(sizes[i] / sizes[j])) for i, j in pairs])),
    }
    if len(pairs) > 1:
        apart = np.array([np.linalg.norm(units[i] - units[j]) for i, j in pairs])
        found["nc.gnc2", "default"] = _variation(-np.log(apart))
    return found


def _variation(values: Matrix) -> float:
    return float(values.std() / abs(values.mean()))


def _nearest(H: Matrix, means: Matrix) -> NDArray[np.int64]:
    distances = np.stack([((H - mean) ** 2).sum(1) for mean in means], axis=1)
    return np.asarray(distances.argmin(1), dtype=np.int64)


def _from_simplex(G: Matrix) -> float:
    K = len(G)
    return float(np.linalg.norm(G / np.linalg.norm(G) - (np.eye(K) - 1 / K) / np.sqrt(K - 1)))


def _from_frame(G: Matrix) -> float:
    return float(np.linalg.norm(G / np.linalg.norm(G) - np.eye(len(G)) / np.sqrt(len(G))))

"""Builders shared by the tests of ``probes``: random layers, and snapshots of them taken batch by batch."""

import pytest
import torch

from probes import CATALOG, Batch, Classes, Directions, Mislabelled, Moments, Nearest, Opening, Snapshot, is_one_hot


@pytest.fixture
def layer():
    """Make H (N, d), Y (N, n), W (m, d) in float64: off-centre, decaying spectra, targets part linear part noise."""

    def make(N=700, d=24, n=4, m=40, seed=0):
        g = torch.Generator().manual_seed(seed)
        kw = {"generator": g, "dtype": torch.float64}
        fall = torch.arange(1, d + 1).double() ** -0.7
        latent = torch.randn(N, d, **kw) * fall
        Q = torch.linalg.qr(torch.randn(d, d, **kw))[0]
        H = latent @ Q + torch.randn(d, **kw)
        mixed = latent[:, : n + 3] @ torch.randn(min(d, n + 3), n, **kw) + torch.randn(N, n, **kw)
        Y = mixed * 0.7 ** torch.arange(n).double() + torch.randn(n, **kw)
        W = torch.randn(m, d, **kw) * fall @ Q
        return H, Y, W

    return make


@pytest.fixture
def classes():
    """Make H (N, d), one-hot Y (N, K), W (K, d) in float64: classes of unequal sizes about random means, off-centre."""

    def make(N=700, d=24, K=5, noise=0.5, seed=0):
        g = torch.Generator().manual_seed(seed)
        kw = {"generator": g, "dtype": torch.float64}
        drawn = torch.cat([torch.arange(K), torch.randint(K, (N - K,), generator=g).minimum(torch.arange(N - K))])
        means = torch.randn(K, d, **kw) + torch.randn(d, **kw)
        H = means[drawn] + noise * torch.randn(N, d, **kw) @ torch.randn(d, d, **kw) / d**0.5
        return H, torch.nn.functional.one_hot(drawn, K).double(), torch.randn(K, d, **kw)

    return make


@pytest.fixture
def snap():
    """Stream H and Y in batches through every statistic (the centred ones in a second pass) into a ``Snapshot``;
    those of classes only where Y is one-hot. ``predicted`` (N,) is the network's class, by default the right one."""

    def take(H, Y, W=None, batch=256, predicted=None, **rest):
        d, n = H.shape[1], Y.shape[1]
        moments, directions, centred = Moments(d, n), Directions(d, n), Directions(d, n)
        for h, y in zip(H.split(batch), Y.split(batch), strict=True):
            moments.update(h, y)
            directions.update(h, y)
        for h in H.split(batch):
            centred.update(h.double() - moments.mean[:d])
        rest = {
            "unit_roundoff": torch.finfo(H.dtype).eps / 2,
            "target_roundoff": torch.finfo(Y.dtype).eps / 2,
            **rest,
        }
        statistics = {"moments": moments, "directions": directions, "centred_directions": centred}
        if not is_one_hot(Y):
            return Snapshot(statistics, W, **{"missing": {"classes": "the targets are no classes"}, **rest})
        predicted = Y.argmax(1) if predicted is None else predicted
        found = Classes(d, n)
        for h, y in zip(H.split(batch), Y.split(batch), strict=True):
            found.update(h, y)
        opening = Opening(d, n, first={"moments": moments, "classes": found})
        nearest, mislabelled = Nearest.begin(opening), Mislabelled.begin(opening)
        for h, y, p in zip(H.split(batch), Y.split(batch), predicted.split(batch), strict=True):
            samples = Batch(h.double() - moments.mean[:d], y.double(), y.argmax(1), p)
            nearest.update(samples)
            mislabelled.update(samples)
        counted = {"classes": found, "nearest": nearest, "mislabelled": mislabelled}
        return Snapshot({**statistics, **counted}, W, **rest)

    return take


@pytest.fixture
def evaluate():
    """Evaluate one row of the catalog by name and variant."""
    rows = {(p.name, p.variant): p for p in CATALOG}
    return lambda name, snapshot, variant="default": rows[name, variant].evaluate(snapshot)


@pytest.fixture
def outcome(evaluate):
    """The ``Outcome`` of one row of the catalog."""
    return lambda name, snapshot, variant="default": evaluate(name, snapshot, variant).outcome


@pytest.fixture
def value(outcome):
    """The value alone of one row of the catalog."""
    return lambda name, snapshot, variant="default": outcome(name, snapshot, variant).value

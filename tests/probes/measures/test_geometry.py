import itertools

import numpy as np
import pytest
import torch

from probes import Classes
from probes.measures import geometry


def plain(H, y, W):
    """Every measure by loops."""
    K = int(y.max()) + 1
    mu = np.stack([H[y == k].mean(0) for k in range(K)])
    v = [((H[y == k] - mu[k]) ** 2).sum(1).mean() for k in range(K)]
    pairs = list(itertools.combinations(range(K), 2))
    m = mu - mu.mean(0)
    size = np.linalg.norm(m, axis=1)
    u = m / size[:, None]
    far = np.array([-np.log(np.linalg.norm(u[i] - u[j])) for i, j in pairs])
    cos = np.array([W[k] @ m[k] / np.linalg.norm(W[k]) / size[k] for k in range(K)])
    within = sum(((H[y == k] - mu[k]) ** 2).sum() for k in range(K)) / len(H)
    cdnv = np.mean([(v[i] + v[j]) / (2 * ((mu[i] - mu[j]) ** 2).sum()) for i, j in pairs])
    s = np.linalg.svd(W, compute_uv=False)
    return {
        ("nc.cdnv", "default"): cdnv,
        ("nc.cdnv", "without 1/2"): 2 * cdnv,
        ("nc.equinorm", "default"): np.mean([abs(np.log(size[i] / size[j])) for i, j in pairs]),
        ("nc.gnc2", "default"): far.std() / abs(far.mean()),
        ("nc.unc3", "default"): cos.std() / abs(cos.mean()),
        ("nc.total_variation", "default"): within,
        ("nc.total_variation", "sigma ratio"): s[K] / s[0] if len(s) > K else None,
    }


@pytest.mark.parametrize("K", [3, 5, 8])
def test_every_measure_is_its_plain_computation(classes, snap, outcome, K):
    H, Y, W = classes(K=K)
    for (name, variant), wanted in plain(H.numpy(), Y.argmax(1).numpy(), W.numpy()).items():
        found = outcome(name, snap(H, Y, W), variant)
        if wanted is None:
            assert found.status == "not defined"
        else:
            assert (found.status, found.value) == ("ok", pytest.approx(wanted, rel=1e-9)), (name, variant)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_pairs_come_in_parts_of_any_size_and_near_ones_keep_their_digits(classes, snap, value, monkeypatch, chunk):
    H, Y, W = classes(K=8)
    near = H.clone()
    near[Y.argmax(1) == 1] = H[Y.argmax(1) == 0].mean(0) + 1e-6 * H[Y.argmax(1) == 1]
    wanted = plain(near.numpy(), Y.argmax(1).numpy(), W.numpy())
    monkeypatch.setattr(geometry, "CHUNK", chunk)
    for name in ("nc.cdnv", "nc.gnc2"):
        assert value(name, snap(near, Y, W)) == pytest.approx(wanted[name, "default"], rel=1e-9), name


def test_sigma_ratio_of_a_weight_of_more_outputs(classes, snap, value):
    H, Y, _ = classes(K=3)
    W = torch.randn(9, 24, generator=torch.Generator().manual_seed(0)).double()
    s = torch.linalg.svdvals(W)
    assert value("nc.total_variation", snap(H, Y, W), "sigma ratio") == pytest.approx(float(s[3] / s[0]))


@pytest.mark.parametrize("batch", [1, 37, 700])
def test_spread_does_not_depend_on_batches_or_merging(classes, batch):
    H, Y, _ = classes()
    whole = Classes(24, 5)
    whole.update(H + 1e4, Y)
    parts = []
    for h, y in zip((H + 1e4).split(batch), Y.split(batch), strict=True):
        parts.append(Classes(24, 5))
        parts[-1].update(h, y)
    for part in parts[1:]:
        parts[0].merge(part)
    torch.testing.assert_close(parts[0].spread, whole.spread, rtol=1e-9, atol=0)
    assert float((whole.squares.sum() - whole.scatter.trace()).abs()) < 1e-6


def test_a_perfect_simplex_reads_0(snap, value):
    K = 4
    means = torch.eye(K).double() - 1 / K
    Y = torch.eye(K).double().repeat(10, 1)
    snapshot = snap(Y @ means + 2, Y, means)
    for name in ("nc.cdnv", "nc.equinorm", "nc.gnc2", "nc.unc3", "nc.total_variation"):
        assert value(name, snapshot) == pytest.approx(0, abs=1e-9), name


def test_degenerate_answers(classes, snap, outcome):
    H, Y, W = classes(K=4)
    same = H.clone()
    same[Y.argmax(1) == 1] = 1.0
    same[Y.argmax(1) == 2] = 1.0
    assert outcome("nc.cdnv", snap(same, Y, W)).status == "degenerate"
    W[2] = 0
    assert outcome("nc.unc3", snap(H, Y, W)).note == "a row of the weight is zero"
    two = torch.nn.functional.one_hot(Y.argmax(1) % 2, 2).double()
    assert outcome("nc.gnc2", snap(H, two, W)).status == "not defined"

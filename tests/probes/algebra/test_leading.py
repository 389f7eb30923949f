"""Leading singular vectors from the smaller Gram matrix: they are those of the whole decomposition."""

import pytest
import torch

from probes import DegenerateError, principal_sines, singular
from probes.algebra.leading import leading_singular
from probes.doubt import TIED


def matrix(m, d, values=None, seed=0):
    g = torch.Generator().manual_seed(seed)
    A = torch.randn(m, d, generator=g, dtype=torch.float64)
    if values is None:
        return A
    U, _, V = torch.linalg.svd(A, full_matrices=False)
    sizes = torch.zeros(min(m, d), dtype=torch.float64)
    sizes[: len(values)] = torch.tensor(values, dtype=torch.float64)
    return (U * sizes) @ V


WEIGHTS = {
    "square": matrix(96, 96),
    "wide": matrix(70, 300),
    "tall": matrix(300, 70),
    "rank 3": matrix(120, 100, [5.0, 2.0, 1.0]),
    "rank 2": matrix(100, 120, [5.0, 2.0]),
    "falling": matrix(100, 100, [0.9**i for i in range(100)]),
    "falling fast": matrix(100, 100, [0.1**i for i in range(15)]),
    "tied behind": matrix(100, 100, [3.0, 2.0, 1.0, 1.0 - 1e-4, 1.0 - 2e-4, 0.5]),
    "orthogonal": torch.linalg.qr(matrix(100, 100)).Q,
    "huge": 1e200 * matrix(80, 90),
    "tiny": 1e-200 * matrix(80, 90),
    "small": matrix(10, 500),
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("k", [1, 3, 20])
def test_values_and_leading_vectors_are_those_of_the_svd(name, k):
    W = WEIGHTS[name]
    whole = singular(W)
    found = leading_singular(W, k, TIED) or whole
    size = float(whole.values[0])
    assert found.values.shape == whole.values.shape
    assert found.dim == whole.dim == W.shape[1]
    leading = whole.values > 0.01 * size
    torch.testing.assert_close(found.values[leading], whole.values[leading], rtol=1e-12, atol=0)
    assert float((found.values - whole.values).abs().max()) <= max(found.floor, 1e-14 * size)
    k = min(k, len(whole.values))
    read = k + int((whole.values[k:] * TIED > whole.values[k - 1]).sum())
    assert found.vectors.shape[1] >= min(read, len(whole.values))
    if read < len(whole.values) and float(whole.values[read]) < float(whole.values[read - 1]) * (1 - 1e-4):
        assert float(principal_sines(found.leading(read), whole.leading(read)).max()) < 1e-10


@pytest.mark.parametrize("name", ["square", "wide", "tall", "rank 3"])
def test_vectors_are_orthonormal(name):
    V = leading_singular(WEIGHTS[name], 3, TIED).vectors
    torch.testing.assert_close(V.mT @ V, torch.eye(V.shape[1], dtype=torch.float64), rtol=0, atol=1e-13)


def test_a_shallow_direction_is_read_off_the_weight_itself():
    W = matrix(100, 120, [5.0, 2.0])
    assert leading_singular(W, 2, TIED).floor > 0
    assert leading_singular(W, 3, TIED) is None


def test_a_layer_reads_both(layer, snap):
    H, Y, W = layer(N=200, d=80, m=100)
    snapshot = snap(H, Y, W)
    assert snapshot.leading_weight.vectors.shape[1] < snapshot.weight.vectors.shape[1] == 80
    with pytest.raises(DegenerateError, match="the weight is zero"):
        _ = snap(H, Y, 0 * W).leading_weight

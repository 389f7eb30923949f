"""Covariances by their rows: everything that is asked of one answers as the matrix does."""

import pytest
import torch

from probes import CATALOG, HeldOut
from probes.algebra.factored import Factored, block, dense, part, scaled, with_rows
from probes.streaming import gram
from probes.subspace import spectrum, trace_outside


@pytest.fixture
def both():
    """A covariance (12, 12) of 5 rows by its rows and written out."""
    X = torch.randn(5, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Factored(X), X.T @ X


def close(a, b, atol=1e-12):
    torch.testing.assert_close(a, b, rtol=1e-12, atol=atol)


def test_what_a_tensor_has(both):
    rows, matrix = both
    B = torch.randn(12, 3, dtype=torch.float64)
    assert rows.shape == tuple(matrix.shape)
    close(rows @ B, matrix @ B)
    close(rows.trace(), matrix.trace())
    close(rows.diagonal(), matrix.diagonal())
    close(dense(rows), matrix)
    assert dense(matrix) is matrix


@pytest.mark.parametrize(
    "change",
    [
        lambda S: part(S, slice(3, 9)),
        lambda S: part(S, torch.arange(12) % 3 != 1),
        lambda S: scaled(S, torch.arange(1, 13).double()),
        lambda S: with_rows(S, torch.ones(2, 12, dtype=torch.float64)),
        lambda S: block(S, slice(4), slice(4, None)),
    ],
    ids=["slice", "mask", "scaled", "further rows", "block"],
)
def test_what_is_made_of_it(both, change):
    rows, matrix = both
    close(dense(change(rows)), change(matrix))


def test_the_spectrum_is_that_of_what_is_not_zero(both):
    rows, matrix = both
    found, whole = spectrum(rows), spectrum(matrix)
    assert found.values.shape == (5,)
    assert found.dim == 12
    close(found.values, whole.values[:5])
    close(found.vectors.mT @ found.vectors, torch.eye(5, dtype=torch.float64))
    close((found.vectors * found.values) @ found.vectors.mT, matrix)


def test_what_lies_outside_keeps_its_digits(both):
    rows, matrix = both
    basis = spectrum(rows).leading(3)
    assert trace_outside(rows, basis) == pytest.approx(trace_outside(matrix, basis), rel=1e-12)
    thin = Factored(torch.cat([3 * basis.mT, 1e-12 * spectrum(rows).vectors[:, 4:5].mT]))
    assert trace_outside(thin, basis) == pytest.approx(1e-24, rel=1e-6)


def answers(read):
    return {(p.name, p.variant): read(p) for p in CATALOG}


@pytest.mark.parametrize(("N", "d"), [(6, 64), (20, 64), (21, 64), (40, 64), (150, 260)])
def test_every_measure_of_few_samples_is_that_of_the_matrix(layer, classes, snap, monkeypatch, N, d):
    for H, Y, W in (layer(N, d=d, m=4), classes(N, d=d, K=4)):

        def seen(H=H, Y=Y, W=W):
            both = HeldOut(snap(H, Y, W, batch=7, network_mse=1.0), snap(H + 0.1, Y, W, batch=7, network_mse=1.0))
            return [answers(lambda p: p.evaluate(both.fitted)), answers(lambda p: p.held_out and p.evaluate_held(both))]

        by_rows = seen()
        with monkeypatch.context() as patch:
            patch.setattr(gram, "FEW", 0)
            by_matrix = seen()
        for one, other in zip(by_rows, by_matrix, strict=True):
            for key, found in one.items():
                same(key, found, other[key])


def same(key, found, other):
    """One evaluation is the other, to rounding."""
    if found is None:
        assert other is None
        return
    a, b = found.outcome, other.outcome
    assert a.status == b.status, (key, a, b)
    if a.status == "ok":
        rough = "singular values" in key  # roots of the matrix's eigenvalues, which are 1e-16 where the rows' are 0
        assert a.value == pytest.approx(b.value, rel=1e-5 if rough else 1e-8, abs=1e-11), (key, a, b)
    for x, y in ((found.chance, other.chance), (found.chance_high, other.chance_high), (found.floor, other.floor)):
        assert (x is None) == (y is None)
        assert x is None or x == pytest.approx(y, rel=1e-6, abs=1e-7, nan_ok=True), (key, x, y)

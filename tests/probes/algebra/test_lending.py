"""Decompositions of large matrices may be made where the caller says, and come back as they are."""

import pytest
import torch

from probes import lent
from probes.algebra import lending
from probes.algebra.leading import leading_singular


@pytest.mark.parametrize(("side", "there"), [(lending.LARGE, True), (lending.LARGE - 1, False)])
def test_large_decompositions_alone_are_lent_a_device(side, there):
    S = torch.zeros(side, side + 5)
    assert lending.borrowed(S) is None
    with lent(torch.device("cuda")):
        assert (lending.borrowed(S) == torch.device("cuda")) == there
    assert lending.borrowed(S) is None


@pytest.mark.parametrize("name", ["cpu", "mps", "meta"])
def test_devices_without_double_precision_are_not_asked(name):
    with lent(torch.device(name)):
        assert lending.borrowed(torch.zeros(1000, 1000)) is None


def test_what_is_borrowed_comes_back(monkeypatch):
    S = torch.randn(30, 30, dtype=torch.float64)
    S = S @ S.mT
    own = lending.eigh(S), lending.svd(S[:, :20])
    monkeypatch.setattr(lending, "borrowed", lambda A: torch.device("cpu"))
    for one, two in zip(own, (lending.eigh(S), lending.svd(S[:, :20])), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_leading_singular_vectors_come_by_either_way(monkeypatch):
    W = torch.randn(80, 90, dtype=torch.float64)
    own = leading_singular(W, 3, 0.99)
    monkeypatch.setattr("probes.algebra.leading.borrowed", lambda A: torch.device("cpu"))
    other = leading_singular(W, 3, 0.99)
    torch.testing.assert_close(own.values[:40], other.values[:40])
    torch.testing.assert_close((own.leading(3) * other.leading(3)).sum(0).abs(), torch.ones(3, dtype=torch.float64))

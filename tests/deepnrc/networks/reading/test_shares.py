"""Which places of a sample have what part in a prediction, and which pooling gives the same."""

import pytest
import torch
from torch import nn

from deepnrc.networks.choosing.layers import site_at
from deepnrc.networks.reading.shares import Shares

N, T, D, M = 5, 4, 6, 3
SITE = site_at("head", nn.Linear(D, M))
V = torch.randn(M, generator=torch.Generator().manual_seed(0))
REAL = torch.arange(T) < torch.tensor([[4], [2], [3], [4], [1]])


def arrived(parts):
    """The slopes of places (N, T) with these parts in an affine prediction."""
    return parts.float()[..., None] * V


def spread(mask):
    return mask / mask.sum(1, keepdim=True)


def only(place):
    return torch.eye(T)[place].expand(N, T)


LAST = torch.eye(T)[REAL.sum(1) - 1]
VARYING = torch.linspace(1, 2, N)[:, None]
CASES = {
    "mean": (torch.ones(N, T), None, {"mean", "tokens", "positions"}),
    "negative": (-torch.ones(N, T), None, {"mean", "tokens", "positions"}),
    "first": (only(0), None, {"cls"}),
    "last": (only(3), None, {"last"}),
    "another": (only(2), None, set()),
    "some": (torch.tensor([0, 1.0, 1, 1]).expand(N, T), None, set()),
    "weighted": (torch.arange(1.0, T + 1).expand(N, T), None, set()),
    "a factor for each sample": (VARYING.expand(N, T), None, set()),
    "masked mean": (spread(REAL), REAL, {"mean", "tokens", "positions"}),
    "masked sum": (REAL, REAL, set()),
    "mean over padding": (torch.ones(N, T), REAL, set()),
    "last that is real": (LAST, REAL, {"last"}),
    "last of all": (only(3), REAL, set()),
    "first that is real": (only(0), REAL, {"cls"}),
    "none": (torch.zeros(N, T), None, {"mean", "max", "last", "cls", "tokens", "positions", "flatten"}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_pooling_fits_that_gives_what_the_network_predicts_from(name):
    parts, mask, fitting = CASES[name]
    shares = Shares.of(arrived(parts), -1, fixed=True)
    pools = ("mean", "max", "last", "cls", "flatten", "tokens", "positions")
    assert {pool for pool in pools if shares.fit(SITE, pool, mask, D)} == fitting


def test_a_function_of_the_users_fits_if_it_takes_what_the_network_takes():
    some = Shares.of(arrived(torch.tensor([0, 1.0, 1, 1]).expand(N, T)), -1, fixed=True)
    assert some.fit(SITE, lambda x: x[:, 1:].mean(1), None, D)
    assert not some.fit(SITE, lambda x: x.mean(1), None, D)
    assert some.fit(SITE, lambda x: x.flatten(0, 1), None, D)  # a row a place: nothing to hold against
    masked = Shares.of(arrived(spread(REAL)), -1, fixed=True)
    assert masked.fit(SITE, lambda x, mask: (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True), REAL, D)


def test_samples_with_slopes_of_their_own_have_a_factor_of_their_own():
    parts = VARYING * spread(REAL)
    assert not Shares.of(arrived(parts), -1, fixed=True).fit(SITE, "mean", REAL, D)
    assert Shares.of(arrived(parts), -1, fixed=False).fit(SITE, "mean", REAL, D)
    curved = torch.linspace(1, 2, N * M).view(N, 1, M) * arrived(spread(REAL))
    assert Shares.of(curved, -1, fixed=True).fit(SITE, "mean", REAL, D)


def test_places_that_count_otherwise_than_by_one_number_fit_nothing_unless_they_are_told_loosely():
    each = torch.randn(N, T, M, generator=torch.Generator().manual_seed(1))
    strict, loose = (Shares.of(each, -1, fixed=True, loose=loose) for loose in (False, True))
    assert bool(strict.parts.isnan().any())
    assert (strict.fit(SITE, "mean", None, D), loose.fit(SITE, "mean", None, D)) == (False, True)
    assert not loose.fit(SITE, "cls", None, D)


def test_features_on_the_second_axis_have_their_places_behind_it():
    site = site_at("head", nn.Conv2d(D, M, 1))
    maps = arrived(torch.ones(N, T)).mT.reshape(N, M, 2, 2)
    shares = Shares.of(maps, 1, fixed=True)
    assert (shares.parts.shape, shares.fit(site, "mean", None, D), shares.fit(site, "max", None, D)) == (
        (N, 2, 2),
        True,
        False,
    )


def test_the_one_place_of_each_sample_is_known():
    assert Shares.of(arrived(LAST), -1, fixed=True).one.tolist() == [3, 1, 2, 3, 0]
    assert Shares.of(arrived(torch.ones(N, T)), -1, fixed=True).one is None

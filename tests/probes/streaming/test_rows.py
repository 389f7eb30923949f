import pytest
import torch

from probes import Batch, Opening
from probes.streaming.rows import Rows


def kept(H, Y, most, splits):
    found = Rows(H.shape[1], Y.shape[1], most=most)
    for h, y in zip(H.split(splits), Y.split(splits), strict=True):
        found.update(Batch(h, y))
    return found


@pytest.mark.parametrize("splits", [1, 7, 64, 500])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_the_same_rows_are_kept_whatever_the_order_and_the_batches(layer, splits, order):
    H, Y, _ = layer(N=500)
    shuffled = torch.randperm(500, generator=torch.Generator().manual_seed(order))
    a, b = kept(H, Y, 60, 500), kept(H[shuffled], Y[shuffled], 60, splits)
    assert torch.equal(a.rows, b.rows)
    assert (a.rows.shape, a.count, b.count) == ((60, 28), 500, 500)


def test_what_is_kept_are_rows_and_each_once(layer):
    H, Y, _ = layer(N=300)
    found = kept(torch.cat([H, H, -0.0 * H[:2]]), torch.cat([Y, Y, 0 * Y[:2]]), 2000, 64)
    assert found.count == 602
    assert torch.equal(found.rows.unique(dim=0), torch.cat([torch.cat([H, Y], 1), torch.zeros(1, 28)]).unique(dim=0))
    assert (found.H.shape, found.Y.shape) == ((301, 24), (301, 4))


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_the_choice_is_of_rows_from_everywhere(shift):
    H = torch.arange(10_000.0, dtype=torch.float64)[:, None] + shift  # numbers of few bits, in order
    found = kept(H, torch.zeros(10_000, 0, dtype=torch.float64), 1000, 256)
    places = (found.H[:, 0] - shift) / 10_000
    assert float(places.mean()) == pytest.approx(0.5, abs=0.03)
    assert torch.histc(places, 10, 0, 1).min() > 70


def test_begins_empty_on_the_layer_s_width():
    found = Rows.begin(Opening(5, 2))
    assert (found.rows.shape, found.count) == ((0, 7), 0)

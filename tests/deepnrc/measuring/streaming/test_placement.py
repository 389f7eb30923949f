"""Where the statistics lie: ours in one block, a user's own where they were."""

from types import SimpleNamespace

import pytest
import torch

from deepnrc.measuring.streaming.placement import APART, together
from probes import CentredDirections, Classes, Directions, Moments, Nearest

H = torch.randn(30, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.nn.functional.one_hot(torch.arange(30) % 3, 3).double()


def memory(tensor):
    return tensor.untyped_storage().data_ptr()


def test_ours_are_moved_into_one_block_with_what_they_hold():
    moments, directions, classes = ours = Moments(5, 3), Directions(5), Classes(5, 3)
    for statistic in ours:
        statistic.update(H, Y)
    before = [moments.covariance, directions.second, classes.within]
    together(ours)
    held = [moments.mean, moments.scatter, directions.total, classes.counts, classes.means, classes.scatter]
    assert len({memory(tensor) for tensor in held}) == 1
    assert held[0].untyped_storage().nbytes() >= 8 * APART
    after = [moments.covariance, directions.second, classes.within]
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_what_is_moved_shares_nothing_with_its_neighbours():
    ours = Moments(5, 3), Directions(5), Classes(5, 3), Moments(7, 2)
    together(ours)
    alone = Moments(5, 3), Directions(5), Classes(5, 3), Moments(7, 2)
    for a, b in zip(ours[:3], alone[:3], strict=True):
        a.update(H, Y)
        b.update(H, Y)
    for a, b in ((ours[0].scatter, alone[0].scatter), (ours[1].total, alone[1].total)):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(ours[2].within, alone[2].within, rtol=1e-12, atol=1e-12)
    assert not ours[3].scatter.any()


@pytest.mark.parametrize("kind", ["a user's", "one derived from ours", "of the second pass", "nearest"])
def test_what_others_hold_stays_where_it_is(kind):
    class Mine(Moments): ...

    statistic = {
        "a user's": lambda: SimpleNamespace(total=torch.zeros(3, dtype=torch.float64)),
        "one derived from ours": lambda: Mine(5, 3),
        "of the second pass": lambda: CentredDirections(5),
        "nearest": lambda: Nearest(torch.zeros(3, 5).double(), torch.arange(3)),
    }[kind]()
    before = {name: memory(v) for name, v in vars(statistic).items() if isinstance(v, torch.Tensor)}
    together([statistic, Moments(5, 3)])
    assert before
    assert all(memory(getattr(statistic, name)) == where for name, where in before.items())

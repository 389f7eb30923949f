"""Batches of each process: all of them, and none twice."""

import pytest
import torch

from deepnrc.data import Shard, shard
from deepnrc.errors import UsageError


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_batch_goes_to_one(count):
    loader = [(torch.full((2, 1), i), torch.zeros(2, 1)) for i in range(5)]
    parts = [shard(loader, rank, count) for rank in range(count)]
    assert [len(part) for part in parts] == [len(list(part)) for part in parts]
    seen = sorted(int(x[0]) for part in parts for x, _ in part)
    assert seen == list(range(5))


@pytest.mark.parametrize("count", [2, 3])
def test_every_row_of_a_pair_goes_to_one(count):
    X, Y = torch.arange(10.0)[:, None], torch.arange(10.0)[:, None]
    seen = [float(x) for rank in range(count) for batch, _ in shard((X, Y), rank, count) for x in batch]
    assert sorted(seen) == list(range(10))


def test_what_the_loader_has_is_there_but_for_labels_of_the_whole():
    class Loader(list):
        target_resolution, groups = (0.5,), (1, 2)

    part = Shard(Loader(), 0, 2)
    assert part.target_resolution == (0.5,)
    assert not hasattr(part, "groups")


@pytest.mark.parametrize(
    ("rank", "count", "said"), [(None, None, "no process group"), (2, 2, "from 0 to count - 1 = 1")]
)
def test_refusals(rank, count, said):
    with pytest.raises(UsageError, match=said):
        shard([], rank, count)

"""A part of other data."""

from dataclasses import dataclass

import pytest
import torch

from experiments.data.images.subset import Subset
from experiments.data.splitting import Split


@dataclass(frozen=True)
class Numbers:
    """Ten numbers, eight of them trained on, in an order that the seed draws."""

    def load(self, seed):
        x = torch.randperm(10, generator=torch.Generator().manual_seed(seed))[:, None].float()
        return Split(x[:8], 2 * x[:8], x[8:], 2 * x[8:])


@pytest.mark.parametrize(("samples", "train", "test"), [(5, 4, 1), (2, 1, 1), (3, 2, 1), (10, 8, 2), (99, 8, 2)])
def test_both_parts_keep_their_proportion(samples, train, test):
    whole, part = Numbers().load(3), Subset(Numbers(), samples).load(3)
    assert (len(part.x), len(part.x_test)) == (train, test)
    for name in ("x", "y", "x_test", "y_test"):
        kept = getattr(part, name)
        torch.testing.assert_close(kept, getattr(whole, name)[: len(kept)])


def test_the_seed_chooses_which():
    assert not torch.equal(Subset(Numbers(), 5).load(0).x, Subset(Numbers(), 5).load(1).x)


def test_the_rest_is_let_go():
    part = Subset(Numbers(), 5).load(0)
    assert part.x.untyped_storage().nbytes() == 4 * 4


def test_too_few_are_refused():
    with pytest.raises(ValueError, match=r"At least 2 samples are needed.*not 1"):
        Subset(Numbers(), 1)

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from deepnrc.data import Samples, as_loader
from deepnrc.errors import UsageError
from deepnrc.measuring.streaming.dealing import Labels, Turns, dealing


def test_blocks_of_four_are_dealt_out_in_turn():
    assert dealing(3).of(0, 26).tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [0] * 4 + [1] * 4 + [2] * 4 + [0] * 2


def test_the_size_of_batches_does_not_change_who_goes_where():
    whole, deal = dealing(5).of(0, 101), Turns(5)
    parts = [deal.of(start, min(7, 101 - start)) for start in range(0, 101, 7)]
    assert torch.equal(torch.cat(parts), whole)


def test_a_file_sorted_by_class_has_every_class_in_every_group():
    groups, classes = dealing(16).of(0, 640), torch.arange(640) // 64
    assert {(int(g), int(c)) for g, c in zip(groups, classes, strict=True)} == {
        (g, c) for g in range(16) for c in range(10)
    }


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor, pd.Series])
def test_a_group_for_each_label_in_the_order_of_their_first_samples(kind):
    assert dealing(kind([7, 7, 3, 9, 3, 7])).of(0, 6).tolist() == [0, 0, 1, 2, 1, 0]


def test_labels_may_be_words():
    assert dealing(["b", "a", "b"]).of(1, 2).tolist() == [1, 0]


def test_many_labels_share_32_groups_each_of_them_whole():
    labels = np.repeat(np.arange(100), 3)
    groups = dealing(labels).of(0, 300)
    assert groups.unique().tolist() == list(range(32))
    assert all(len(set(groups[labels == label].tolist())) == 1 for label in range(100))


def test_episodes_are_those_of_the_data():
    data = Samples(torch.zeros(6, 2), torch.zeros(6, 1), groups=torch.tensor([4, 4, 4, 8, 8, 8]))
    assert dealing("episodes", DataLoader(data, 2)).of(0, 6).tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(UsageError, match=r"which episode it is of\. Give a number of groups: groups=16"):
        dealing("episodes", DataLoader(TensorDataset(torch.zeros(6, 2), torch.zeros(6, 1))))


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (1, "groups must be at least 2, such as 16; it is 1"),
        (0, "at least 2"),
        (2.5, "groups must be a whole number; it is 2.5"),
        (True, "whole number"),
        ("blocks", "must be a number, a label for each sample, or 'episodes'; it is 'blocks'"),
        ([[1, 2], [1, 2]], r"has the shape \(2, 2\); give one label a sample"),
        ([], "one label a sample"),
        (["a", "a"], "has the one label 'a'; two or more make groups"),
    ],
)
def test_refuses_what_makes_no_groups(groups, said):
    with pytest.raises(UsageError, match=said):
        dealing(groups)


def test_refuses_labels_of_a_loader_that_shuffles():
    data = TensorDataset(torch.zeros(6, 2), torch.zeros(6, 1))
    with pytest.raises(UsageError, match="RandomSampler gives samples in another order"):
        dealing([0, 0, 0, 1, 1, 1], DataLoader(data, 2, shuffle=True))
    assert isinstance(dealing([0, 0, 0, 1, 1, 1], DataLoader(data, 2)), Labels)
    assert isinstance(dealing([0, 0, 0, 1, 1, 1], as_loader((torch.zeros(6, 2), torch.zeros(6, 1)))), Labels)
    assert isinstance(dealing(2, DataLoader(data, 2, shuffle=True)), Turns)


def test_refuses_labels_that_are_not_the_samples():
    deal = dealing([0, 1] * 8)
    with pytest.raises(UsageError, match="labels 16 samples, and the data has more"):
        deal.of(10, 7)
    with pytest.raises(UsageError, match="labels 16 samples, and the data has 12"):
        deal.check([6, 6])
    assert dealing([0, 1] * 8, samples=10).check([5, 5]) is None


@pytest.mark.parametrize("deal", [Turns(2), dealing([0] * 3 + [1] * 13)])
def test_refuses_groups_of_fewer_than_four(deal):
    with pytest.raises(
        UsageError, match=r"Group 1 of 2 has 3 of the 16 samples, and needs 4 or more\. Take fewer groups"
    ):
        deal.check([3, 13])

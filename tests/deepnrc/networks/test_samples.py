import pytest
import torch

from deepnrc.networks.samples import Layout, cut, layout, lie_first, samples_first, telling_first


def made(x, where):
    """A tensor (N, each, d) laid out as ``where`` says."""
    if where.each == 1:
        return x[:, 0].unsqueeze(1).repeat(1, 4, 1).movedim(0, where.axis)
    rows = x.flatten(0, 1) if where.together else x.transpose(0, 1).flatten(0, 1)
    return rows.unsqueeze(1).repeat(1, 4, 1).movedim(0, where.axis)


@pytest.mark.parametrize("where", [Layout(a, e, t) for a in (0, 1) for e, t in ((1, True), (3, True), (3, False))])
def test_the_layout_is_found_and_undone(where):
    x = torch.randn(5, where.each, 2)
    more, fewer = made(x, where), made(x[:4], where)
    assert layout(more, fewer, (5, 4)) == where
    back, axis = samples_first(more, where, -1)
    assert back.shape[axis] == 2
    assert back.shape[0] == 5
    assert torch.equal(back.reshape(5, where.each, 4, 2)[:, :, 0], x)


@pytest.mark.parametrize(
    ("shape", "where", "features", "axis"),
    [
        ((10, 3, 7, 7), Layout(0, 2), 1, 2),
        ((10, 3, 7, 7), Layout(0, 2), -3, 2),
        ((4, 10, 3), Layout(1), -1, 2),
        ((3, 10, 4), Layout(1), 0, 1),
        ((3, 10, 4), Layout(1, 2), 0, 2),
        ((3, 10, 4), Layout(1, 2), None, None),
    ],
)
def test_the_features_are_followed_to_where_they_go(shape, where, features, axis):
    back, found = samples_first(torch.randn(shape), where, features)
    assert (len(back), found) == (10 // where.each, axis)
    assert axis is None or back.shape[axis] == shape[features]


@pytest.mark.parametrize(
    ("more", "fewer", "reason"),
    [
        (torch.ones(4, 2), torch.ones(4, 2), "same size whatever"),
        (torch.ones(5, 5), torch.ones(4, 4), "no axis holds the samples alone"),
        (torch.ones(6, 2), torch.ones(5, 2), "no axis holds the samples alone"),
        (torch.ones(5, 2), torch.ones(4), "2 axes with 5 samples and 1 with 4"),
        (torch.ones(10, 2), torch.ones(8, 2), "which of its 2 rows a sample belong together cannot be told"),
        (torch.randn(10, 2), torch.randn(8, 2), "cannot be told"),
    ],
)
def test_what_cannot_be_told_is_not_guessed(more, fewer, reason):
    assert reason in layout(more, fewer, (5, 4))


def test_only_what_is_as_long_as_the_batch_is_cut():
    x, table = torch.randn(5, 2), torch.randn(3, 2)
    found = cut({"x": x, "more": [x, table], "flag": True, "n": torch.tensor(5)}, 5, 2)
    assert found["x"].shape == (2, 2)
    assert [t.shape[0] for t in found["more"]] == [2, 3]
    assert found["flag"] is True
    assert found["n"].ndim == 0
    assert cut(torch.randn(5, 5), 5, 2, axis=1).shape == (5, 2)
    assert len(cut([torch.randn(3)] * 5, 5, 2)) == 2


def test_samples_come_first_that_tell_what_every_column_is_made_of():
    x = torch.rand(9, 3) + 1
    assert telling_first({"y": x}, 9, 4) is None
    x[:6, 1] = 0  # a ReLU that is shut
    order = telling_first({"y": x, "whole numbers": torch.zeros(9, 2, dtype=torch.int64)}, 9, 4)
    assert sorted(order.tolist()) == list(range(9))
    shown = x[order[:4], 1]
    assert bool(((shown > 0) & (shown < x[:, 1].max())).any())
    x[:, 2] = 7.0  # of a column that never moves no sample tells
    assert telling_first({"y": x[:, 2:]}, 9, 4) is None
    assert telling_first({"y": x}, 9, 9) is None
    assert telling_first({"a map": torch.zeros(9, 2, 2)}, 9, 4) is None
    assert telling_first({"of others": torch.zeros(5, 2)}, 9, 4) is None


def test_whether_all_samples_lie_first():
    assert lie_first(({"x": torch.zeros(3, 2)}, [torch.zeros(3)], "a word"), 3)
    assert not lie_first((torch.zeros(3, 2), torch.zeros(2, 3)), 3)
    assert not lie_first((torch.zeros(()),), 1)

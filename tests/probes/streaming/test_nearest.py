import pytest
import torch

from probes import Batch, Classes, Mislabelled, Moments, Nearest, NotDefinedError, Opening


def first(H, Y):
    moments, classes = Moments(H.shape[1], Y.shape[1]), Classes(H.shape[1], Y.shape[1])
    moments.update(H, Y)
    classes.update(H, Y)
    return {"moments": moments, "classes": classes}


def begun(H, Y):
    return Nearest.begin(Opening(H.shape[1], Y.shape[1], first=first(H, Y)))


def batch(H, predicted):
    return Batch(H, H[:, :0], predicted=predicted)


@pytest.mark.parametrize("sizes", [[700], [1] * 700, [0, 699, 1]], ids=["whole", "ones", "ragged"])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_is_the_count_by_hand(classes, sizes, offset):
    H, Y, _ = classes(noise=2.0)
    labels = Y.argmax(1)
    predicted = torch.randint(5, (700,), generator=torch.Generator().manual_seed(3))
    means = torch.stack([H[labels == k].mean(0) for k in range(5)])
    wanted = int((torch.cdist(H, means).argmin(1) != predicted).sum())
    nearest = begun(H + offset, Y)
    for h, p in zip((H - H.mean(0)).split(sizes), predicted.split(sizes), strict=True):
        nearest.update(batch(h, p))
    assert (nearest.count, nearest.disagreed) == (700, wanted)
    assert 0 < wanted < 700


def test_a_class_that_does_not_appear_is_never_the_nearest(classes):
    H, Y, _ = classes(K=4)
    Y = torch.cat([Y[:, :1], torch.zeros(700, 1), Y[:, 1:]], 1).double()
    nearest = begun(H, Y)
    assert nearest.present.tolist() == [0, 2, 3, 4]
    means = torch.stack([H[Y[:, k] == 1].mean(0) for k in (0, 2, 3, 4)]) - H.mean(0)
    nearest.update(batch(means, torch.tensor([0, 2, 3, 4])))
    assert nearest.disagreed == 0
    nearest.update(batch(torch.zeros(3, 24).double(), torch.tensor([1, 1, 1])))
    assert nearest.disagreed == 3


def test_merge_adds_what_is_about_the_same_means(classes):
    H, Y, _ = classes(noise=2.0)
    Hc, predicted = H - H.mean(0), torch.zeros(700).long()
    whole, a, b = begun(H, Y), begun(H, Y), begun(H, Y)
    for nearest, rows in ((whole, slice(700)), (a, slice(300)), (b, slice(300, 700))):
        nearest.update(batch(Hc[rows], predicted[rows]))
    a.merge(b)
    assert (a.count, a.disagreed) == (whole.count, whole.disagreed)
    for other in (begun(2 * H, Y), begun(H, Y.roll(1, 1)), begun(H[:, 1:], Y), begun(*classes(K=4)[:2])):
        with pytest.raises(ValueError, match="about different class means do not merge"):
            a.merge(other)


def test_without_what_it_rests_on_there_is_none(classes):
    H, Y, _ = classes()
    with pytest.raises(NotDefinedError, match="no statistic 'classes' was streamed in the first pass"):
        Nearest.begin(Opening(24, 5, first={"moments": first(H, Y)["moments"]}))
    with pytest.raises(ValueError, match="held against the classes that the network predicts: give them"):
        begun(H, Y).update(Batch(H, Y, Y.argmax(1)))


def test_mislabelled_is_the_count_against_the_samples_own_classes(classes):
    H, Y, _ = classes(noise=2.0)
    own = Y.argmax(1)
    means = torch.stack([H[own == k].mean(0) for k in range(5)])
    wanted = int((torch.cdist(H, means).argmin(1) != own).sum())
    whole, a, b = (Mislabelled.begin(Opening(24, 5, first=first(H, Y))) for _ in range(3))
    for found, rows in ((whole, slice(700)), (a, slice(300)), (b, slice(300, 700))):
        found.update(Batch((H - H.mean(0))[rows], Y[rows], classes=own[rows]))
    a.merge(b)
    assert (a.count, a.wrong) == (whole.count, whole.wrong) == (700, wanted)
    assert 0 < wanted < 700
    with pytest.raises(ValueError, match="different class means do not merge"):
        a.merge(Mislabelled.begin(Opening(24, 5, first=first(2 * H, Y))))
    with pytest.raises(ValueError, match="own classes: give them"):
        a.update(Batch(H, Y))

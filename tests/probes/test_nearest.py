import pytest
import torch

from probes import Classes, Moments, Nearest


def begun(H, Y):
    moments, classes, nearest = Moments(H.shape[1], Y.shape[1]), Classes(H.shape[1], Y.shape[1]), Nearest(24, 5)
    moments.update(H, Y)
    classes.update(H, Y)
    nearest.begin({"moments": moments, "classes": classes})
    return nearest


@pytest.mark.parametrize("sizes", [[700], [1] * 700, [0, 699, 1]], ids=["whole", "ones", "ragged"])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_is_the_count_by_hand(classes, sizes, offset):
    H, Y, _ = classes(noise=2.0)
    labels = Y.argmax(1)
    predicted = torch.randint(5, (700,), generator=torch.Generator().manual_seed(3))
    means = torch.stack([H[labels == k].mean(0) for k in range(5)])
    wanted = int((torch.cdist(H, means).argmin(1) != predicted).sum())
    nearest = begun(H + offset, Y)
    for h, y, p in zip((H - H.mean(0)).split(sizes), Y.split(sizes), predicted.split(sizes), strict=True):
        nearest.update(h, y, p.double())
    assert (nearest.count, nearest.disagreed) == (700, wanted)
    assert 0 < wanted < 700


def test_a_class_that_does_not_appear_is_never_the_nearest(classes):
    H, Y, _ = classes(K=4)
    Y = torch.cat([Y[:, :1], torch.zeros(700, 1), Y[:, 1:]], 1).double()
    nearest = begun(H, Y)
    assert nearest.present.tolist() == [0, 2, 3, 4]
    means = torch.stack([H[Y[:, k] == 1].mean(0) for k in (0, 2, 3, 4)]) - H.mean(0)
    nearest.update(means, Y[:4], torch.tensor([0, 2, 3, 4]))
    assert nearest.disagreed == 0
    nearest.update(torch.zeros(3, 24), Y[:3], torch.tensor([1, 1, 1]))
    assert nearest.disagreed == 3


def test_merge_adds_and_keeps_the_means(classes):
    H, Y, _ = classes(noise=2.0)
    Hc, predicted = H - H.mean(0), torch.zeros(700)
    whole, a, b = begun(H, Y), begun(H, Y), begun(H, Y)
    whole.update(Hc, Y, predicted)
    a.update(Hc[:300], Y[:300], predicted[:300])
    b.update(Hc[300:], Y[300:], predicted[300:])
    total = Nearest(24, 5)
    total.merge(a)
    total.merge(b)
    assert (total.count, total.disagreed) == (whole.count, whole.disagreed)
    assert torch.equal(total.means, whole.means)

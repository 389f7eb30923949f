import gc

import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.measuring.streaming.layerstream import MOST, BatchLabels, LayerRows, RowBuffer, gathered
from probes import Batch, Moments, Part, Pass, Probe

H = torch.randn(60, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.randn(60, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
LABELS, PREDICTED = torch.arange(60) % 3, torch.arange(60) % 4


def test_samples_stand_beside_the_rows_of_any_layer():
    batch = BatchLabels(Y[:20], LABELS[:20]).beside(H, 3)
    assert torch.equal(batch.Y[:4], Y[[0, 0, 0, 1]])
    assert batch.classes[:4].tolist() == [0, 0, 0, 1]
    assert batch.predicted is None
    alone = BatchLabels(Y, None, PREDICTED).beside(H, 1)
    assert alone.Y is Y
    assert alone.classes is None
    assert torch.equal(alone.predicted, PREDICTED)


@pytest.mark.parametrize("labels", [(None, None), (LABELS, None), (None, PREDICTED), (LABELS, PREDICTED)], ids=str)
def test_what_waits_is_taken_as_one_batch(labels):
    def batch(rows):
        return Batch(H[rows], Y[rows], *(given if given is None else given[rows] for given in labels))

    waiting = RowBuffer(batch(slice(1)), MOST)
    for first in range(2):  # what was taken leaves nothing behind
        for rows in (slice(first, 9), slice(9, 9), slice(9, 60)):
            assert waiting.takes(batch(rows))
            waiting.add(batch(rows))
        (found, _), wanted = waiting.taken(), batch(slice(first, 60))
        for name in ("H", "Y", "classes", "predicted"):
            a, b = getattr(found, name), getattr(wanted, name)
            assert (a is None) == (b is None)
            assert a is None or torch.equal(a, b), name
    assert waiting.filled == 0


def test_what_was_taken_stays_while_the_next_ones_wait():
    waiting = RowBuffer(LayerRows(H.float(), Y), 10)
    waiting.add(LayerRows(H[:10].float(), Y[:10]))
    first = waiting.taken()
    waiting.add(LayerRows(H[10:19].float(), Y[10:19]))
    second = waiting.taken()
    for (taken, memory), here in ((first, slice(10)), (second, slice(10, 19))):
        assert taken.H.dtype == torch.float64
        assert torch.equal(taken.H, H[here].float().double())
        assert torch.equal(memory[:-1], torch.cat([taken.H, taken.Y], 1))
    waiting.add(LayerRows(H[20:30], Y[20:30]))
    assert torch.equal(first[0].H, H[20:30])  # the same memory, anew


def test_very_wide_rows_lie_in_one_piece_of_memory():
    waiting = RowBuffer(LayerRows(torch.zeros(1, 10_000), torch.zeros(1, 2)), 256)
    waiting.add(LayerRows(torch.ones(3, 10_000), torch.ones(3, 2)))
    batch, memory = waiting.taken()
    assert memory is None
    assert waiting.other is None
    assert batch.H.data_ptr() == waiting.rows.data_ptr()


class Own:
    """A user's statistic, made of ours."""

    in_pass, needs = Pass.FIRST, Part.NONE

    def __init__(self, opening):
        self.held = Moments.begin(opening)

    @classmethod
    def begin(cls, opening):
        return cls(opening)

    def update(self, batch):
        self.held.update(batch)

    def merge(self, other):
        self.held.merge(other.held)


class Sub(Moments):
    """Another one."""


@pytest.mark.parametrize("kind", [Own, Sub, Moments])
def test_a_statistic_of_the_user_s_own_sees_the_features_as_they_are_and_ours_do(kind, seeded):
    seen = {}

    def means(moments, own):
        held = own.held if kind is Own else own
        seen[len(seen)] = (moments.mean.clone(), held.mean.clone())
        return 0.0

    probe = Probe("own.means", means, "Means", statistics={"own": kind})
    net = seeded(lambda: nn.Linear(5, 2))
    batches = [(H[i : i + 4] + 3, Y[i : i + 4]) for i in range(0, 60, 4)]
    deepnrc.probe(net, batches, probes=[probe, "deep.noise_fraction"], progress=False)
    for ours, own in seen.values():
        assert torch.allclose(ours[:5], (H + 3).mean(0), rtol=1e-12)
        assert torch.allclose(own, ours, rtol=1e-12)


def test_a_batch_of_which_more_or_less_is_known_does_not_wait_with_others():
    waiting = RowBuffer(Batch(H, Y), MOST)
    waiting.add(Batch(H, Y, LABELS))
    assert waiting.takes(Batch(H, Y, LABELS))
    assert not waiting.takes(Batch(H, Y))
    assert not waiting.takes(Batch(H, Y, LABELS, PREDICTED))
    waiting.taken()
    assert waiting.takes(Batch(H, Y, LABELS, PREDICTED))


def test_no_more_wait_than_there_is_room_for():
    waiting = RowBuffer(Batch(H, Y), MOST)
    for _ in range(MOST // 60):
        waiting.add(Batch(H, Y))
    assert waiting.takes(Batch(H[: MOST % 60], Y[: MOST % 60]))
    assert not waiting.takes(Batch(H[: MOST % 60 + 1], Y[: MOST % 60 + 1]))


def test_memory_does_not_grow_with_the_number_of_samples(seeded, probe):
    def alive():
        return sum(o.untyped_storage().nbytes() for o in gc.get_objects() if type(o) is torch.Tensor)

    def loader():
        for batch in range(960):
            if batch % 48 == 1:
                held.append(alive())
            yield torch.randn(8, 3, 16, 16, dtype=torch.float64), torch.randn(8, 2, dtype=torch.float64)

    held = []
    net = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(576, 2)))
    probe(net, loader(), pool="positions", probes="deep.noise")
    all_features = 960 * 8 * 8 * (3 * 16**2 + 4 * 14**2 + 576)
    gathered, moments = 8 * MOST * (3 + 4 + 576), 8 * (576 + 2) ** 2
    assert max(held) - held[0] < 2 * gathered + moments < all_features / 4
    assert max(held[8:]) - held[8] < gathered / 4


@pytest.mark.parametrize(
    ("width", "here", "there"), [(16, 2048, 4096), (512, 2048, 2048), (2048, 512, 512), (100_000, 256, 256)]
)
def test_more_rows_are_fed_at_once_the_narrower_they_are(width, here, there):
    assert gathered(torch.device("cpu"), width) == here
    assert gathered(torch.device("cuda"), width) == there

"""Streaming statistics of a user's own, written from outside the packages and brought along by their probes."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch

import deepnrc
from deepnrc import Batch, Classes, Moments, Opening, Part, Pass, Probe


class Peak:
    """First pass: the largest entry of the features."""

    in_pass = Pass.FIRST
    needs = Part.NONE

    def __init__(self, d: int) -> None:
        self.largest = torch.zeros(d, dtype=torch.float64)

    @classmethod
    def begin(cls, opening: Opening) -> Peak:
        return cls(opening.d)

    def update(self, batch: Batch) -> None:
        self.largest = torch.maximum(self.largest, batch.H.abs().amax(0)) if batch.N else self.largest

    def merge(self, other: Peak) -> None:
        self.largest = torch.maximum(self.largest, other.largest)


class Fourth:
    """Second pass, in which features arrive centred: the sum of their fourth powers, in units of the variance."""

    in_pass: ClassVar[Pass] = Pass.SECOND
    needs: ClassVar[Part] = Part.NONE

    def __init__(self, variance: torch.Tensor) -> None:
        self.variance = variance
        self.count, self.total = 0, 0.0

    @classmethod
    def begin(cls, opening: Opening) -> Fourth:
        return cls(opening.finished("moments", Moments).covariance.diagonal()[: opening.d])

    def update(self, batch: Batch) -> None:
        alive = self.variance > 0
        self.count += batch.N
        self.total += float((batch.H[:, alive] ** 4 / self.variance[alive] ** 2).sum())

    def merge(self, other: Fourth) -> None:
        self.count += other.count
        self.total += other.total


class Confusion:
    """First pass: how often each class (row) is taken for each (column)."""

    in_pass = Pass.FIRST
    needs = Part.CLASSES | Part.PREDICTED

    def __init__(self, K: int) -> None:
        self.counts = torch.zeros(K, K, dtype=torch.float64)

    @classmethod
    def begin(cls, opening: Opening) -> Confusion:
        return cls(opening.n)

    def update(self, batch: Batch) -> None:
        assert batch.classes is not None
        assert batch.predicted is not None
        for k, j in zip(batch.classes.tolist(), batch.predicted.tolist(), strict=True):
            self.counts[k, j] += 1

    def merge(self, other: Confusion) -> None:
        self.counts += other.counts


class Margin:
    """Second pass: how far samples lie from their own class mean, which an earlier statistic found."""

    in_pass = Pass.SECOND
    needs = Part.CLASSES

    def __init__(self, means: torch.Tensor) -> None:
        self.means, self.total = means, 0.0

    @classmethod
    def begin(cls, opening: Opening) -> Margin:
        mean = opening.finished("moments", Moments).mean[: opening.d]
        return cls(opening.finished("classes", Classes).means - mean)

    def update(self, batch: Batch) -> None:
        self.total += float(((batch.H - self.means[batch.classes]) ** 2).sum())

    def merge(self, other: Margin) -> None:
        self.total += other.total


def own(name, measure, **statistics):
    return Probe(f"mine.{name}", measure, name, bounds=(0, float("inf")), statistics=statistics)


PEAK = own("peak", lambda peak, mean_square: float(peak.largest.max()) / mean_square**0.5, peak=Peak)
FOURTH = own("fourth", lambda fourth: fourth.total / fourth.count, fourth=Fourth)
CONFUSION = own("confusion", lambda confusion: float(confusion.counts.diagonal().sum()), confusion=Confusion)
MARGIN = own("margin", lambda margin, N: margin.total / N, margin=Margin, classes=Classes)


def cut(X, Y, sizes):
    return list(zip(X.split(sizes), Y.split(sizes), strict=True))


SIZES = [[60], [1] * 60, [7, 0, 53], [59, 1]]


@pytest.mark.parametrize("sizes", SIZES, ids=["whole", "ones", "ragged", "rest"])
def test_in_one_pass_or_two_and_in_any_batches(data, mlp, probe, by_hand, row, sizes):
    X, Y = data()
    net = mlp()
    report = probe(net, cut(X, Y, sizes), probes=[PEAK, FOURTH, "deep.noise"])
    for layer, H in by_hand(net, [X], ["0", "2", "4"]).items():
        peak = float(H.abs().max() / (H**2).sum(1).mean().sqrt())
        assert row(report, layer, "mine.peak")["value"] == pytest.approx(peak, rel=1e-12)
        Hc = H - H.mean(0)
        fourth = float((Hc**4 / (Hc**2).mean(0) ** 2).nan_to_num().sum()) / 60
        assert row(report, layer, "mine.fourth")["value"] == pytest.approx(fourth, rel=1e-9)


@pytest.mark.parametrize("sizes", SIZES, ids=["whole", "ones", "ragged", "rest"])
def test_classes_and_predictions_in_any_batches(data, mlp, probe, by_hand, row, sizes):
    X, _ = data()
    classes = torch.arange(60) % 3
    net = mlp()
    report = probe(net, cut(X, classes, sizes), probes=[CONFUSION, MARGIN])
    right = int((net(X).argmax(1) == classes).sum())
    assert 0 < right < 60
    for layer, H in by_hand(net, [X], ["0", "2", "4"]).items():
        assert row(report, layer, "mine.confusion")["value"] == right
        means = torch.stack([H[classes == k].mean(0) for k in range(3)])
        spread = float(((H - means[classes]) ** 2).sum(1).mean())
        assert row(report, layer, "mine.margin")["value"] == pytest.approx(spread, rel=1e-9)


def test_where_what_it_needs_is_unknown_the_row_says_so(data, mlp, probe, row):
    for layers, Y, words in (
        ("weights", data()[1], "the targets are no classes"),
        (["0"], data(n=5)[1].argmax(1) % 3, None),
    ):
        report = probe(mlp(), (data()[0], Y), layers=layers, probes=[CONFUSION, MARGIN])
        for measure in ("mine.confusion", "mine.margin"):
            found = row(report, "0", measure)
            assert (found["status"], found["note"]) == (("not defined", words) if words else ("ok", ""))


def test_the_second_pass_says_that_it_was_not_made(data, mlp, watched, row):
    report = watched(mlp(), [data()], probes=[FOURTH, PEAK]).report()
    found = row(report, "4", "mine.fourth")
    assert (found["status"], found["note"]) == ("not defined", "needs a second pass over the data")
    assert row(report, "4", "mine.peak")["status"] == "ok"


def test_one_that_cannot_begin_says_why(data, mlp, probe, row):
    alone = own("alone", lambda margin: margin.total, margin=Margin)
    found = row(probe(mlp(), (data()[0], torch.arange(60) % 3), probes=[alone]), "4", "mine.alone")
    assert (found["status"], found["note"]) == ("not defined", "no statistic 'classes' was streamed in the first pass")


@pytest.mark.parametrize("kind", [Peak, Fourth, Confusion, Margin])
def test_the_whole_is_the_merge_of_any_split(data, kind):
    H, labels = data(n=1)[0], torch.arange(60) % 3
    Y = torch.nn.functional.one_hot(labels, 3).double()
    first = {"moments": Moments(6, 3), "classes": Classes(6, 3)}
    for statistic in first.values():
        statistic.update(H, Y)
    whole, a, b = (kind.begin(Opening(6, 3, first=first)) for _ in range(3))
    for statistic, rows in ((whole, slice(60)), (a, slice(7)), (b, slice(7, 60))):
        statistic.update(Batch(H[rows], Y[rows], labels[rows], H[rows, :3].argmax(1)))
    a.merge(b)
    for name, value in vars(whole).items():
        torch.testing.assert_close(getattr(a, name), value, rtol=1e-12, atol=0)


def test_a_tracker_and_an_attachment_take_it_too(data, mlp, row):
    tracker = deepnrc.Tracker(mlp(), data(), steps=1, probes=[PEAK])
    tracker(), tracker()
    assert tracker.report.table.groupby("step")["value"].first().nunique() == 1

"""Classifiers through the whole instrument, against features taken out by hand."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from deepnrc.errors import UsageError
from probes import CATALOG

NC = {"nc.1", "nc.2", "nc.3", "model.accuracy"}


@pytest.fixture
def labelled(data):
    """Inputs (N, 6), and classes 0 to K - 1 that depend on them."""

    def make(N=130, K=3, seed=0):
        X, Y = data(N, n=K, seed=seed)
        return X, Y.argmax(1)

    return make


def batched(X, y, sizes):
    return list(zip(X.split(sizes), y.split(sizes), strict=True))


def by_loop(H, y, classes):
    """Tr(S_W pinv(S_B))/K, and the class means (K, d), by a loop."""
    means = torch.stack([H[y == k].mean(0) for k in classes])
    within = sum((H[y == k] - means[i]).T @ (H[y == k] - means[i]) for i, k in enumerate(classes)) / len(H)
    between = torch.cov(means.T, correction=0)
    return float((within @ torch.linalg.pinv(between, rtol=1e-9)).trace()) / len(means), means


@pytest.mark.parametrize("form", ["whole numbers", "one-hot", "one-hot floats"])
@pytest.mark.parametrize("last", [1, 30])
def test_every_layer_is_what_is_read_by_hand(labelled, mlp, probe, by_hand, row, form, last):
    X, y = labelled(100 + last)
    net = mlp()
    given = {"whole numbers": y, "one-hot": one_hot(y, 3), "one-hot floats": one_hot(y, 3).float()}[form]
    report = probe(net, batched(X, given, [50, 50, last]))
    for name, H in by_hand(net, [X], ["0", "2", "4"]).items():
        nc1, means = by_loop(H, y, range(3))
        assert row(report, name, "nc.1")["value"] == pytest.approx(nc1, rel=1e-9)
        G = means @ means.T
        frame = float((G / G.norm() - torch.eye(3).double() / math.sqrt(3)).norm())
        assert row(report, name, "nc.2", "orthogonal frame")["value"] == pytest.approx(frame, rel=1e-9)
        assert row(report, name, "nc.3")["status"] == ("ok" if name == "4" else "not defined")
    predicted = net(X).argmax(1)
    assert row(report, "(network)", "model.accuracy")["value"] == float((predicted == y).double().mean())
    assert row(report, "(network)", "model.mse")["note"] == "against classes as one-hot targets"


def test_a_class_that_is_absent_from_a_batch_or_from_all_of_them(labelled, mlp, probe, by_hand, row):
    X, y = labelled(K=2)
    X = X[y.argsort()]
    y = y.sort().values
    net = mlp()
    report = probe(net, batched(X, y, [20, 100, 10]))
    for name, H in by_hand(net, [X], ["0", "2", "4"]).items():
        found = row(report, name, "nc.1")
        assert found["value"] == pytest.approx(by_loop(H, y, range(2))[0], rel=1e-9)
        assert (found["status"], found["note"]) == ("ok", "1 of 3 classes do not appear")


def test_the_second_pass_is_what_is_read_by_hand(labelled, mlp, probe, by_hand, row):
    X, y = labelled()
    net = mlp()
    report = probe(net, batched(X, y, [64, 65, 1]), probes=["nc.4", "nc.1"])
    predicted = net(X).argmax(1)
    for name, H in by_hand(net, [X], ["0", "2", "4"]).items():
        disagree = torch.cdist(H, by_loop(H, y, range(3))[1]).argmin(1) != predicted
        assert row(report, name, "nc.4")["value"] == float(disagree.double().mean())
        assert 0 < disagree.sum() < 130
    assert "nc.4" not in set(probe(net, (X, y)).table["measure"])


def test_a_second_pass_over_other_classes_is_refused(labelled, mlp, probe):
    X, y = labelled()
    passes = iter([[(X, y)], [(X, y.flip(0))]])

    class Changing:
        def __iter__(self):
            return iter(next(passes))

    with pytest.raises(UsageError, match="second pass saw other data than the first"):
        probe(mlp(), Changing(), probes="nc.4")


def test_a_user_who_owns_the_loop_makes_the_second_pass(labelled, mlp, probe, watched, row):
    X, y = labelled()
    net = mlp()
    attachment = watched(net, [(X, y)], probes="nc.4")
    found = row(attachment.report(), "4", "nc.4")
    assert (found["status"], found["note"]) == ("not defined", "needs a second pass over the data")
    with attachment, torch.no_grad():
        assert attachment.second_pass()
        net(X)
        attachment.observe(y)
    wanted = row(probe(net, (X, y), probes="nc.4"), "4", "nc.4")
    assert row(attachment.report(), "4", "nc.4")["value"] == wanted["value"]


def test_regression_has_classifier_rows_only_if_they_are_named(data, mlp, probe):
    assert not NC & set(probe(mlp(), data()).table["measure"])
    table = probe(mlp(), data(), probes=["nc.*", "model.accuracy"]).table
    assert set(table["measure"]) == {probe.name for probe in CATALOG if probe.classes}
    assert set(table["status"]) == {"not defined"}
    assert set(table["note"]) == {"the targets are no classes"}


def test_a_first_batch_that_looks_like_classes_does_not_make_them_so(data, mlp, probe, same):
    X, Y = data()
    Y[:1] = torch.tensor([0.0, 1.0, 0.0])
    report = probe(mlp(), batched(X, Y, [1, 59]))
    assert not NC & set(report.table["measure"])
    same(report, probe(mlp(), (X, Y)), rel=1e-9)


def test_an_output_that_does_not_name_a_class_leaves_what_reads_features(labelled, mlp, probe, row):
    class Wide(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return torch.cat([self.inner(x), x], 1)

    X, y = labelled()
    report = probe(Wide(mlp()), (X, one_hot(y, 3)), probes=["nc.*", "model.accuracy"])
    reason = "the output (130, 9) does not have the targets' shape (N, 3)"
    for layer, measure in (("inner.4", "nc.4"), ("(network)", "model.accuracy")):
        found = row(report, layer, measure)
        assert (found["status"], found["note"]) == ("not defined", reason)
    assert row(report, "inner.4", "nc.1")["status"] == "ok"


def test_regression_and_classifier_measures_stand_in_one_table(labelled, mlp, probe, row, truth, by_hand):
    X, y = labelled()
    net = mlp()
    report = probe(net, (X, y))
    assert {"deep.noise_fraction", "nrc.1", "nc.1", "model.mse"} <= set(report.table["measure"])
    for name, H in by_hand(net, [X], ["0", "2", "4"]).items():
        for measure, value in truth(H, one_hot(y, 3).double(), net.get_submodule(name).weight, k=2).items():
            assert row(report, name, measure)["value"] == pytest.approx(value, rel=1e-9), measure
        assert row(report, name, "nc.1")["rank"] == 2
    assert report.wide()["nc.1 (trace)"].notna().all()


def test_positions_are_samples_of_their_images_class(cnn, data, probe, by_hand, row):
    X, Y = data(40, (3, 8, 8))
    y = Y.argmax(1)
    net = cnn()
    report = probe(net, batched(X, y, [25, 15]), pool="positions", probes=["nc.1", "nc.4"])
    x = by_hand(net, [X], ["3"])["3"]
    H, labels = x.permute(0, 2, 3, 1).flatten(0, 2), y.repeat_interleave(64)
    nc1, means = by_loop(H, labels, range(3))
    assert row(report, "3", "nc.1")["value"] == pytest.approx(nc1, rel=1e-9)
    predicted = net(X).argmax(1).repeat_interleave(64)
    disagree = float((torch.cdist(H, means).argmin(1) != predicted).double().mean())
    assert row(report, "3", "nc.4")["value"] == disagree


def test_a_trained_classifier_collapses_towards_its_last_layer(seeded, probe, row):
    g = torch.Generator().manual_seed(0)
    centres = 2 * torch.randn(3, 6, generator=g, dtype=torch.float64)
    y = torch.arange(150) % 3
    X = centres[y] + 0.5 * torch.randn(150, 6, generator=g, dtype=torch.float64)
    net = seeded(lambda: nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 3)))
    before = probe(net, (X, y))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-3)
    for _ in range(500):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X), y).backward()
        optimizer.step()
    after = probe(net, (X, y), probes=["nc.*", "model.accuracy"])
    assert row(after, "(network)", "model.accuracy")["value"] == 1
    assert row(after, "4", "nc.4")["value"] == 0
    assert row(after, "4", "nc.1")["value"] < 0.5 * row(before, "4", "nc.1")["value"]
    assert row(after, "4", "nc.1")["value"] < row(after, "0", "nc.1")["value"]
    assert row(after, "4", "nc.3")["value"] < 0.3 < row(before, "4", "nc.3")["value"]

"""The classifier measures against loops over classes, their laws, and what is odd about classes."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from probes import CATALOG

SQRT_HALF = math.sqrt(0.5)
ROWS = [(p.name, p.variant) for p in CATALOG if p.name in ("nc.1", "nc.2", "nc.3", "nc.4")]


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def expected(H, labels, W, predicted):
    """Every classifier measure from the definitions, over the classes that appear, by numpy."""
    H, W = H.double().numpy(), W.double().numpy()
    labels, predicted = labels.numpy(), predicted.numpy()
    appear = np.unique(labels)
    K = len(appear)
    M = np.stack([H[labels == k].mean(0) for k in appear], 1)
    centred = M - M.mean(1, keepdims=True)
    within = sum(np.outer(h, h) for h in (H[i] - M[:, list(appear).index(k)] for i, k in enumerate(labels))) / len(H)
    between = centred @ centred.T / K
    values, vectors = np.linalg.eigh(between)
    kept = vectors[:, -(K - 1) :] / values[-(K - 1) :] @ vectors[:, -(K - 1) :].T
    simplex, frame = (np.eye(K) - 1 / K) / math.sqrt(K - 1), np.eye(K) / math.sqrt(K)
    unit = lambda A: A / np.linalg.norm(A)  # noqa: E731
    nearest = appear[((H[:, :, None] - M[None]) ** 2).sum(1).argmin(1)]
    return {
        ("nc.1", "default"): np.trace(within @ kept) / K,
        ("nc.1", "without 1/K"): np.trace(within @ kept),
        ("nc.1", "trace"): np.trace(within) / np.trace(between),
        ("nc.1", "total"): np.trace(within) / np.trace(within + between),
        ("nc.2", "default"): np.linalg.norm(unit(centred.T @ centred) - simplex),
        ("nc.2", "orthogonal frame"): np.linalg.norm(unit(M.T @ M) - frame),
        ("nc.3", "default"): np.linalg.norm(unit(W[appear] @ centred) - simplex),
        ("nc.3", "orthogonal frame"): np.linalg.norm(unit(W[appear] @ M) - frame),
        ("nc.4", "default"): (nearest != predicted).mean(),
    }


def assert_values(evaluate, snapshot, wanted, rel=1e-9):
    for (name, variant), number in wanted.items():
        found = evaluate(name, snapshot, variant).outcome
        if (name, variant) == ("nc.2", "default") and int(snapshot.statistics["classes"].present.sum()) == 2:
            assert (found.status, found.note) == ("not defined", "identically 0 for two classes")
            continue
        assert (found.status, found.value) == ("ok", pytest.approx(number, rel=rel, abs=0)), (name, variant)


@pytest.mark.parametrize(("d", "K"), [(24, 5), (24, 2), (4, 5), (150, 10)])
@pytest.mark.parametrize("batch", [700, 64, 1])
def test_every_measure_is_its_plain_computation(classes, snap, evaluate, d, K, batch):
    H, Y, W = classes(d=d, K=K, noise=2.0)
    predicted = torch.randint(K, (700,), generator=torch.Generator().manual_seed(1))
    wanted = expected(H, Y.argmax(1), W, predicted)
    assert set(wanted) == set(ROWS)
    assert_values(evaluate, snap(H, Y, W, batch=batch, predicted=predicted), wanted)


def test_pinv_agrees_with_numpys(classes, snap, value):
    H, Y, _ = classes()
    snapshot = snap(H, Y)
    M = np.stack([H[Y.argmax(1) == k].mean(0).numpy() for k in range(5)])
    between = np.cov(M.T, bias=True)
    wanted = np.trace(snapshot.S_W.numpy() @ np.linalg.pinv(between, rcond=1e-10)) / 5
    assert value("nc.1", snapshot) == pytest.approx(wanted, rel=1e-9)


# ---- laws


@pytest.mark.parametrize("change", ["rotation", "1e-8", "1e5", "order", "names"])
def test_invariances(classes, snap, value, change):
    H, Y, W = classes()
    predicted = torch.randint(5, (700,), generator=torch.Generator().manual_seed(1))
    before = snap(H, Y, W, predicted=predicted)
    Q = torch.linalg.qr(random(24, 24))[0] if change == "rotation" else torch.eye(24).double()
    scale = float(change) if change.startswith("1e") else 1.0
    order = random(700).argsort() if change == "order" else torch.arange(700)
    names = torch.tensor([3, 0, 4, 1, 2]) if change == "names" else torch.arange(5)
    # class k is called names[k] from here on
    renamed = Y[:, names.argsort()], W[names.argsort()], names[predicted]
    after = snap(scale * H[order] @ Q, renamed[0][order], renamed[1] @ Q, predicted=renamed[2][order])
    for name, variant in ROWS:
        assert value(name, after, variant) == pytest.approx(value(name, before, variant), rel=1e-8), (name, variant)


def test_a_shift_moves_only_the_forms_that_are_uncentred(classes, snap, value):
    H, Y, W = classes()
    before, after = snap(H, Y, W), snap(H + 5, Y, W)
    for name, variant in ROWS:
        moved = abs(value(name, after, variant) - value(name, before, variant)) > 1e-9
        assert moved == (variant == "orthogonal frame"), (name, variant)


def test_every_class_weighs_the_same_between_and_every_sample_within(classes, snap, value):
    H, Y, W = classes()
    twice = torch.cat([H, H[Y[:, 2] == 1]]), torch.cat([Y, Y[Y[:, 2] == 1]])
    before, after = snap(H, Y, W), snap(*twice, W)
    assert after.between.total == pytest.approx(before.between.total, rel=1e-12)
    assert value("nc.2", after) == pytest.approx(value("nc.2", before), rel=1e-9)
    assert value("nc.1", after) != pytest.approx(value("nc.1", before), rel=1e-6)


# ---- what is odd about classes


def test_a_class_that_does_not_appear_takes_no_part_and_is_named(classes, snap, evaluate):
    H, Y, W = classes(K=4, noise=2.0)
    labels = torch.tensor([0, 2, 3, 5])[Y.argmax(1)]
    W = torch.cat([W, random(2, 24)])
    predicted = torch.randint(6, (700,), generator=torch.Generator().manual_seed(1))
    snapshot = snap(H, one_hot(labels, 6).double(), W, predicted=predicted)
    wanted = expected(H, labels, W, predicted)
    assert_values(evaluate, snapshot, wanted)
    assert all(evaluate(n, snapshot, v).outcome.note == "2 of 6 classes do not appear" for n, v in ROWS)


def test_a_class_of_one_sample_is_its_own_mean(classes, snap, evaluate):
    H, _, W = classes(N=40)
    labels = torch.tensor([4] + [0, 1, 2, 3] * 9 + [0, 1, 2])
    snapshot = snap(H, one_hot(labels, 5).double(), W, batch=7, predicted=labels)
    assert_values(evaluate, snapshot, expected(H, labels, W, labels))


def test_nothing_varies_within_classes_of_one_sample_each(snap, outcome):
    snapshot = snap(random(5, 24), torch.eye(5).double(), random(5, 24, seed=1))
    for name, variant in ROWS:
        found = outcome(name, snapshot, variant)
        if name == "nc.1":
            assert (found.status, "no class has two samples" in found.note) == ("degenerate", True)
        else:
            assert found.status == "ok"


def test_a_single_class_is_degenerate(classes, snap, outcome):
    H, _, W = classes()
    snapshot = snap(H, one_hot(torch.full((700,), 2), 5).double(), W)
    for name, variant in ROWS:
        found = outcome(name, snapshot, variant)
        assert (found.status, math.isnan(found.value)) == ("degenerate", True)
        assert found.note == "1 of 5 classes appears: there is nothing between classes"


def test_targets_that_are_no_classes_have_no_classifier_measures(layer, snap, outcome):
    for name, variant in ROWS:
        found = outcome(name, snap(*layer(m=4)), variant)
        assert (found.status, found.note) == ("not defined", "the targets are no classes")


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e4 + 0.1])
@pytest.mark.parametrize("batch", [700, 64, 1])
def test_a_dead_layer_is_degenerate(classes, snap, outcome, constant, batch):
    H, Y, W = classes()
    snapshot = snap(torch.full_like(H, constant).float(), Y, W, batch=batch)
    for name, variant in ROWS:
        found = outcome(name, snapshot, variant)
        assert (found.status, "dead or constant layer" in found.note) == ("degenerate", True), (name, found)


def test_class_means_that_coincide_are_degenerate(snap, outcome):
    E = random(50, 24)
    H = torch.stack([E, E], 1).flatten(0, 1)
    snapshot = snap(H, one_hot(torch.arange(100) % 2, 2).double(), random(2, 24))
    for name, variant in ROWS:
        found = outcome(name, snapshot, variant)
        assert (found.status, "class means coincide" in found.note) == ("degenerate", True), (name, found)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_class_means_of_low_rank_have_no_inverse_but_have_traces(classes, snap, outcome, dtype):
    H, Y, _ = classes()
    basis = random(2, 24)
    flat = (H[:, :2] @ basis).to(dtype)
    for variant in ("default", "without 1/K"):
        found = outcome("nc.1", snap(flat, Y), variant)
        assert (found.status, found.note) == ("degenerate", "the 5 class means have numerical rank 2 < K - 1 = 4")
        found = outcome("nc.1", snap(flat[:, :3], Y), variant)
        assert (found.status, "K - 1 = 4 directions, and the width is d = 3" in found.note) == ("not defined", True)
    for variant in ("trace", "total"):
        assert outcome("nc.1", snap(flat, Y), variant).status == "ok"


def test_a_weight_without_an_output_a_class_has_no_nc3(classes, snap, outcome):
    H, Y, W = classes()
    for variant in ("default", "orthogonal frame"):
        found = outcome("nc.3", snap(H, Y, W[:3]), variant)
        assert (found.status, found.note) == ("not defined", "the layer has 3 outputs, and there are 5 classes")
        found = outcome("nc.3", snap(H, Y, 0 * W), variant)
        assert (found.status, found.note) == ("degenerate", "the weight is zero on the class means")
        assert outcome("nc.3", snap(H, Y), variant).note == "the layer has no weight matrix"


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_accuracy_is_what_the_network_got_right(classes, snap, outcome, share):
    found = outcome("model.accuracy", snap(*classes(), network_accuracy=share))
    assert (found.status, found.value) == ("ok", share)
    found = outcome("model.accuracy", snap(*classes(), mse_missing="the output was not seen"))
    assert (found.status, found.note) == ("not defined", "the output was not seen")


def test_features_that_are_not_finite_have_no_number(classes, snap, outcome):
    H, Y, W = classes()
    H[3, 2] = torch.nan
    for name, variant in ROWS:
        assert outcome(name, snap(H, Y, W), variant).status == "degenerate", (name, variant)


def test_deep_and_classifier_measures_stand_beside_each_other(classes, snap, outcome):
    H, Y, W = classes(noise=0.01)
    snapshot = snap(H, Y, W, network_mse=0.1, network_accuracy=1.0)
    assert snapshot.k == 4
    noise, within = outcome("deep.noise_fraction", snapshot), outcome("nc.1", snapshot, "total")
    # with tight classes the top K - 1 directions are those of the means, and the noise is what lies outside them
    assert 0 < noise.value <= within.value < 1e-3

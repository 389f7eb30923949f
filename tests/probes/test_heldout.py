import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from probes import CATALOG, Batch, HeldOut, Mislabelled, Moments, Opening, Probe, Snapshot
from probes.heldout import QUANTITIES
from probes.outcome import DegenerateError, NotDefinedError

HELD = [probe for probe in CATALOG if probe.held_out is not None]
APART = "deep.direction_r2_gap"  # plain it is adjusted, which held-out R2 needs not be
REGRESSION = [probe for probe in HELD if not probe.classes and probe.name != APART and probe.direction <= 4]
CLASSES = [probe for probe in HELD if probe.classes]


def labelled(snapshot, H, Y, classes):
    """The snapshot with the count of samples whose nearest mean of ``classes`` is another class's."""
    wrong = Mislabelled.begin(Opening(H.shape[1], Y.shape[1], first=classes))
    first = classes["moments"].mean[: H.shape[1]]
    wrong.update(Batch(H.double() - first, Y.double(), Y.argmax(1)))
    return {**snapshot.statistics, "mislabelled": wrong}


def residuals(F, Y):
    """Moments of the rows [f(x) - y, y]."""
    found = Moments(Y.shape[1], Y.shape[1])
    found.update(F - Y, Y)
    return found


@pytest.mark.parametrize("probe", REGRESSION, ids=lambda p: p.label)
def test_of_the_same_samples_it_is_the_plain_value(layer, snap, probe):
    H, Y, W = layer(n=4, m=4)
    told = {"network_mse": 0.3, "network_outputs": residuals(0.8 * Y + 0.1, Y)}
    snapshot = snap(H, Y, W, **told)
    plain, held = probe.evaluate(snapshot), probe.evaluate_held(HeldOut(snapshot, snap(H, Y, W, **told)))
    assert plain.outcome.status == held.outcome.status == "ok"
    assert held.outcome.value == pytest.approx(plain.outcome.value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("probe", CLASSES, ids=lambda p: p.label)
def test_of_the_same_samples_it_is_the_plain_value_for_classes(classes, snap, probe):
    H, Y, W = classes()
    snapshot = snap(H, Y, W, network_accuracy=0.9)
    plain, held = probe.evaluate(snapshot), probe.evaluate_held(HeldOut(snapshot, snapshot))
    assert plain.outcome.status == held.outcome.status == "ok"
    assert held.outcome.value == pytest.approx(plain.outcome.value, rel=1e-12, abs=1e-12)


def value(name, held, variant="default"):
    found = next(p for p in CATALOG if (p.name, p.variant) == (name, variant)).evaluate_held(held).outcome
    assert found.status == "ok", found
    return found.value


def test_regression_measures_are_those_of_raw_matrices(layer, snap):
    H, Y, W = layer(N=900, n=3, m=3)
    (A, B), (a, b) = ((M[:600].numpy(), M[600:].numpy() * 1.3 + 0.4) for M in (H, Y))
    held = HeldOut(snap(H[:600], Y[:600], W), snap(torch.tensor(B), torch.tensor(b), W, network_mse=2.0))
    Ac, Bc, ac, bc = A - A.mean(0), B - A.mean(0), a - a.mean(0), b - a.mean(0)
    V = np.linalg.svd(Ac, full_matrices=False)[2][:3].T
    outside = ((Bc - Bc @ V @ V.T) ** 2).sum() / 300
    assert value("deep.noise", held) == pytest.approx(outside, rel=1e-9)
    assert value("deep.noise_fraction", held) == pytest.approx(outside / ((Bc**2).sum() / 300), rel=1e-9)
    mse = ((bc - Bc @ np.linalg.lstsq(Ac, ac, rcond=None)[0]) ** 2).mean()
    assert value("deep.linear_mse", held) == pytest.approx(mse, rel=1e-9)
    assert value("deep.linear_mse", held, "ratio") == pytest.approx(mse / 2.0, rel=1e-9)
    assert value("deep.linear_r2", held) == pytest.approx(1 - mse / (bc**2).mean(), rel=1e-9)
    u = B / np.linalg.norm(B, axis=1, keepdims=True)
    assert value("nrc.1", held) == pytest.approx(((u - u @ V @ V.T) ** 2).sum(1).mean(), rel=1e-9)
    Q = np.linalg.svd(W.numpy(), full_matrices=False)[2].T
    assert value("nrc.2", held) == pytest.approx(((u - u @ Q @ Q.T) ** 2).sum(1).mean(), rel=1e-9)
    assert value("model.mse", held) == 2.0


def test_features_in_units_far_apart_keep_their_map(layer, snap):
    H, Y, _ = layer(N=900, n=3)
    H = H * torch.logspace(-3, 3, H.shape[1]).double()
    held = HeldOut(snap(H[:600], Y[:600]), snap(H[600:], Y[600:]))
    h, y = H.numpy() / H.numpy().std(0), Y.numpy()
    design = np.c_[h[:600], np.ones(600)]
    mse = ((y[600:] - np.c_[h[600:], np.ones(300)] @ np.linalg.lstsq(design, y[:600], rcond=None)[0]) ** 2).mean()
    assert value("deep.linear_mse", held) == pytest.approx(mse, rel=1e-8)


def test_a_map_of_noise_is_worse_than_the_mean_on_others(snap):
    g = torch.Generator().manual_seed(0)
    H, Y = torch.randn(400, 100, generator=g).double(), torch.randn(400, 2, generator=g).double()
    held = HeldOut(snap(H[:200], Y[:200]), snap(H[200:], Y[200:]))
    assert value("deep.linear_r2", held) < 0


def test_class_measures_are_those_of_raw_matrices(classes, snap):
    H, Y, W = classes(N=900, K=4, noise=1.5)
    fitted, other = snap(H[:600], Y[:600], W), snap(H[600:], Y[600:], W, network_accuracy=0.5)
    other.statistics = labelled(other, H[600:], Y[600:], fitted.statistics)
    held = HeldOut(fitted, other)
    A, label, B, own = H[:600].numpy(), Y[:600].argmax(1).numpy(), H[600:].numpy(), Y[600:].argmax(1).numpy()
    means = np.stack([A[label == c].mean(0) for c in range(4)])
    S_W = (B - means[own]).T @ (B - means[own]) / 300
    spread = means - means.mean(0)
    S_B = spread.T @ spread / 4
    assert value("nc.1", held) == pytest.approx(np.trace(S_W @ np.linalg.pinv(S_B, rcond=1e-10)) / 4, rel=1e-8)
    assert value("nc.1", held, "trace") == pytest.approx(np.trace(S_W) / np.trace(S_B), rel=1e-9)
    nearest = ((B[:, None] - means) ** 2).sum(2).argmin(1)
    assert 0 < value("nc.ncc_error", held) == pytest.approx((nearest != own).mean(), abs=1e-15)
    assert value("model.accuracy", held) == 0.5


def test_a_class_that_was_not_trained_on_is_told(classes, snap):
    H, Y, W = classes(N=200, K=3)
    known = Y[:, 2] == 0
    held = HeldOut(snap(H[known], Y[known], W), snap(H, Y, W))
    found = next(p for p in CATALOG if p.name == "nc.1").evaluate_held(held).outcome
    assert (found.status, found.note) == ("not defined", "class 2 appears in the held-out samples alone")


def test_held_out_samples_that_are_the_training_mean_are_degenerate(layer, snap):
    H, Y, W = layer(N=200)
    still = H.mean(0).expand(50, -1)
    held = HeldOut(snap(H, Y, W), snap(still, Y[:50], W))
    held.held_second = replace(held.held_second, features=torch.zeros(24, 24).double())
    found = next(p for p in CATALOG if p.name == "deep.noise_fraction").evaluate_held(held).outcome
    assert (found.status, math.isnan(found.value)) == ("degenerate", True)
    assert "training mean" in found.note


def test_reads_both_sides_and_those_of_ones_own(layer, snap):
    H, Y, W = layer(N=300)
    held = HeldOut(snap(H[:100], Y[:100], W), snap(H[100:], Y[100:], W))
    mine = Probe("mine", lambda N: N, "Mine", held_out=lambda N, held_N: held_N / N)
    assert mine.evaluate_held(held).outcome.value == 2.0
    assert mine.held_reads == ("N", "held_N")
    assert (mine.held_variant, Probe("b", max, "B", variant="c").held_variant) == ("held out", "held out, c")
    with pytest.raises(ValueError, match="no held-out form"):
        Probe("plain", lambda N: N, "Plain").evaluate_held(held)
    with pytest.raises(NotDefinedError, match="no quantity is called 'nonsense'"):
        held.read("held_nonsense")


def test_what_a_held_out_form_raises_is_told_as_any_measures(layer, snap):
    H, Y, W = layer(N=300)
    held = HeldOut(snap(H, Y, W), snap(H, Y, W))

    def degenerate(N):
        raise DegenerateError("nothing there")

    found = Probe("mine", lambda N: N, "Mine", held_out=degenerate).evaluate_held(held).outcome
    assert (found.status, found.note) == ("degenerate", "nothing there")
    with pytest.raises(RuntimeError, match="'mine' failed: ZeroDivisionError"):
        Probe("mine", lambda N: N, "Mine", held_out=lambda N: 1 / (N - N)).evaluate_held(held)


def test_every_name_that_the_catalog_reads_is_there():
    for probe in HELD:
        for name in probe.held_reads:
            own = name.removeprefix("held_")
            known = hasattr(Snapshot, own) or own in probe.statistics or own in Snapshot.__dataclass_fields__
            assert name in QUANTITIES or known, name

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from probes import CATALOG, Batch, HeldOut, Moments
from probes.measures import prediction


def outputs(F, Y, batch=100):
    found = Moments(Y.shape[1], Y.shape[1])
    for f, y in zip(F.split(batch), Y.split(batch), strict=True):
        found.update(f - y, y)
    return found


def rows(snap, H, Y, F, **rest):
    return snap(H, Y, network_outputs=outputs(F, Y), **rest)


def directions(Y):
    return np.linalg.svd(Y - Y.mean(0))[2].T


def test_r2_along_each_direction_is_scikit_learns(layer, snap, value):
    H, Y, _ = layer()
    F = Y + 0.3 * torch.randn(700, 4, generator=torch.Generator().manual_seed(1)).double() + 0.1
    snapshot = rows(snap, H, Y, F)
    h, y, f, U = H.numpy(), Y.numpy(), F.numpy(), directions(Y.numpy())
    fitted = LinearRegression().fit(h, y).predict(h)
    layers, network = (r2_score(y @ U, p @ U, multioutput="raw_values") for p in (fitted, f))
    for i in range(4):
        plain = value(f"deep.direction_r2_{i + 1}", snapshot)
        assert plain == pytest.approx(layers[i], rel=1e-9)
        adjusted = 1 - (1 - layers[i]) * 699 / (699 - 24)
        assert value(f"deep.direction_r2_{i + 1}", snapshot, "adjusted") == pytest.approx(adjusted, rel=1e-9)
        assert value(f"model.direction_r2_{i + 1}", snapshot) == pytest.approx(network[i], rel=1e-9)
    gaps = network - (1 - (1 - layers) * 699 / (699 - 24))
    assert value("deep.direction_r2_gap", snapshot) == pytest.approx(gaps.max(), rel=1e-9)
    assert value("model.direction_r2_smallest", snapshot) == pytest.approx(network.min(), rel=1e-9)


@pytest.mark.parametrize("dropped", [0, 1, 3])
def test_a_dropped_direction_shows(layer, snap, outcome, dropped):
    H, Y, _ = layer()
    U = torch.from_numpy(directions(Y.numpy()).copy())
    mean = Y.mean(0)
    scores = (Y - mean) @ U
    scores[:, dropped] = 0
    snapshot = rows(snap, H, Y, scores @ U.T + mean)
    for i in range(4):
        found = outcome(f"model.direction_r2_{i + 1}", snapshot)
        assert found.value == pytest.approx(float(i != dropped), abs=1e-12)
    found = outcome("model.direction_r2_smallest", snapshot)
    assert (found.value, found.note) == (pytest.approx(0, abs=1e-12), f"along direction {dropped + 1} of 4")


@pytest.mark.parametrize("scale", [1e-3, 1.0, 40.0])
def test_logits_count_up_to_an_affine_map(classes, snap, value, scale):
    H, Y, _ = classes(K=4)
    logits = scale * (Y @ torch.randn(4, 4, generator=torch.Generator().manual_seed(0)).double()) + 7
    snapshot = rows(snap, H, Y, logits, one_hot=True)
    assert snapshot.target_rank == 3
    for i in range(1, 4):
        assert value(f"model.direction_r2_{i}", snapshot) == pytest.approx(1, abs=1e-6)
    assert value("model.direction_r2_1", rows(snap, H, Y, 5 * Y, one_hot=False)) < 0


def held(snap, parts, **rest):
    """The values, by name, of the held-out forms: fitted to the first of the parts (H, Y, F), read on the second."""
    fitted, other = (rows(snap, H, Y, F, **rest) for H, Y, F in parts)
    both = HeldOut(fitted, other)
    return {p.name: p.evaluate_held(both).outcome.value for p in CATALOG if "r2_" in p.name and p.held_out is not None}


def test_held_out_r2_along_each_training_direction_is_that_of_raw_matrices(layer, snap):
    H, Y, _ = layer(N=900)
    F = 0.9 * Y + 0.3 * torch.randn(900, 4, generator=torch.Generator().manual_seed(1)).double() + 0.1
    found = held(snap, [(M[:600] for M in (H, Y, F)), (M[600:] for M in (H, Y, F))])
    (h, g), (y, z), f = (H[:600].numpy(), H[600:].numpy()), (Y[:600].numpy(), Y[600:].numpy()), F[600:].numpy()
    U, about = directions(y), ((z - y.mean(0)) @ directions(y)) ** 2
    predicted = LinearRegression().fit(h, y).predict(g)
    layers, network = (1 - (((z - p) @ U) ** 2).mean(0) / about.mean(0) for p in (predicted, f))
    for i in range(4):
        assert found[f"deep.direction_r2_{i + 1}"] == pytest.approx(layers[i], rel=1e-9)
        assert found[f"model.direction_r2_{i + 1}"] == pytest.approx(network[i], rel=1e-9)
    assert found["deep.direction_r2_gap"] == pytest.approx((network - layers).max(), rel=1e-9)
    assert found["model.direction_r2_smallest"] == pytest.approx(network.min(), rel=1e-9)


def test_held_out_logits_go_through_the_training_fit(classes, snap):
    H, Y, _ = classes(K=4, N=900)
    F = 40 * Y @ torch.randn(4, 4, generator=torch.Generator().manual_seed(0)).double() + 7 + H[:, :4]
    found = held(snap, [(M[:600] for M in (H, Y, F)), (M[600:] for M in (H, Y, F))], one_hot=True)
    y, z = Y[:600].numpy(), Y[600:].numpy()
    fitted = LinearRegression().fit(F[:600].numpy(), y).predict(F[600:].numpy())
    U = directions(y)
    expected = 1 - (((z - fitted) @ U) ** 2).mean(0) / (((z - y.mean(0)) @ U) ** 2).mean(0)
    for i in range(3):
        assert found[f"model.direction_r2_{i + 1}"] == pytest.approx(expected[i], rel=1e-6)


def test_held_out_targets_at_their_training_mean_are_degenerate(layer, snap):
    H, Y, _ = layer(n=2)
    still = Y.mean(0).expand(50, -1)
    both = HeldOut(rows(snap, H, Y, Y), rows(snap, H[:50], still, still))
    both.held_second = replace(both.held_second, targets=torch.zeros(2, 2).double())
    found = next(p for p in CATALOG if p.name == "deep.direction_r2_gap").evaluate_held(both).outcome
    assert (found.status, "do not vary" in found.note) == ("degenerate", True)


def test_what_there_is_not_is_said(layer, snap, outcome):
    H, Y, _ = layer(n=2)
    assert outcome("deep.direction_r2_3", snap(H, Y)).note == "the targets have only 2 directions"
    missing = snap(H, Y, mse_missing="the network returned a dict")
    for name in ("model.direction_r2_1", "model.direction_r2_smallest", "deep.direction_r2_gap"):
        assert outcome(name, missing).note == "the network returned a dict"
    few = snap(*layer(N=20, n=2)[:2])
    assert outcome("deep.direction_r2_1", few).status == "degenerate"
    assert outcome("deep.direction_r2_1", few, "adjusted").status == "degenerate"


def test_adjusted_r2_of_noise_is_0_along_each_direction(snap, value):
    g = torch.Generator().manual_seed(0)
    found = torch.tensor([
        [value(f"deep.direction_r2_{i}", s, "adjusted") for i in (1, 2)]
        for s in (snap(torch.randn(80, 30, generator=g), torch.randn(80, 2, generator=g)) for _ in range(60))
    ])  # fmt: skip
    assert bool((found.mean(0).abs() < 4 * found.std(0) / 60**0.5).all())


@pytest.mark.parametrize("spread", [(1.0, 1.0, 1.0), (3.0, 1.0, 0.1)])
def test_whiteness_of_the_residuals(snap, layer, value, spread):
    H, Y, _ = layer(n=3)
    g = torch.Generator().manual_seed(2)
    E = torch.linalg.qr(torch.cat([torch.ones(700, 1), torch.randn(700, 3, generator=g)], 1).double())[0][:, 1:]
    F = Y + E * torch.tensor(spread) + 2.0
    found = value("model.residual_whiteness", rows(snap, H, Y, F))
    assert found == pytest.approx((min(spread) / max(spread)) ** 2, rel=1e-6)
    assert prediction.residual_values(outputs(F, Y)).shape == (3,)


def test_whiteness_of_nothing_and_of_one(snap, layer, outcome):
    H, Y, _ = layer(n=2)
    assert outcome("model.residual_whiteness", rows(snap, H, Y, Y)).status == "degenerate"
    H, Y, _ = layer(n=1)
    assert outcome("model.residual_whiteness", rows(snap, H, Y, Y + 1)).status == "not defined"


def test_rows_by_direction_name_theirs():
    named = {p.name: p.direction for p in CATALOG if "direction_r2_" in p.name and p.name[-1].isdigit()}
    assert all(int(name.rpartition("_")[2]) == i for name, i in named.items())
    assert len(named) == 20


@pytest.mark.parametrize("size", [1e-7, 1e-4, 1.0, 1e4])
@pytest.mark.parametrize("rank", [1, 2])
def test_r2_of_logits_of_low_rank_is_that_of_their_directions_whatever_their_size(size, rank):
    g = torch.Generator().manual_seed(0)
    Y = torch.eye(4)[torch.arange(40) % 4].double()
    latent = torch.randn(40, rank, generator=g, dtype=torch.float64) + Y[:, :rank]
    F = size * (latent @ torch.randn(rank, 4, generator=g, dtype=torch.float64) + 0.3)
    moments = Moments(4, 4)
    for f, y in zip(F.split(7), Y.split(7), strict=True):
        moments.update(Batch(f - y, y, y.argmax(1)))
    fit = prediction.class_fit(moments)
    fitted = torch.from_numpy(LinearRegression().fit(latent.numpy(), Y.numpy()).predict(latent.numpy()))
    assert fit.used == rank
    assert fit.mse == pytest.approx(float((fitted - Y).square().mean()), rel={1e-7: 1e-3}.get(size, 1e-9))

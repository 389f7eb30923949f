"""What a sketch tells, beside the exact values."""

import pytest
import torch

from probes import CATALOG, Moments, Snapshot, of_sketch
from probes.measures.sketched import ODDS

D, N, K, S = 150, 200, 2, 40
FORMS = {(p.name, p.variant): (p, of_sketch(p)) for p in CATALOG if of_sketch(p) is not None}


def snapshots(seed, noise):
    """A layer of K strong directions and a falling rest, known whole and by its sketch."""
    g = torch.Generator().manual_seed(seed)
    Y = torch.randn(N, K, generator=g, dtype=torch.float64)
    A = torch.linalg.qr(torch.randn(D, K, generator=g, dtype=torch.float64)).Q.T
    H = Y @ A + noise * torch.randn(N, D, generator=g, dtype=torch.float64) * torch.linspace(1, 0, D)
    W = A + 0.02 * torch.randn(K, D, generator=g, dtype=torch.float64)
    found = []
    for sketch in (None, S):
        moments = Moments(D, K, sketch=sketch)
        moments.update(H, Y)
        found.append(Snapshot({"moments": moments}, weight_matrix=W))
    return found


def pair(name, seed, noise):
    probe, form = FORMS[name, "default"]
    exact, seen = snapshots(seed, noise)
    return probe.evaluate(exact).outcome, form.evaluate(seen).outcome, seen


@pytest.mark.parametrize("noise", [1e-3, 0.03, 1.0])
@pytest.mark.parametrize("name", ["deep.noise", "deep.noise_fraction"])
def test_noise_is_read_from_above_and_within_the_bound_of_its_mean(name, noise):
    ratios = []
    for seed in range(8):
        exact, seen, _ = pair(name, seed, noise)
        assert exact.value <= seen.value * (1 + 1e-9)
        assert seen.value <= exact.value * (1 + ODDS * K / (S - K - 1))
        ratios.append(seen.value / exact.value - 1)
    assert sum(ratios) / len(ratios) <= K / (S - K - 1)


@pytest.mark.parametrize("seed", range(3))
def test_the_note_holds_the_exact_value(seed):
    exact, seen, _ = pair("deep.noise_fraction", seed, 0.03)
    assert float(seen.note.split("not below ")[1].split()[0]) <= exact.value
    assert seen.note.startswith(f"read through a random sketch, {S} of {D} directions")
    rank, told, _ = pair("deep.feature_stable_rank", seed, 0.03)
    assert float(told.note.split("not below ")[1].split()[0]) <= rank.value <= told.value * (1 + 1e-9)
    align, seen, layer = pair("deep.feature_weight_alignment", seed, 0.01)
    off, values = float(seen.note.split("at most ")[1].split()[0]), layer.features.values
    assert abs(align.value - seen.value) <= off
    assert off == pytest.approx(2**0.5 * layer.sketched.rest / float(values[K - 1] - values[K]), rel=0.01)


def test_a_fraction_is_of_the_exact_trace():
    _, fraction, seen = pair("deep.noise_fraction", 0, 1.0)
    _, absolute, _ = pair("deep.noise", 0, 1.0)
    assert absolute.value / fraction.value == pytest.approx(float(snapshots(0, 1.0)[0].covariance.trace()), rel=1e-9)
    assert float((seen.covariance.X**2).sum()) < 0.9 * float(seen.covariance.trace())


def test_what_the_sketch_leaves_open_is_degenerate():
    assert pair("deep.feature_weight_alignment", 0, 1.0)[1].status == "degenerate"
    assert pair("deep.feature_stable_rank", 0, 1.0)[1].status == "degenerate"


def test_features_without_noise_are_below_the_floor():
    assert pair("deep.noise_fraction", 0, 0.0)[1].status == "below floor"


def test_a_rank_that_fills_the_sketch_is_not_told():
    _, seen = snapshots(0, 0.03)
    seen.rank = S
    for _, form in FORMS.values():
        if form.name != "deep.feature_stable_rank":
            assert form.evaluate(seen).outcome.status == "not defined"


def test_chance_levels_and_exact_layers_are_left_out():
    exact, seen = snapshots(0, 0.03)
    for _, form in FORMS.values():
        assert form.evaluate(seen).chance is None
        assert form.evaluate(exact).outcome.status == "not defined"

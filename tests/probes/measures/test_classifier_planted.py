"""The classifier measures of planted frames, of closed forms, and at the floor of rounding."""

import math

import pytest
import torch
from torch.nn.functional import one_hot

from probes import CATALOG
from probes.ufm import ClassMinimum

NC1 = [(p.name, p.variant) for p in CATALOG if p.name == "nc.1"]


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def planted(form, noise, K=4, d=20, each=50, seed=0):
    """Features on a simplex ETF (of norm 1) or an orthogonal frame, turned, with noise of exactly ``noise`` squared in
    each direction within each class; labels in turn."""
    Q = torch.linalg.qr(random(d, d, seed=seed))[0]
    points = torch.eye(K).double() - (1 / K if form == "simplex" else 0.0)
    M = points / points[0].norm() @ Q[:K]
    parts = []
    for k in range(K):
        E = random(each, d, seed=seed + 1 + k)
        parts.append(M[k] + noise * math.sqrt(each) * torch.linalg.qr(E - E.mean(0))[0])
    H = torch.stack(parts, 1).flatten(0, 1)
    return H, one_hot(torch.arange(each * K) % K, K).double(), M


@pytest.mark.parametrize(("noise", "dtype"), [(1e-1, torch.float64), (1e-6, torch.float64), (1e-5, torch.float32)])
@pytest.mark.parametrize("K", [2, 4, 10])
def test_a_noisy_simplex_has_the_closed_form(snap, value, outcome, noise, dtype, K):
    H, Y, M = planted("simplex", noise, K)
    snapshot = snap(H.to(dtype), Y, M)
    # S_W = noise^2 I, and S_B has K - 1 eigenvalues 1/(K - 1), of trace 1
    wanted = {"default": (K - 1) ** 2 / K, "without 1/K": (K - 1) ** 2, "trace": 20.0}
    for variant, factor in wanted.items():
        assert outcome("nc.1", snapshot, variant).status == "ok"
        assert value("nc.1", snapshot, variant) == pytest.approx(factor * noise**2, rel=1e-3, abs=0)
    assert value("nc.1", snapshot, "total") == pytest.approx(20 * noise**2 / (1 + 20 * noise**2), rel=1e-3, abs=0)
    for name in ("nc.2", "nc.3", "nc.4")[K == 2 :]:
        assert value(name, snapshot) == pytest.approx(0, abs=2e-7 if dtype == torch.float32 else 1e-14)


@pytest.mark.parametrize("K", [2, 4, 10])
def test_an_orthogonal_frame_is_one_and_its_centred_means_are_a_simplex(snap, value, K):
    H, Y, M = planted("frame", 1e-2, K)
    for variant in ("default", "orthogonal frame")[K == 2 :]:
        assert value("nc.2", snap(H, Y, M), variant) == pytest.approx(0, abs=1e-13)
    assert value("nc.3", snap(H, Y, M), "orthogonal frame") == pytest.approx(0, abs=1e-13)
    # a simplex is no orthogonal frame: <I/sqrt K, (I - 11'/K)/sqrt(K-1)> = sqrt((K-1)/K)
    simplex = planted("simplex", 1e-2, K)[0]
    wanted = math.sqrt(2 - 2 * math.sqrt((K - 1) / K))
    assert value("nc.2", snap(simplex, Y, M), "orthogonal frame") == pytest.approx(wanted, rel=1e-12)


def test_a_weight_that_is_the_dual_of_the_means_has_nc3_of_0_and_its_negative_2(snap, value):
    H, Y, M = planted("simplex", 0.1)
    assert value("nc.3", snap(H, Y, 7 * M)) == pytest.approx(0, abs=1e-13)
    assert value("nc.3", snap(H, Y, -M)) == pytest.approx(2, rel=1e-12)
    assert value("nc.3", snap(H, Y, M.roll(1, 0))) > 0.5


MINIMA = {
    "one level": (ClassMinimum(4, 50, 0.005, (0.005,)), "orthogonal frame"),
    "a free bias": (ClassMinimum(4, 50, 0.005, (0.005,), bias=0.0), "default"),
    "a penalised bias": (ClassMinimum(4, 50, 0.001, (0.02,), bias=1.0), None),
    "two levels": (ClassMinimum(5, 20, 0.001, (0.0025, 0.005)), "orthogonal frame"),
    "three levels": (ClassMinimum(3, 20, 0.002, (0.003, 0.001, 0.002), bias=0.0), "default"),
}


@pytest.mark.parametrize("case", MINIMA)
def test_the_minimum_of_the_unconstrained_feature_model_is_collapsed_at_every_level(snap, value, outcome, case):
    minimum, form = MINIMA[case]
    entering, weights, _ = minimum.at(12)
    Y = torch.eye(minimum.K).double().repeat_interleave(minimum.n, 0)
    for level, W in enumerate(weights, 1):
        snapshot = snap(entering, Y, W)
        assert outcome("nc.1", snapshot, "total").status == "below floor"
        assert value("nc.2", snapshot, "orthogonal frame") == pytest.approx(minimum.frame_error(level), abs=1e-12)
        assert value("nc.4", snapshot) == 0
        if form == "default":
            assert value("nc.2", snapshot) == pytest.approx(0, abs=1e-12)
        entering = entering @ W.T
    for variant in ("default", "orthogonal frame"):
        if form in ("orthogonal frame", variant):
            assert value("nc.3", snapshot, variant) == pytest.approx(0, abs=1e-12)
        else:
            assert (value("nc.3", snapshot, variant) < 1e-12) == (variant == "default")


def test_variance_within_of_1e_10_of_a_float32_signal_reads_right_behind_an_offset_of_its_size(snap, outcome):
    H, Y, _ = planted("simplex", 1e-5 / math.sqrt(20))
    found = outcome("nc.1", snap((H + 0.1).float(), Y), "trace")
    assert (found.status, found.value) == ("ok", pytest.approx(1e-10, rel=0.03, abs=0))


@pytest.mark.parametrize("offset", [0.0, 3.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_what_rounding_makes_is_marked_below_floor(snap, evaluate, dtype, offset):
    g = torch.Generator().manual_seed(0)
    H, Y, M = planted("simplex", 0.0)
    # a shift of each sample that rounding to ``dtype`` takes back or leaves
    H = H + offset
    noisy = H * (1 + 0.5 * torch.finfo(dtype).eps * (torch.rand(H.shape, generator=g).double() - 0.5))
    snapshot = snap(noisy.to(dtype), Y, M, unit_roundoff=torch.finfo(dtype).eps / 2)
    for name, variant in [*NC1, ("nc.2", "default"), ("nc.3", "default")]:
        found = evaluate(name, snapshot, variant)
        assert found.outcome.status == "below floor", (name, variant, found)
        assert 0 < found.floor < 0.2

import pytest
import torch

from probes import CATALOG, DegenerateError


def rank_of(snap, Y, **rest):
    return snap(torch.randn(len(Y), 3), Y, **rest).k


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_k_is_the_numerical_rank_of_the_targets(snap, dtype):
    g = torch.Generator().manual_seed(0)
    Y = torch.randn(500, 2, generator=g).double() @ torch.randn(2, 6, generator=g).double() + 3
    assert rank_of(snap, Y.to(dtype)) == 2
    noisy = Y + 0.5 * torch.randn(500, 6, generator=g)
    assert rank_of(snap, noisy.to(dtype)) == 6
    assert rank_of(snap, noisy.to(dtype), rank=4) == 4


@pytest.mark.parametrize("spread", [1e-3, 2e-3, 4e-3])
def test_targets_that_hardly_vary_have_an_answer_for_every_measure(layer, snap, outcome, spread):
    H, Y, W = layer(m=4)
    Y = (1e4 + spread * torch.randn(Y.shape, generator=torch.Generator().manual_seed(0))).float()
    snapshot = snap(H, Y, W, network_mse=1.0)
    for p in CATALOG:
        found = outcome(p.name, snapshot, p.variant)
        assert found.value == found.value or found.status in ("degenerate", "not defined"), (p.name, found)


@pytest.mark.parametrize("rank", [0, -1])
def test_rank_below_1_is_refused_or_answered(layer, snap, outcome, rank):
    try:
        snapshot = snap(*layer(m=4), rank=rank)
    except ValueError as refusal:
        assert str(rank) in str(refusal)  # noqa: PT017
        return
    assert outcome("deep.feature_weight_alignment", snapshot, "smallest").status in ("degenerate", "not defined")
    assert outcome("deep.noise_fraction", snapshot).status in ("degenerate", "not defined")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weight_that_is_not_finite_is_degenerate(layer, snap, outcome, bad):
    H, Y, W = layer(m=4)
    W[1, 2] = bad
    for name in ("deep.weight_stable_rank", "deep.feature_weight_alignment", "nrc.2", "nrc.3"):
        found = outcome(name, snap(H, Y, W))
        assert (found.status, found.note) == ("degenerate", "the weight holds NaN or infinity")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_features_that_are_not_finite_have_an_answer_for_every_measure(layer, snap, outcome, bad):
    H, Y, W = layer(m=4)
    H[1, 2] = bad
    snapshot = snap(H, Y, W, network_mse=1.0)
    assert outcome("deep.noise_fraction", snapshot).status == "degenerate"
    for p in CATALOG:
        found = outcome(p.name, snapshot, p.variant)
        assert found.value == found.value or found.status != "ok", (p.name, found)


@pytest.mark.parametrize("name", ["features", "targets", "weight", "cross_svd", "cross_left"])
def test_decompositions_are_made_once(layer, snap, name):
    snapshot = snap(*layer())
    assert snapshot.read(name) is snapshot.read(name)


@pytest.mark.parametrize(
    ("rank", "why"), [(5, "the targets have rank 3 < k = 5"), (30, "k = 30 exceeds the width d = 24")]
)
def test_vectors_of_the_cross_covariance_are_not_made_for_what_refuses_them(layer, snap, outcome, rank, why):
    snapshot = snap(*layer(n=3), rank=rank)
    for name in ("deep.feature_target_alignment", "deep.cross_alignment", "deep.feature_side_alignment"):
        assert outcome(name, snapshot).note == why
    values = snapshot.cross_values
    assert "_cross_factors" not in vars(snapshot)
    torch.testing.assert_close(values, snapshot.cross_svd.values, rtol=1e-12, atol=0)


def test_blocks_of_the_covariance(layer, snap):
    H, Y, W = layer(m=4)
    snapshot = snap(H, Y, W)
    whole = torch.cov(torch.cat([H, Y], 1).T, correction=0)
    torch.testing.assert_close(snapshot.S_H, whole[:24, :24])
    torch.testing.assert_close(snapshot.cross, whole[:24, 24:])
    torch.testing.assert_close(snapshot.gram, W @ W.T)
    assert (snapshot.N, snapshot.d, snapshot.n) == (700, 24, 4)
    assert snapshot.mean_square == pytest.approx(float((H**2).sum(1).mean()))


def test_one_sample_is_degenerate(layer, snap):
    with pytest.raises(DegenerateError, match="do not vary"):
        _ = snap(*layer(N=1)).features

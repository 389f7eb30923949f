import pytest
import torch

from probes import Moments, Snapshot, spectrum
from probes.signal import carrying, noise_curve, trailing_note, written_tolerance


def low_rank(N=400, rank=2, n=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(N, rank, generator=g).double() @ torch.randn(rank, n, generator=g).double()


def k_of(snap, Y, **rest):
    return snap(torch.randn(len(Y), 12, generator=torch.Generator().manual_seed(1)), Y, **rest).k


@pytest.mark.parametrize("offset", [0, 50, 1e4])
def test_float32_held_as_float64_has_the_rank_it_was_written_with(snap, offset):
    Y = (low_rank().float() + offset).double()
    assert k_of(snap, Y, target_roundoff=2.0**-24) == 2


@pytest.mark.parametrize("offset", [0, 50, 1e5])
@pytest.mark.parametrize("digits", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_decimals_count_no_direction_that_cutting_them_made(snap, offset, digits, seed):
    Y = torch.round((low_rank(seed=seed) + offset) * 10**digits) / 10**digits
    half = torch.full((10,), 0.5 * 10.0**-digits)
    assert k_of(snap, Y, target_resolution=half) == 2
    assert k_of(snap, Y) == 10


def test_columns_of_different_units_keep_their_own_resolution(snap):
    g = torch.Generator().manual_seed(0)
    Y = torch.randn(400, 2, generator=g).double() * torch.tensor([1e4, 1e-2])
    delta = torch.tensor([0.5, 5e-5])
    Y = torch.round(Y / (2 * delta)) * 2 * delta
    assert k_of(snap, Y, target_resolution=delta) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_column_in_large_units_hides_no_small_one(snap, dtype):
    g = torch.Generator().manual_seed(0)
    Y = (torch.randn(400, 2, generator=g).double() * torch.tensor([1e4, 1e-1])).to(dtype)
    assert k_of(snap, Y) == 2


def test_tolerance_bounds_what_rounding_made():
    for seed in range(5):
        exact = low_rank(seed=seed, N=2000) + 7
        written = torch.round(exact * 100) / 100
        S, E = torch.cov(written.T, correction=0), torch.cov((written - exact).T, correction=0)
        targets = spectrum(S)
        tolerance = written_tolerance(targets, (written**2).mean(0), 2.0**-53, torch.full((10,), 0.005))
        made = ((targets.vectors.T @ E) * targets.vectors.T).sum(1)
        assert bool((made <= tolerance).all())


@pytest.mark.parametrize(("noise", "rank"), [(0.0, 3), (1e-5, 5)])
def test_rank_tolerance_lies_between_rounding_and_signal(snap, noise, rank):
    Y = low_rank(500, 3, 5) + 3 + noise * torch.randn(500, 5, generator=torch.Generator().manual_seed(2))
    assert k_of(snap, Y.float()) == rank


@pytest.mark.parametrize("rank", [5, 11, 12])
def test_rank_may_exceed_the_targets_up_to_the_width(layer, snap, outcome, rank):
    H, Y, W = layer(d=12, n=4)
    snapshot = snap(H, Y, W, rank=rank)
    assert snapshot.k == rank
    for name in ("deep.feature_target_alignment", "deep.cross_alignment", "deep.feature_side_alignment"):
        assert outcome(name, snapshot).status == "not defined", name
    for name in ("deep.noise_fraction", "deep.feature_weight_alignment", "deep.cka", "deep.linear_r2"):
        assert outcome(name, snapshot).status in ("ok", "below floor"), name


def test_rank_above_the_targets_own_leaves_the_target_side_undefined(layer, snap, outcome):
    H, _, W = layer(d=12, N=400)
    snapshot = snap(H, low_rank(), W, rank=3)
    for name in ("deep.feature_target_alignment", "deep.cross_alignment", "deep.feature_side_alignment"):
        found = outcome(name, snapshot)
        assert (found.status, found.note) == ("not defined", "the targets have rank 2 < k = 3"), name
    assert outcome("deep.noise_fraction", snapshot).status == "ok"


def test_trailing_directions_are_told_beside_k(layer, snap, outcome):
    H, _, W = layer(N=400)
    Y = low_rank() + 1e-5 * torch.randn(400, 10, generator=torch.Generator().manual_seed(3))
    snapshot = snap(H, Y, W)
    note = "2 of the k = 10 directions carry 1 - 1e-06 of the targets' variance; rank=2 leaves the others out"
    assert (snapshot.k, snapshot.k_note) == (10, note)
    assert note in outcome("deep.noise_fraction", snapshot).note
    assert note in outcome("deep.target_stable_rank", snapshot).note
    assert snap(H, Y, W, rank=2).k_note == ""


@pytest.mark.parametrize(
    ("values", "enough"), [([1.0, 0, 0], 1), ([1, 1, 1], 3), ([1, 1e-7, 0], 1), ([1, 1e-5, 1e-8], 2)]
)
def test_how_many_directions_carry_the_variance(values, enough):
    assert carrying(torch.tensor(values, dtype=torch.float64)) == enough


def test_no_note_where_the_users_k_is_above_n():
    assert trailing_note(spectrum(torch.eye(3).double()), 5) == ""


def test_noise_curve_is_the_noise_fraction_at_every_k(layer, snap, value):
    H, Y, _ = layer()
    curve = noise_curve(snap(H, Y).features.values, 8)
    assert curve.tolist() == [
        pytest.approx(value("deep.noise_fraction", snap(H, Y, rank=k)), rel=1e-10, abs=0) for k in range(1, 9)
    ]


def test_noise_curve_keeps_the_digits_of_a_tiny_tail():
    values = torch.tensor([1.0, 1e-3, 1e-12, 2e-13], dtype=torch.float64)
    assert float(noise_curve(values, 3)[2]) == pytest.approx(2e-13 / float(values.sum()), rel=1e-12, abs=0)


@pytest.mark.parametrize("most", [0, 4, 9])
def test_noise_curve_refuses_ranks_that_there_are_not(most):
    with pytest.raises(ValueError, match=f"below the width d = 4; the largest asked for is {most}"):
        noise_curve(torch.ones(4).double(), most)
    with pytest.raises(ValueError, match="do not vary"):
        noise_curve(torch.zeros(4).double(), 2)


def test_snapshot_has_no_resolution_unless_given(snap):
    assert Snapshot.target_resolution is None


@pytest.mark.parametrize("K", [3, 6, 7, 10])
@pytest.mark.parametrize("N", [60, 600, 30_000])
def test_one_hot_targets_have_one_direction_less_than_classes(K, N):
    moments = Moments(1, K)
    for part in torch.eye(K, dtype=torch.float64)[torch.arange(N) % K].split(1024):
        moments.update(torch.zeros(len(part), 1, dtype=torch.float64), part)
    assert Snapshot({"moments": moments}).target_rank == K - 1


@pytest.mark.parametrize("scales", [(1, 1e-4, 1e4), (1, 1, 1e-8), (1e9, 1, 1)])
@pytest.mark.parametrize("N", [300, 20000])
def test_columns_that_hide_others_by_their_scale_leave_no_k(snap, outcome, scales, N):
    g = torch.Generator().manual_seed(0)
    Y = torch.randn(N, 3, generator=g, dtype=torch.float64)
    H = torch.randn(N, 8, generator=g, dtype=torch.float64)
    assert snap(H, Y).k == 3
    hidden = snap(H, Y * torch.tensor(scales, dtype=torch.float64))
    found = outcome("deep.noise_fraction", hidden)
    assert found.status == "not defined"
    assert "directions are less than float64 resolves beside the largest. Standardise the targets; rank=" in found.note
    assert snap(H, Y * torch.tensor(scales, dtype=torch.float64), rank=3).k == 3


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_columns_of_other_scales_that_are_resolved_have_their_k(snap, scale):
    Y = torch.randn(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wide = torch.cat([Y, Y @ torch.ones(2, 2, dtype=torch.float64)], 1) * torch.tensor([1, scale, 1, 1])
    assert snap(torch.randn(300, 3), wide).k == 2
    assert snap(torch.randn(300, 3), torch.cat([wide, torch.full((300, 1), 7.0)], 1)).k == 2

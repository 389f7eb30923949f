import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from probes import CATALOG, Classes, Moments, NotDefinedError, Outcome, Probe, Snapshot
from probes.intervals.jackknife import AFTER_MEANS, interval, measured, without


def test_of_a_mean_it_is_students_own_interval():
    x = np.random.default_rng(0).normal(3, 2, 16)
    rest = [np.delete(x, g).mean() for g in range(16)]
    found = interval(x.mean(), rest, [1] * 16)
    expected = stats.t.interval(0.95, 15, loc=x.mean(), scale=stats.sem(x))
    assert found.corrected == pytest.approx(x.mean(), rel=1e-12)
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9)


def test_takes_the_bias_of_a_variance_away():
    x = np.random.default_rng(1).normal(0, 1, 40)
    rest = [np.delete(x, g).var() for g in range(40)]
    assert interval(x.var(), rest, [1] * 40).corrected == pytest.approx(x.var(ddof=1), rel=1e-12)


def test_groups_of_unequal_sizes_weigh_by_them():
    rng = np.random.default_rng(2)
    groups = [rng.normal(1, 1, m) for m in (5, 9, 4, 12)]
    whole = np.concatenate(groups)
    rest = [np.concatenate(groups[:g] + groups[g + 1 :]).mean() for g in range(4)]
    found = interval(whole.mean(), rest, [len(g) for g in groups])
    h = np.array([30 / len(g) for g in groups])
    pseudo = np.array([g.mean() for g in groups])  # of a mean, the pseudo-values are the groups' own means
    variance = ((pseudo - whole.mean()) ** 2 / (h - 1)).mean()
    assert found.corrected == pytest.approx(whole.mean(), rel=1e-12)
    assert found.high - found.corrected == pytest.approx(stats.t.ppf(0.975, 3) * variance**0.5, rel=1e-9)


def test_cuts_all_three_to_the_bounds():
    found = interval(0.99, [0.9, 0.97, 0.99, 1.0], [5] * 4, (0.0, 1.0))
    assert 0 <= found.low <= found.corrected <= found.high == 1.0


def test_of_a_logarithm_it_scales_and_never_falls_below_0():
    rest = [1e-6, 3e-6, 1e-5, 2e-6]
    small = interval(3e-6, rest, [5] * 4, (0.0, math.inf), log=True)
    large = interval(3.0, [1e6 * r for r in rest], [5] * 4, (0.0, math.inf), log=True)
    assert 0 < small.low < small.corrected < small.high
    assert large.low == pytest.approx(1e6 * small.low, rel=1e-9)
    assert large.high == pytest.approx(1e6 * small.high, rel=1e-9)
    with pytest.raises(NotDefinedError, match="no logarithm"):
        interval(1e-6, [1e-6, 0.0, 1e-6], [5] * 3, log=True)


def test_an_end_beyond_all_numbers_is_cut_too():
    assert interval(1e300, [1e-300, 1e300, 1e200], [5] * 3, (0.0, 1e308), log=True).high == 1e308


def test_refuses_a_single_group():
    with pytest.raises(ValueError, match="two or more"):
        interval(1.0, [1.0], [5])


def parted(H, Y, count, kinds):
    """Snapshots of the whole and without each of ``count`` groups dealt out in turn, each over raw rows."""

    def of(rows):
        statistics = {name: kind(H.shape[1], Y.shape[1]) for name, kind in kinds.items()}
        for statistic in statistics.values():
            statistic.update(H[rows], Y[rows])
        return statistics

    group = torch.arange(len(H)) % count
    whole = Snapshot(of(group >= 0))
    return (
        whole,
        [without(whole, of(group != g)) for g in range(count)],
        [int((group == g).sum()) for g in range(count)],
    )


@pytest.mark.parametrize(
    "name", ["deep.noise_fraction", "deep.cka", "deep.linear_r2", "deep.linear_mse", "deep.feature_stable_rank"]
)
def test_catalog_measures_have_the_interval_of_raw_matrices(layer, name):
    H, Y, _ = layer(N=400, d=8, n=3)
    whole, rest, sizes = parted(H, Y, 8, {"moments": Moments})
    probe = next(p for p in CATALOG if p.name == name)
    made_of = probe.jackknifed
    found = measured(probe, made_of.outcome(whole), [made_of.outcome(s) for s in rest], sizes)

    def byhand(rows):
        h, y = (A[rows].numpy() - A[rows].numpy().mean(0) for A in (H, Y))
        values = np.linalg.eigvalsh(h.T @ h)[::-1]
        if name == "deep.noise_fraction":
            return math.log(values[3:].sum() / values.sum())
        if name == "deep.feature_stable_rank":
            return values.sum() / values[0]
        if name == "deep.cka":
            return ((h.T @ y) ** 2).sum() / (np.linalg.norm(h.T @ h) * np.linalg.norm(y.T @ y))
        left = y - h @ np.linalg.lstsq(h, y, rcond=None)[0]
        left = (left**2).sum() / (len(y) - 1 - 8)  # by the degrees of freedom that the map leaves
        return (
            math.log(left * (len(y) - 1) / len(y) / 3)
            if name == "deep.linear_mse"
            else (1 - left / (y**2).sum() * (len(y) - 1))
        )

    group = torch.arange(400) % 8
    x, less = byhand(group >= 0), np.array([byhand(group != g) for g in range(8)])
    pseudo = 8 * x - 7 * less
    ends = stats.t.interval(0.95, 7, loc=pseudo.mean(), scale=stats.sem(pseudo))
    expected = np.exp([pseudo.mean(), *ends]) if probe.log else [pseudo.mean(), *ends]
    assert (found.corrected, found.low, found.high) == pytest.approx(tuple(expected), rel=1e-9)


def test_k_rank_and_cut_are_those_of_the_whole(layer):
    H, Y, _ = layer(N=64, d=6, n=2)
    Y[:, 1] = 0
    Y[::8, 1] = torch.randn(8, dtype=torch.float64)  # all of the second direction lies in the first group
    whole, rest, _ = parted(H, Y, 8, {"moments": Moments})
    assert whole.k == 2
    assert [s.k for s in rest] == [2] * 8
    assert [s.target_rank for s in rest] == [2] * 8
    assert {s.linear_fit.used for s in rest} == {whole.linear_fit.used}


def test_a_cut_does_not_come_and_go_with_a_group():
    """A feature that varies by about as much as its rounding in float32, at which the affine map cuts."""
    u, offset = 2.0**-24, 2.0
    H = torch.randn(400, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    unit, Y = (H[:, 5] - H[:, 5].mean()) / H[:, 5].std(correction=0), H[:, :2].clone()
    used, alone = set(), set()
    for size in torch.linspace(0.95, 1.05, 21).tolist():
        H[:, 5] = offset * (1 + size * 6**0.5 * u * unit)
        whole, rest, _ = parted(H, Y, 8, {"moments": Moments})
        whole = replace(whole, unit_roundoff=u)
        assert {without(whole, s.statistics).linear_fit.used for s in rest} == {whole.linear_fit.used}
        used.add(whole.linear_fit.used)
        alone.add(len({replace(whole, statistics=s.statistics).linear_fit.used for s in rest}))
    assert used == {5, 6}
    assert 2 in alone  # left to itself it would come and go


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome(1e-20, "below floor"), "below its floor"),
        (Outcome(math.inf), "not finite"),
    ],
)
def test_says_why_there_is_none(outcome, reason):
    found = measured(Probe("mine", lambda N: N, "Mine"), outcome, [], [])
    assert isinstance(found, NotDefinedError)
    assert reason in str(found)


@pytest.mark.parametrize("status", ["degenerate", "not defined"])
def test_a_value_that_says_nothing_needs_no_reason(status):
    assert measured(Probe("mine", lambda N: N, "Mine"), Outcome(math.nan, status), [], []) is None


def test_counts_have_none(layer):
    whole, rest, sizes = parted(*layer(N=64)[:2], 4, {"moments": Moments})
    probe = Probe("mine", lambda N: N, "Mine", counts=True)
    assert "count" in str(measured(probe, probe.outcome(whole), [probe.outcome(s) for s in rest], sizes))


def test_a_group_without_which_the_measure_is_undefined_is_named(layer):
    whole, rest, sizes = parted(*layer(N=64)[:2], 4, {"moments": Moments})
    smallest = min(float(s.moments.mean[0]) for s in rest)

    def fails(moments):
        if float(moments.mean[0]) == smallest:
            raise NotDefinedError("too small")
        return 1.0

    probe = Probe("mine", fails, "Mine")
    found = measured(probe, probe.outcome(whole), [probe.outcome(s) for s in rest], sizes)
    at = [float(s.moments.mean[0]) for s in rest].index(smallest) + 1
    assert str(found) == f"without group {at} of 4: too small"


def test_a_class_in_one_group_alone_leaves_no_interval(classes):
    H, Y, _ = classes(N=64, K=3)
    Y[:, 2], Y[:, 0] = 0, 1 - Y[:, 1]
    Y[0] = torch.tensor([0.0, 0.0, 1.0])
    whole, rest, sizes = parted(H, Y, 4, {"moments": Moments, "classes": Classes})
    probe = next(p for p in CATALOG if p.name == "nc.1" and p.variant == "total")
    assert str(measured(probe, probe.outcome(whole), [probe.outcome(s) for s in rest], sizes)) == (
        "without group 1 of 4: a class appears in this group alone"
    )


def test_what_rests_on_means_of_all_samples_has_none(layer, snap):
    H, Y, W = layer(N=64)
    whole = snap(H, Y, W)
    moments = {"moments": whole.moments}
    probe = next(p for p in CATALOG if p.name == "nrc.1_centred")
    found = measured(probe, probe.outcome(whole), [probe.outcome(without(whole, moments))] * 3, [20] * 3)
    assert str(found).endswith(AFTER_MEANS)

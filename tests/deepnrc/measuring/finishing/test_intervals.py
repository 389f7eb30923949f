"""Columns ``corrected``, ``low`` and ``high`` of a probed network, against features taken by hand."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import nn

import deepnrc
from deepnrc.measuring.streaming import memory
from probes import CATALOG, Pass

ENDS = ["corrected", "low", "high"]


@pytest.fixture
def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 2))


def data(N=300, seed=0):
    g = torch.Generator().manual_seed(seed)
    X = torch.randn(N, 5, generator=g)
    return X, X[:, :2] + 0.3 * torch.randn(N, 2, generator=g)


def row(report, measure, layer="2", variant="default"):
    rows = report.table
    return rows[(rows.measure == measure) & (rows.layer == layer) & (rows.variant == variant)].iloc[0]


def byhand(values, log=False):
    """Mean and ends from the value of the whole and those without each group, with equal groups."""
    x, *rest = np.log(values) if log else values
    pseudo = len(rest) * x - (len(rest) - 1) * np.array(rest)
    ends = [pseudo.mean(), *stats.t.interval(0.95, len(rest) - 1, loc=pseudo.mean(), scale=stats.sem(pseudo))]
    return np.exp(ends) if log else ends


@pytest.mark.parametrize("batch", [320, 7, 1])
def test_is_the_jackknife_over_raw_rows_whatever_the_batches(net, batch):
    X, Y = data(320)
    loader = list(zip(X.split(batch), Y.split(batch), strict=True))
    chosen = ["deep.noise_fraction", "deep.linear_r2", "model.mse"]
    report = deepnrc.probe(net, loader, groups=8, probes=chosen, progress=False)
    group = np.arange(320) // 4 % 8
    kept = [np.full(320, True), *(group != g for g in range(8))]
    with torch.no_grad():
        H, F = net[:2](X).double().numpy(), net(X).double().numpy()
    Y = Y.double().numpy()

    def noise(at):
        values = np.linalg.eigvalsh(np.cov(H[at].T))[::-1]
        return values[2:].sum() / values.sum()

    def r2(at):
        h, y = H[at] - H[at].mean(0), Y[at] - Y[at].mean(0)
        plain = 1 - ((y - h @ np.linalg.lstsq(h, y, rcond=None)[0]) ** 2).sum() / (y**2).sum()
        return 1 - (1 - plain) * (len(y) - 1) / (len(y) - 1 - np.linalg.matrix_rank(h))  # adjusted

    expected = {
        ("deep.noise_fraction", "2"): byhand([noise(at) for at in kept], log=True),
        ("deep.linear_r2", "2"): byhand([r2(at) for at in kept]),
        ("model.mse", "(network)"): byhand([((F[at] - Y[at]) ** 2).mean() for at in kept], log=True),
    }
    for (measure, layer), ends in expected.items():
        assert row(report, measure, layer)[ENDS].tolist() == pytest.approx(list(ends), rel=1e-6), measure


def test_no_other_column_changes(net):
    plain = deepnrc.probe(net, data(), progress=False).table
    grouped = deepnrc.probe(net, data(), groups=16, progress=False).table
    assert plain[ENDS].isna().all(axis=None)
    assert grouped["value"].to_numpy() == pytest.approx(plain["value"].to_numpy(), rel=1e-9, abs=1e-12, nan_ok=True)
    same = [name for name in plain if name not in {*ENDS, "value", "chance", "floor", "chance_high", "note"}]
    pd.testing.assert_frame_equal(grouped[same], plain[same])
    told = grouped["low"].notna()
    assert told.any()
    assert (grouped.loc[told, "low"] <= grouped.loc[told, "high"]).all()
    assert (
        grouped.loc[~told & (grouped["status"] == "ok") & ~grouped["variant"].str.startswith("held"), "note"]
        .str.contains("no interval")
        .all()
    )


def test_a_measure_of_ones_own_has_one(net):
    mine = deepnrc.Probe("mine.mean", lambda moments: float(moments.mean[0]), "Mine", bounds=(-math.inf, math.inf))
    X, Y = data(320)
    found = row(deepnrc.probe(net, (X, Y), groups=8, probes=[mine], progress=False), "mine.mean", "0")
    means = X[:, 0].double().reshape(-1, 8, 4).mean((0, 2)).numpy()
    ends = stats.t.interval(0.95, 7, loc=means.mean(), scale=stats.sem(means))
    assert found[["low", "high"]].tolist() == pytest.approx(ends, rel=1e-9)


class Highest:
    """The largest entry of the features."""

    in_pass, needs = Pass.FIRST, deepnrc.Part.NONE

    def __init__(self):
        self.value = -math.inf

    @classmethod
    def begin(cls, opening):
        return cls()

    def update(self, batch):
        self.value = max(self.value, float(batch.H.max()))

    def merge(self, other):
        self.value = max(self.value, other.value)


def test_a_statistic_of_ones_own_is_merged_from_the_groups(net):
    mine = deepnrc.Probe("mine.max", lambda highest: highest.value, "Mine", statistics={"highest": Highest},
                         bounds=(-math.inf, math.inf))  # fmt: skip
    X, Y = data(320)
    found = row(deepnrc.probe(net, (X, Y), groups=8, probes=[mine], progress=False), "mine.max", "0")
    assert found["value"] == pytest.approx(float(X.max()))
    rest = [float(X[np.arange(320) // 4 % 8 != g].max()) for g in range(8)]
    assert found[ENDS].tolist() == pytest.approx(byhand([float(X.max()), *rest]), rel=1e-6)


def test_labels_are_the_groups(net):
    X, Y = data(120)
    labels = np.repeat(list("abcdef"), 20)
    mine = deepnrc.Probe("mine.mean", lambda moments: float(moments.mean[0]), "Mine", bounds=(-math.inf, math.inf))
    found = row(deepnrc.probe(net, (X, Y), groups=labels, probes=[mine], progress=False), "mine.mean", "0")
    means = X[:, 0].double().reshape(6, 20).mean(1).numpy()
    assert found[["low", "high"]].tolist() == pytest.approx(
        stats.t.interval(0.95, 5, loc=means.mean(), scale=stats.sem(means)), rel=1e-9
    )


def test_says_why_there_is_none(net):
    report = deepnrc.probe(net, data(), groups=8, probes=["nrc.1_centred", "deep.cross_alignment"], progress=False)
    assert "no interval: without group 1 of 8: it rests on means of all samples" in row(report, "nrc.1_centred")["note"]
    silent = row(report, "deep.cross_alignment")
    assert silent["status"] == "not defined"
    assert "no interval" not in silent["note"]
    assert report.table[ENDS].isna().all(axis=None)


def test_refuses_groups_of_too_few_samples(net):
    with pytest.raises(deepnrc.UsageError, match="Group 16 of 16 has 0 of the 60 samples, and needs 4 or more"):
        deepnrc.probe(net, data(60), groups=16, progress=False)


def test_says_beforehand_what_does_not_fit_into_memory(net, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda device: 10_000)
    with pytest.raises(
        deepnrc.UsageError, match=r"statistics of 16 groups .* would take .* GB.* Take fewer groups, or"
    ):
        deepnrc.probe(net, data(), groups=16, progress=False)
    assert len(deepnrc.probe(net, data(), groups=2, progress=False).table)


def test_several_rows_a_sample_stay_in_its_group():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv1d(3, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
    g = torch.Generator().manual_seed(1)
    X, Y = torch.randn(64, 3, 8, generator=g), torch.randn(64, 2, generator=g)
    report = deepnrc.probe(net, (X, Y), layers="0", pool="positions", groups=4, probes=["deep.noise"], progress=False)
    rows, group = X.double().transpose(1, 2), torch.arange(64) // 4 % 4

    def noise(at):
        return float(np.linalg.eigvalsh(np.cov(rows[at].reshape(-1, 3).numpy().T, bias=True))[0])

    expected = byhand([noise(group >= 0), *(noise(group != g) for g in range(4))], log=True)
    assert row(report, "deep.noise", "0")[ENDS].tolist() == pytest.approx(list(expected), rel=1e-6)


def test_attach_and_tracker_take_them(net):
    X, Y = data()
    with deepnrc.attach(net, groups=8, probes=["deep.cka"]) as attached:
        for x, y in zip(X.split(50), Y.split(50), strict=True):
            net(x)
            attached.observe(y)
        first = attached.report()
        net(X)
        attached.observe(Y)
        second = attached.report()
    assert row(first, "deep.cka")[ENDS].notna().all()
    assert row(second, "deep.cka")["n_samples"] == 600
    assert row(second, "deep.cka")["value"] == pytest.approx(row(first, "deep.cka")["value"], rel=1e-9)
    tracker = deepnrc.Tracker(net, (X, Y), groups=8, probes=["deep.cka"])
    assert row(tracker(), "deep.cka")[ENDS].tolist() == pytest.approx(row(first, "deep.cka")[ENDS].tolist(), rel=1e-9)


def test_intervals_are_saved_and_older_reports_have_none(net, tmp_path):
    report = deepnrc.probe(net, data(), groups=8, probes=["deep.cka"], progress=False)
    report.save(tmp_path / "new")
    pd.testing.assert_frame_equal(deepnrc.load(tmp_path / "new").table, report.table)


def test_the_catalog_names_its_counts():
    assert {probe.name for probe in CATALOG if probe.counts} == {"rank.numerical"}

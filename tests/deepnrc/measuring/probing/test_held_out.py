"""``held_out=``: what was fitted to some samples, read on others."""

import numpy as np
import pytest
import torch
from torch import nn

import deepnrc

CENTRED = ["deep.*", "nrc.*", "model.mse", "nrc.1_centred", "nrc.2_centred"]


@pytest.fixture
def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 3)).double()


def data(N=300, seed=0):
    g = torch.Generator().manual_seed(seed)
    X = torch.randn(N, 5, generator=g).double()
    return X, X[:, :3] + 0.3 * torch.randn(N, 3, generator=g).double()


def classes(N=300, seed=0):
    X, Y = data(N, seed)
    return X, Y.argmax(1)


def pairs(report):
    """Values held out beside the plain ones, by layer, measure and variant."""
    rows = report.table
    held = rows[rows.variant.str.startswith("held out")].set_index(["layer", "measure", "variant"])["value"]
    plain = rows.set_index(["layer", "measure", "variant"])["value"]
    held = held.drop(index="deep.direction_r2_gap", level="measure")  # the plain one is of adjusted R2
    names = {i: (i[0], i[1], i[2].removeprefix("held out").removeprefix(", ") or "default") for i in held.index}
    return {i: (held[i], plain[name]) for i, name in names.items() if name in plain.index}


@pytest.mark.parametrize(("given", "probes"), [(data(), CENTRED), (classes(), ["*"])], ids=["regression", "classes"])
def test_the_same_samples_twice_read_the_same(net, given, probes):
    found = pairs(deepnrc.probe(net, given, held_out=given, probes=probes, progress=False))
    measures = {measure for _, measure, _ in found}
    assert {"deep.noise", "deep.noise_fraction", "deep.linear_mse", "deep.linear_r2", "nrc.1", "nrc.2"} <= measures
    assert {"nrc.1_centred", "nrc.2_centred", "model.mse"} <= measures
    assert ({"nc.1", "nc.ncc_error", "model.accuracy"} <= measures) == (probes == ["*"])
    for name, (held, plain) in found.items():
        assert held == pytest.approx(plain, rel=1e-12, abs=1e-12, nan_ok=True), name


@pytest.mark.parametrize("batch", [100, 33])
def test_is_the_map_of_one_set_on_another(net, batch):
    (X, Y), (A, B) = data(), data(100, seed=1)
    held = list(zip(A.split(batch), B.split(batch), strict=True))
    report = deepnrc.probe(net, (X, Y), held_out=held, progress=False)
    with torch.no_grad():
        H, G = net[:2](X).numpy(), net[:2](A).numpy()
        own = float(((net(A) - B) ** 2).mean())
    fit = np.linalg.lstsq(np.c_[H, np.ones(300)], Y.numpy(), rcond=None)[0]
    mse = ((np.c_[G, np.ones(100)] @ fit - B.numpy()) ** 2).mean()
    value = {
        (r.layer, r.measure): (r.value, r.n_samples, r.rank)
        for r in report.table.itertuples()
        if r.variant == "held out"
    }
    assert value["2", "deep.linear_mse"] == (pytest.approx(mse, rel=1e-9), 100, 3)
    assert value["(network)", "model.mse"] == (pytest.approx(own, rel=1e-9), 100, 3)
    unit = (G - H.mean(0)) / np.linalg.norm(G - H.mean(0), axis=1, keepdims=True)
    V = np.linalg.svd(H - H.mean(0), full_matrices=False)[2][:3].T
    centred = ((unit - unit @ V @ V.T) ** 2).sum(1).mean()
    assert value["2", "nrc.1_centred"][0] == pytest.approx(centred, rel=1e-9)  # no second pass over the training ones


def test_classifiers_have_the_error_of_the_nearest_training_mean(net):
    (X, y), (A, b) = classes(), classes(120, seed=1)
    report = deepnrc.probe(net, (X, y), held_out=(A, b), progress=False)
    with torch.no_grad():
        H, G = net[:2](X), net[:2](A)
    means = torch.stack([H[y == k].mean(0) for k in range(3)])
    wrong = float((torch.cdist(G, means).argmin(1) != b).double().mean())
    found = report.table[(report.table.measure == "nc.ncc_error") & (report.table.layer == "2")]
    assert found[["variant", "value"]].to_numpy().tolist() == [["held out", pytest.approx(wrong, abs=1e-12)]]
    assert wrong > 0


def test_a_measure_of_ones_own_may_bring_one(net):
    mine = deepnrc.Probe(
        "mine",
        lambda moments: float(moments.mean[0]),
        "Mine",
        held_out=lambda moments, held_moments, d: float((held_moments.mean - moments.mean)[d - 1]),
    )
    (X, Y), (A, B) = data(), data(100, seed=1)
    report = deepnrc.probe(net, (X, Y), held_out=(A, B), probes=[mine], layers="0", progress=False)
    assert report.table["variant"].tolist() == ["default", "held out"]
    assert report.table["value"].tolist() == pytest.approx([float(X[:, 0].mean()), float((A.mean(0) - X.mean(0))[-1])])


def test_one_that_reads_what_there_is_not_is_refused(net):
    mine = deepnrc.Probe("mine", lambda N: N, "Mine", held_out=lambda held_nonsense: 0.0)
    with pytest.raises(deepnrc.UsageError, match="reads 'held_nonsense', and there is no such quantity"):
        deepnrc.probe(net, data(), held_out=data(), probes=[mine], progress=False)


def test_without_it_no_row_is_held_out(net):
    report = deepnrc.probe(net, data(), progress=False)
    assert not report.table["variant"].str.contains("held").any()


def test_the_training_rows_and_the_record_say_where_numbers_came_from(net):
    plain = deepnrc.probe(net, data(), progress=False)
    both = deepnrc.probe(net, data(), held_out=data(100, seed=1), progress=False)
    kept = both.table[~both.table["variant"].str.contains("held")]
    assert kept["value"].tolist() == pytest.approx(plain.table["value"].tolist(), nan_ok=True)
    assert both.provenance[0]["held_out_samples"] == 100
    assert both.provenance[0]["samples"] == 300
    assert both.provenance[0]["data"]["held_out"] != both.provenance[0]["data"]["fingerprint"]


def test_refuses_other_targets_and_no_samples(net):
    X, Y = data(50)
    with pytest.raises(
        deepnrc.UsageError, match="held-out targets have 2 columns, and those of the training samples 3"
    ):
        deepnrc.probe(net, data(), held_out=(X, Y[:, :2]), progress=False)
    with pytest.raises(deepnrc.DataError, match="held-out data is empty"):
        deepnrc.probe(net, data(), held_out=[], progress=False)


def test_refuses_other_widths():
    net = nn.Sequential(nn.Conv1d(2, 3, 1), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(3, 2))
    g = torch.Generator().manual_seed(0)
    long, short = (torch.randn(40, 2, length, generator=g) for length in (6, 5))
    Y = torch.randn(40, 2, generator=g)
    with pytest.raises(deepnrc.UsageError, match="'0' is 10 wide on the held-out samples and 12 on the training ones"):
        deepnrc.probe(net, (long, Y), held_out=(short, Y), layers="0", pool="flatten", progress=False)


def test_a_loop_of_ones_own_turns_to_them_once(net):
    (X, Y), (A, B) = data(), data(100, seed=1)
    with deepnrc.attach(net) as attached:
        with pytest.raises(deepnrc.DataError, match="Nothing was observed yet"):
            attached.held_out()
        net(X)
        attached.observe(Y)
        attached.held_out()
        net(A)
        attached.observe(B)
        report = attached.report()
        with pytest.raises(deepnrc.UsageError, match="observed already"):
            attached.held_out()
    other = deepnrc.probe(net, (X, Y), held_out=(A, B), progress=False)
    assert report.table["value"].tolist() == pytest.approx(other.table["value"].tolist(), nan_ok=True)


def test_a_tracker_takes_them(net):
    tracker = deepnrc.Tracker(net, data(), held_out=data(100, seed=1), probes=["deep.noise_fraction"])
    assert tracker().table["variant"].tolist() == ["default", "held out", "default", "held out"]


def test_intervals_stand_beside(net):
    report = deepnrc.probe(
        net, data(), held_out=data(100, seed=1), groups=8, probes=["deep.cka", "nrc.1"], progress=False
    )
    rows = report.table.set_index(["layer", "measure", "variant"])
    assert rows.loc[("2", "nrc.1", "default"), ["low", "high"]].notna().all()
    assert rows.loc[("2", "nrc.1", "held out"), ["low", "high"]].isna().all()

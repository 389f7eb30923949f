"""The spectra behind the measures, held against numpy on the features themselves."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.measuring.finishing import readings
from deepnrc.table import NETWORK, SPECTRA, no_spectra
from probes import Moments, Snapshot

PLACE = {"run": "a", "step": 3, "depth": 1, "layer": "fc"}


@pytest.fixture
def measured(mlp, data, probe, by_hand):
    """A network's report, and the features, targets and weights that it was measured on."""
    net, (X, Y) = mlp(), data(N=80)
    names = ["0", "2", "4"]
    return probe(net, (X, Y), run="mlp", step=7), by_hand(net, [X], names), Y, net


def values(report, layer, spectrum):
    rows = report.spectra[(report.spectra["layer"] == layer) & (report.spectra["spectrum"] == spectrum)]
    assert rows["index"].is_monotonic_increasing
    return rows["value"].to_numpy()


def covariance(A, B):
    return np.cov(np.concatenate([A, B], 1), rowvar=False, bias=True)[: A.shape[1], A.shape[1] :]


def test_eigenvalues_are_those_of_numpy_and_add_up_to_the_trace(measured):
    report, H, Y, _ = measured
    for layer, rows in H.items():
        S = covariance(rows.numpy(), rows.numpy())
        found, expected = values(report, layer, "features"), np.linalg.eigvalsh(S)[::-1]
        alive = expected > 1e-12 * expected[0]  # a unit that is dead leaves an eigenvalue of rounding
        assert alive.sum() >= 6
        assert found[alive] == pytest.approx(expected[alive], rel=1e-9, abs=0)
        assert found.sum() == pytest.approx(np.trace(S), rel=1e-12)
    S_Y = covariance(Y.numpy(), Y.numpy())
    assert values(report, NETWORK, "targets") == pytest.approx(np.linalg.eigvalsh(S_Y)[::-1], rel=1e-9, abs=0)


def test_residuals_have_the_eigenvalues_of_their_covariance(mlp, data, probe):
    (X, Y), net = data(), mlp()
    with torch.no_grad():
        left = (net(X).double() - Y.double()).numpy()
    report = probe(net, (X, Y))
    expected = np.linalg.eigvalsh(np.cov(left, rowvar=False, bias=True))[::-1]
    found = values(report, NETWORK, "residuals")
    assert found == pytest.approx(expected, rel=1e-6)
    whiteness = report.values("model.residual_whiteness")["value"].iloc[0]
    assert found[-1] / found[0] == pytest.approx(whiteness, rel=1e-12)


def test_a_network_that_meets_every_target_leaves_no_spectrum(data, probe):
    X, net = data()[0].double(), nn.Linear(6, 3).double()
    with torch.no_grad():
        Y = net(X)
    assert "residuals" not in set(probe(net, (X, Y)).spectra["spectrum"])


def test_singular_values_are_those_of_numpy(measured):
    report, H, Y, net = measured
    for layer, rows in H.items():
        W = net.get_submodule(layer).weight.detach().numpy()
        assert values(report, layer, "weight") == pytest.approx(np.linalg.svd(W)[1], rel=1e-9, abs=0)
        S_HY = covariance(rows.numpy(), Y.numpy())
        assert values(report, layer, "cross") == pytest.approx(np.linalg.svd(S_HY)[1], rel=1e-9, abs=0)


def test_singular_values_of_a_convolution_are_those_of_its_matrix(cnn, data, probe):
    net = cnn()
    W = net[3].weight.detach().permute(1, 0, 2, 3).flatten(1).numpy()
    report = probe(net, data(shape=(3, 8, 8)))
    assert values(report, "3", "weight") == pytest.approx(np.linalg.svd(W)[1], rel=1e-9, abs=0)


def test_the_cosines_are_those_whose_mean_and_least_stand_in_the_table(measured, row):
    report = measured[0]
    for layer in ("0", "2", "4"):
        cosines = values(report, layer, "cosines")
        assert len(cosines) == 3
        assert cosines.mean() == pytest.approx(row(report, layer, "deep.feature_weight_alignment")["value"], rel=1e-12)
        least = row(report, layer, "deep.feature_weight_alignment", "smallest")["value"]
        assert cosines[-1] == pytest.approx(least, rel=1e-12)


def test_each_row_says_where_it_belongs_and_what_it_is_part_of(measured):
    table = measured[0].spectra
    assert table.dtypes.to_dict() == {name: pd.Series(dtype=kind).dtype for name, kind in SPECTRA.items()}
    assert not table.duplicated(["layer", "spectrum", "index"]).any()
    assert set(table["run"]) == {"mlp"}
    assert set(table["step"]) == {7}
    assert set(table["rank"]) == {3}
    assert table.drop_duplicates("layer").set_index("layer")["depth"].to_dict() == {
        "0": 0,
        "2": 1,
        "4": 2,
        NETWORK: -1,
    }
    assert set(table.loc[table["layer"] == NETWORK, "spectrum"]) == {"targets", "residuals"}
    for _, rows in table.groupby(["layer", "spectrum"]):
        assert rows["index"].tolist() == list(range(1, rows["count"].iloc[0] + 1))
        assert (rows["rest"] == 0).all()


def test_floors_part_what_is_there_from_what_rounding_makes(mlp, data, probe):
    """Features and targets of rank 2 in float32: what stands above the floor is two values of each."""
    X, Y = data(dtype=torch.float32)
    X, Y = X[:, :2] @ torch.ones(2, 6).cumsum(1).tril(2), Y[:, :2] @ torch.tensor([[1.0, 0, 1], [0, 1, 1]])
    table = probe(mlp(torch.float32), (X, Y)).spectra
    for layer, spectrum in (("0", "features"), (NETWORK, "targets"), ("0", "cross")):
        rows = table[(table["layer"] == layer) & (table["spectrum"] == spectrum)]
        assert (rows["value"] > rows["floor"]).sum() == 2, spectrum
        assert len(rows) > 2


def test_a_wide_layer_keeps_its_leading_values_a_thinned_tail_and_the_sum_of_the_rest():
    g = torch.Generator().manual_seed(0)
    H, Y = torch.randn(300, 200, generator=g).double(), torch.randn(300, 2, generator=g).double()
    moments = Moments(200, 2)
    moments.update(H, Y)
    snapshot = Snapshot({"moments": moments}, rank=100)
    assert snapshot.k == 100
    assert snapshot.features.values.numel() == 200
    table = readings.frame(reading for reading in readings.of_layer(snapshot, PLACE) if reading.name == "features")
    assert len(table) < 90
    assert table["index"].tolist()[:64] == list(range(1, 65))
    assert {100, 101, 200} <= set(table["index"])
    everything = snapshot.features.values.numpy()
    assert (table["value"].to_numpy() == everything[table["index"] - 1]).all()
    assert table["value"].sum() + table["rest"].iloc[0] == pytest.approx(everything.sum(), rel=1e-12)
    assert table["rest"].iloc[0] > 0
    assert set(table["count"]) == {200}


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 512, 4096])
def test_what_is_kept_is_in_order_reaches_the_last_and_stays_small(count):
    for rank in (None, 1, count // 2, count - 1, count, count + 1, 10**6):
        index = readings.kept(count, rank)
        assert (np.diff(index) > 0).all()
        assert index[0] == 1
        assert index[-1] == count
        assert len(index) <= 64 + 8 * 6 + 3
        if rank is not None and 1 <= rank < count:
            assert {rank, rank + 1} <= set(index)


def test_beside_all_measures_nothing_is_decomposed_for_the_table_s_sake(mlp, data, probe, monkeypatch):
    """As many decompositions of whole matrices with it as without."""
    counted = []
    for name in ("eigh", "svd"):
        real = getattr(torch.linalg, name)
        monkeypatch.setattr(torch.linalg, name, lambda *a, real=real, **k: counted.append(1) or real(*a, **k))
    probe(mlp(), data())
    with_spectra = len(counted)
    monkeypatch.setattr("deepnrc.measuring.finishing.rows.of_layer", lambda *_: ())
    monkeypatch.setattr("deepnrc.measuring.finishing.rows.of_targets", lambda *_: ())
    probe(mlp(), data())
    assert len(counted) == 2 * with_spectra


@pytest.mark.parametrize("probes", ["nrc.1", "deep.weight_stable_rank", "model.mse", ["deep.noise", "nrc.3"]], ids=str)
@pytest.mark.parametrize("rank", [None, 2])
def test_whatever_was_asked_for_the_spectra_are_the_same(mlp, data, probe, probes, rank):
    few, every = (probe(mlp(), data(), rank=rank, probes=chosen).spectra for chosen in (probes, None))
    pd.testing.assert_frame_equal(few, every)
    names = few.groupby("layer")["spectrum"].unique().map(set).to_dict()
    of_a_layer = {"features", "weight", "cross", "cosines"}
    assert names == {"0": of_a_layer, "2": of_a_layer, "4": of_a_layer, NETWORK: {"targets", "residuals"}}


def test_where_the_targets_do_not_vary_neither_they_nor_their_cross_covariance_have_one(mlp, data, probe):
    X, Y = data()
    spectra = probe(mlp(), (X, torch.ones_like(Y))).spectra
    assert set(spectra["spectrum"]) == {"features", "weight", "residuals"}


def test_what_has_no_spectrum_has_no_rows(seeded, data, probe):
    """A dead layer, whose features are constant, and the weight of a grouped convolution."""
    dead = seeded(lambda: nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3)))
    nn.init.constant_(dead[0].bias, -1e3)
    table = probe(dead, data()).spectra
    assert set(table.loc[table["layer"] == "2", "spectrum"]) == {"weight"}
    grouped = seeded(lambda: nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.Flatten(), nn.Linear(16, 3)))
    table = probe(grouped, data(shape=(4, 4, 4))).spectra
    assert set(table.loc[table["layer"] == "0", "spectrum"]) == {"features", "cross"}


def test_a_rank_beyond_the_weight_s_own_has_no_cosines(seeded, data, probe):
    net = seeded(lambda: nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 4)))
    table = probe(net, data(n=4), rank=2).spectra
    assert (table["spectrum"] == "cosines").sum() == 4
    narrow = probe(seeded(lambda: nn.Sequential(nn.Linear(6, 1), nn.Linear(1, 4))), data(n=4), layers=["0"], rank=2)
    assert "cosines" not in set(narrow.spectra["spectrum"])


def test_a_table_of_nothing_has_its_columns_and_joins_with_others():
    empty = no_spectra()
    assert empty.dtypes.to_dict() == {name: pd.Series(dtype=kind).dtype for name, kind in SPECTRA.items()}
    assert empty.empty
    one = readings.frame([readings.SpectralReading("features", torch.tensor([2.0, 1.0]), 0.0, None, PLACE)])
    both = pd.concat([empty, one], ignore_index=True)
    assert both.dtypes.equals(one.dtypes)
    assert one["rank"].isna().all()


def test_a_tracker_s_table_stays_small(mlp, data, tmp_path):
    tracker = deepnrc.Tracker(mlp(), data(), steps=1, progress=False)
    for _ in range(4):
        tracker()
    folder = tracker.report.save(tmp_path / "saved")
    each = tracker.report.spectra.groupby("step").size()
    assert each.index.tolist() == [0, 1, 2, 3]
    assert each.nunique() == 1
    size = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert size["spectra.parquet"] < 2 * size["table.parquet"]

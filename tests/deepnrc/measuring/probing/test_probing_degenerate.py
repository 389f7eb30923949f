"""Precisions, and features and weights that do not determine what is measured."""

import numpy as np
import pytest
import torch
from torch import nn

from deepnrc.errors import DataError


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_and_single_precision_features_are_summed_in_float64(
    data, seeded, probe, agree, by_hand, row, dtype, split, left_singular
):
    X, Y = data(200, (3, 6, 6), dtype=dtype)
    net = seeded(lambda: nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(80, 3)), dtype)
    report = probe(net, split(X, Y, 64))
    kept = by_hand(net, X.split(64), ["0", "3"])
    agree(report, "0", kept["0"].double().mean((2, 3)), Y, left_singular(net[0]))
    agree(report, "3", kept["3"], Y, net[3].weight.detach())
    floor = row(report, "3", "deep.noise_fraction")["floor"]
    assert floor > (torch.finfo(dtype).eps / 2) ** 2


def test_autocast_is_measured_as_it_runs(data, mlp, probe, agree, row, split):
    X, Y = data(200, dtype=torch.float32)
    net = mlp(torch.float32)
    report = probe(net, split(X, Y, 64), autocast=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        H = torch.cat([net[:2](x) for x in X.split(64)])
    assert H.dtype == torch.bfloat16
    agree(report, "2", H, Y, net[2].weight.detach())
    assert report.provenance[0]["autocast"] == "torch.bfloat16"


def test_offset_features_with_little_noise_are_read_right(probe, truth, row, split):
    g = torch.Generator().manual_seed(0)
    Y = torch.randn(300, 2, generator=g, dtype=torch.float64)
    X = Y @ torch.randn(2, 9, generator=g, dtype=torch.float64)
    X = X + 1e-4 * torch.randn(300, 9, generator=g, dtype=torch.float64) + 1e4
    report = probe(nn.Linear(9, 2).double(), split(X, Y, 64))
    got = report.table.set_index(["measure", "variant"])["value"]
    assert got["deep.noise_fraction", "default"] == pytest.approx(truth(X, Y)["deep.noise_fraction"], rel=1e-6)


def test_a_dead_layer_is_degenerate_and_not_collapsed(data, mlp, probe, row):
    X, Y = data()
    net = mlp()
    nn.init.constant_(net[0].bias, -1e3)
    found = row(probe(net, (X, Y)), "2", "deep.noise_fraction")
    assert np.isnan(found["value"])
    assert (found["status"], found["note"]) == (
        "degenerate",
        "the features do not vary over the samples (dead or constant layer)",
    )


def test_a_layer_dead_in_the_first_batch_and_alive_later(data, mlp, probe, agree, by_hand, split):
    X, Y = data(90)
    X[:30] = -1e3
    net = mlp()
    net[0].weight.data.abs_()
    H = by_hand(net, [X], ["2"])["2"]
    assert not H[:30].any()
    assert H[30:].any()
    agree(probe(net, split(X, Y, 30)), "2", H, Y, net[2].weight.detach())


def test_fewer_samples_than_a_width_mark_linear_predictability(data, mlp, probe, row):
    X, Y = data(5)
    found = row(probe(mlp(), (X, Y)), "2", "deep.linear_mse")
    assert (found["status"], found["note"]) == (
        "degenerate",
        "the features of N = 5 samples use 4 directions: an affine map fits any targets exactly",
    )


def test_a_single_sample_is_degenerate_everywhere_and_nothing_is_a_bare_nan(data, mlp, probe):
    table = probe(mlp(), data(1)).table
    features = table[table["measure"].isin(["deep.noise_fraction", "deep.cka", "nrc.1"])]
    assert set(features["status"]) == {"degenerate"}
    assert not table[table["value"].isna()]["note"].eq("").any()
    assert not table[table["value"].isna()]["status"].eq("ok").any()


def test_an_output_that_is_not_finite_is_said_and_no_bare_nan(data, mlp, probe, row):
    X, Y = data()
    net = mlp()
    net[4].weight.data[0, 0] = float("nan")
    report = probe(net, (X, Y))
    found = row(report, "(network)", "model.mse")
    assert (found["status"], found["note"]) == ("not defined", "the output holds NaN or infinity in batch 1")
    found = row(report, "4", "deep.weight_stable_rank")
    assert (found["status"], found["note"]) == ("degenerate", "the weight holds NaN or infinity")


def test_infinite_features_name_layer_and_batch(data, mlp, probe, split):
    X, Y = data()
    X[40] = 1e300
    net = mlp()
    net[0].weight.data *= 1e10
    with pytest.raises(DataError, match=r"features of layer '2' hold NaN or infinity in batch 3"):
        probe(net, split(X, Y, 20))

"""Every layer of many networks, against features taken out by plain hooks."""

import numpy as np
import pytest
import timm
import torch
from torch import nn

from deepnrc.networks.choosing.layers import weight_matrix


def test_every_layer_of_an_mlp_is_what_is_read_by_hand(data, mlp, probe, agree, by_hand, row, split):
    X, Y = data(200)
    net = mlp()
    report = probe(net, split(X, Y, 64))
    for name, H in by_hand(net, [X], ["0", "2", "4"]).items():
        assert len(agree(report, name, H, Y, net.get_submodule(name).weight)) == 7
    mse = float(((net(X).detach() - Y) ** 2).mean())
    assert row(report, "(network)", "model.mse")["value"] == pytest.approx(mse, rel=1e-12)
    t = report.table.query("layer != '(network)'")
    assert t.groupby("layer", sort=False)[["depth", "dim"]].first().values.tolist() == [[0, 6], [1, 8], [2, 7]]
    assert set(t["n_samples"]) == {200}


POOLS = {
    "mean": lambda x: x.mean((2, 3)),
    "max": lambda x: x.amax((2, 3)),
    "cls": lambda x: x.mean((2, 3)),
    "positions": lambda x: x.permute(0, 2, 3, 1).flatten(0, 2),
    "flatten": lambda x: x.flatten(1),
    lambda t: t.std(1): lambda x: x.flatten(2).std(2),
}


@pytest.mark.parametrize("pool", POOLS)
def test_every_layer_of_a_cnn_is_what_is_read_by_hand_under_every_pooling(
    data, cnn, probe, agree, by_hand, row, pool, split, left_singular
):
    X, Y = data(130, (3, 8, 8))
    net = cnn()
    report = probe(net, split(X, Y, 50), pool=pool)
    for name, x in by_hand(net, [X], ["0", "3", "5", "8"]).items():
        H = POOLS[pool](x) if x.ndim == 4 else x
        W = left_singular(net.get_submodule(name))
        flat = pool == "flatten" and x.ndim == 4
        agree(report, name, H, Y.repeat_interleave(len(H) // len(Y), 0), None if flat else W)
        assert row(report, name, "deep.noise")["n_samples"] == len(H)
        if flat:
            found = row(report, name, "deep.feature_weight_alignment")
            assert found["status"] == "not defined"
            assert found["note"] == f"the weight reads {x.shape[1]} features, and {H.shape[1]} were pooled"


def test_every_layer_of_resnet18_is_what_is_read_by_hand(
    data, seeded, probe, agree, by_hand, moments, split, left_singular
):
    X, Y = data(12, (3, 32, 32))
    net = seeded(lambda: timm.create_model("resnet18", num_classes=3))
    names = [n for n, m in net.named_modules() if isinstance(m, nn.Conv2d | nn.Linear) and "downsample" not in n]
    report = probe(net, split(X, Y, 5))
    streamed = moments(net, split(X, Y, 5))
    assert list(dict.fromkeys(report.table["layer"]))[:-1] == names == list(streamed)
    for name, x in by_hand(net, [X], names).items():
        H = x.mean((2, 3)) if x.ndim == 4 else x
        d = H.shape[1]
        torch.testing.assert_close(streamed[name].mean[:d], H.mean(0), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(
            streamed[name].covariance[:d, :d], torch.cov(H.T, correction=0), rtol=1e-9, atol=1e-12
        )
        assert "deep.feature_weight_alignment" in agree(report, name, H, Y, left_singular(net.get_submodule(name)))
    assert [name for name, _ in report.provenance[0]["left_out"]] == [f"layer{i}.0.downsample.0" for i in (2, 3, 4)]


@pytest.mark.parametrize("pool", ["mean", "cls", "tokens"])
def test_every_linear_of_a_vision_transformer_is_read_along_its_tokens(
    data, seeded, probe, agree, by_hand, row, pool, split
):
    X, Y = data(40, (3, 16, 16))
    net = seeded(
        lambda: timm.models.VisionTransformer(16, 8, embed_dim=12, depth=2, num_heads=2, num_classes=3, mlp_ratio=2)
    )
    report = probe(net, split(X, Y, 16), pool=pool)
    names = [
        "patch_embed.proj",
        *(f"blocks.{i}.{n}" for i in (0, 1) for n in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")),
    ]
    assert list(dict.fromkeys(report.table["layer"]))[:-1] == [*names, "head"]
    for name, x in by_hand(net, [X], names[1:]).items():
        H = {"mean": x.mean(1), "cls": x[:, 0], "tokens": x.flatten(0, 1)}[pool]
        if pool == "cls" and name == "blocks.0.attn.qkv":  # nothing has yet been told to the class token
            assert row(report, name, "deep.noise_fraction")["status"] == "degenerate"
        else:
            agree(report, name, H, Y.repeat_interleave(len(H) // len(Y), 0), net.get_submodule(name).weight)


NETS = {
    "test_convnext": lambda: timm.create_model("test_convnext", num_classes=3),
    "test_efficientnet": lambda: timm.create_model("test_efficientnet", num_classes=3),
    "mixer": lambda: timm.models.MlpMixer(3, 32, patch_size=16, num_blocks=2, embed_dim=10),
    "swin": lambda: timm.models.SwinTransformer(
        32, 4, num_classes=3, embed_dim=8, depths=(1, 1), num_heads=(1, 2), window_size=4, always_partition=True
    ),
}


@pytest.mark.parametrize("name", ["test_convnext", "test_efficientnet", "mixer"])
def test_the_usual_networks_are_measured_whole(data, seeded, probe, name):
    net = seeded(NETS[name], torch.float32)
    report = probe(net, data(6, (3, 32, 32), dtype=torch.float32))
    counted = [m for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    assert len(report.wide()) == len(counted)
    assert not report.table.query("status == 'ok'")["value"].isna().any()


@pytest.mark.parametrize("name", ["test_convnext", "test_efficientnet", "mixer", "swin"])
def test_blocks_are_read_at_their_output_on_the_axis_of_their_features(
    data, seeded, probe, agree, by_hand, row, name, split
):
    X, Y = data(20, (3, 32, 32))
    net = seeded(NETS[name])
    report = probe(net, split(X, Y, 8), layers="blocks")
    names = list(dict.fromkeys(report.table["layer"]))[:-1]
    for block, x in by_hand(net, [X], names, reads="output").items():
        if name == "swin":
            H = x.mean((1, 2))
        else:
            H = x.mean(1) if x.ndim == 3 else x.mean((2, 3))
        agree(report, block, H, Y)
    if name == "test_convnext":
        found = row(report, "stages.1.blocks.0", "deep.weight_stable_rank")
        assert (found["status"], found["note"]) == ("not defined", "not defined for grouped convolutions (groups = 32)")
    if name == "mixer":
        found = row(report, names[0], "deep.weight_stable_rank")
        assert found["note"] == "the next weight, 'blocks.1.mlp_tokens.fc1', reads 4 features and not 10"


def test_blocks_of_resnet18_are_measured_with_the_weight_that_reads_them(
    data, seeded, probe, agree, by_hand, left_singular
):
    X, Y = data(12, (3, 32, 32))
    net = seeded(lambda: timm.create_model("resnet18", num_classes=3))
    report = probe(net, (X, Y), layers="blocks")
    readers = {"layer1.0": "layer1.1.conv1", "layer1.1": "layer2.0.conv1", "layer4.1": "fc"}
    for block, x in by_hand(net, [X], list(readers), reads="output").items():
        agree(report, block, x.mean((2, 3)), Y, left_singular(net.get_submodule(readers[block])))


def test_windows_folded_into_the_batch_are_read_as_positions_of_their_sample(
    data, seeded, probe, agree, by_hand, left_singular
):
    X, Y = data(12, (3, 32, 32))
    net = seeded(NETS["swin"])
    names = ["layers.0.blocks.0.attn.qkv", "layers.0.blocks.0.attn.proj", "layers.0.blocks.0.mlp.fc1"]
    report = probe(net, (X, Y))
    for name, x in by_hand(net, [X], names).items():
        rows = x.reshape(len(X), -1, x.shape[-1]).mean(1)
        agree(report, name, rows, Y, left_singular(net.get_submodule(name)))


def test_torchs_own_transformer_is_measured_with_the_projections_of_its_attention(
    data, seeded, probe, agree, by_hand, row, split
):
    X, Y = data(50, (4, 8))
    net = seeded(
        lambda: nn.Sequential(
            nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, 0.5, batch_first=True), 2),
            nn.Flatten(),
            nn.Linear(32, 3),
        )
    )
    report = probe(net, split(X, Y, 20))
    linears = [f"0.layers.{i}.linear{k}" for i in (0, 1) for k in (1, 2)] + ["2"]
    projections = [f"0.layers.{i}.self_attn.{part}_proj" for i in (0, 1) for part in ("q", "k", "v", "out")]
    assert set(report.table["layer"]) == {*linears, *projections, "(network)"}
    for name, x in by_hand(net, [X], linears).items():
        agree(report, name, x if x.ndim == 2 else x.mean(1), Y, net.get_submodule(name).weight)
    hidden = X
    for i, layer in enumerate(net[0].layers):
        attention = layer.self_attn
        parts = attention.in_proj_weight.detach().chunk(3)
        for letter, W in zip("qkv", parts, strict=True):
            agree(report, f"0.layers.{i}.self_attn.{letter}_proj", hidden.mean(1), Y, W)
        q, k, v = (
            (hidden @ W.T + b).unflatten(-1, (2, 4)).transpose(1, 2)
            for W, b in zip(parts, attention.in_proj_bias.detach().chunk(3), strict=True)
        )
        heads = ((q @ k.mT / 2).softmax(-1) @ v).transpose(1, 2).flatten(2)
        agree(report, f"0.layers.{i}.self_attn.out_proj", heads.mean(1), Y, attention.out_proj.weight)
        hidden = layer(hidden).detach()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv1d(5, 4, 3), (5, 9)),
        (nn.Conv3d(5, 4, 2), (5, 3, 4, 2)),
        (nn.ConvTranspose2d(5, 4, 3), (5, 4, 4)),
        (nn.ConvTranspose1d(5, 4, 3), (5, 9)),
        (nn.Linear(5, 4), (3, 2, 5)),
    ],
)
def test_features_and_weight_of_every_kind_of_layer(data, probe, agree, layer, shape, left_singular):
    X, Y = data(50, shape)
    net = nn.Sequential(layer.double(), nn.Flatten())
    axis = 1 if not isinstance(layer, nn.Linear) else -1
    H = X.movedim(axis, -1).flatten(1, -2).mean(1)
    W = layer.weight.detach()
    if not isinstance(layer, nn.Linear):
        transposed = isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d)
        W = W.flatten(1).T if transposed else left_singular(layer)
    assert "deep.feature_weight_alignment" in agree(probe(net, (X, Y)), "0", H, Y, W)


def test_grouped_convolutions_have_features_and_weight_measures_not_defined(data, seeded, probe, agree, row):
    X, Y = data(30, (4, 5, 5))
    net = seeded(
        lambda: nn.Sequential(
            nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 6, 1, groups=2), nn.Flatten(), nn.Linear(54, 3)
        )
    )
    report = probe(net, (X, Y))
    agree(report, "0", X.mean((2, 3)), Y)
    agree(report, "1", net[0](X).detach().mean((2, 3)), Y)
    for layer, groups in (("0", 4), ("1", 2)):
        for measure in ("deep.weight_stable_rank", "deep.feature_weight_alignment", "deep.noise_alignment"):
            found = row(report, layer, measure)
            assert np.isnan(found["value"])
            assert (found["status"], found["note"]) == (
                "not defined",
                f"not defined for grouped convolutions (groups = {groups})",
            )


def test_a_bare_linear_is_a_network(data, probe, agree):
    X, Y = data(40)
    net = nn.Linear(6, 3).double()
    report = probe(net, (X, Y))
    assert "deep.feature_weight_alignment" in agree(report, "(layer)", X, Y, net.weight.detach())
    assert report.wide().index.get_level_values("layer").tolist() == ["(layer)"]


def test_the_weight_matrix_by_definition(cnn, left_singular):
    for module in cnn():
        if isinstance(module, nn.Conv2d):
            ours, theirs = weight_matrix(module), left_singular(module)
            torch.testing.assert_close(ours.T @ ours, theirs.T @ theirs)

import itertools
import warnings

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import deepnrc
from deepnrc.errors import DataError, UsageError
from deepnrc.networks.layers import weight_matrix
from deepnrc.networks.taps import Taps


def split(X, Y, size):
    return list(zip(X.split(size), Y.split(size), strict=True))


def left_singular(module):
    """W (m, d) by the definition: a convolution as c_in x (c_out k k), turned."""
    weight = module.weight.detach().double()
    return weight.transpose(0, 1).reshape(weight.shape[1], -1).T if weight.ndim > 2 else weight


# --- every layer against features taken out by hand


def test_every_layer_of_an_mlp_is_what_is_read_by_hand(data, mlp, probe, agree, by_hand, row):
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
def test_every_layer_of_a_cnn_is_what_is_read_by_hand_under_every_pooling(data, cnn, probe, agree, by_hand, row, pool):
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


def test_every_layer_of_resnet18_is_what_is_read_by_hand(data, seeded, probe, agree, by_hand, moments):
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
def test_every_linear_of_a_vision_transformer_is_read_along_its_tokens(data, seeded, probe, agree, by_hand, row, pool):
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
def test_blocks_are_read_at_their_output_on_the_axis_of_their_features(data, seeded, probe, agree, by_hand, row, name):
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


def test_blocks_of_resnet18_are_measured_with_the_weight_that_reads_them(data, seeded, probe, agree, by_hand):
    X, Y = data(12, (3, 32, 32))
    net = seeded(lambda: timm.create_model("resnet18", num_classes=3))
    report = probe(net, (X, Y), layers="blocks")
    readers = {"layer1.0": "layer1.1.conv1", "layer1.1": "layer2.0.conv1", "layer4.1": "fc"}
    for block, x in by_hand(net, [X], list(readers), reads="output").items():
        agree(report, block, x.mean((2, 3)), Y, left_singular(net.get_submodule(readers[block])))


def test_windows_folded_into_the_batch_are_refused_by_name_with_a_way_out(data, seeded, probe):
    X, Y = data(4, (3, 32, 32))
    net = seeded(NETS["swin"])
    with pytest.raises(
        UsageError, match=r"'layers\.0\.blocks\.0\.attn\.qkv' gave 16 rows .* Windows or tokens were folded"
    ):
        probe(net, (X, Y))
    assert len(probe(net, (X, Y), layers="!*.attn.*").wide()) > 4


def test_torchs_own_transformer_is_measured_and_its_out_proj_named(data, seeded, probe, agree, by_hand, row):
    X, Y = data(50, (4, 8))
    net = seeded(
        lambda: nn.Sequential(
            nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, 0.5, batch_first=True), 2),
            nn.Flatten(),
            nn.Linear(32, 3),
        )
    )
    report = probe(net, split(X, Y, 20))
    names = ["0.layers.0.linear1", "0.layers.0.linear2", "0.layers.1.linear1", "0.layers.1.linear2", "2"]
    assert list(dict.fromkeys(report.table["layer"]))[:-1] == names
    for name, x in by_hand(net, [X], names).items():
        agree(report, name, x if x.ndim == 2 else x.mean(1), Y, net.get_submodule(name).weight)
    left_out = dict(report.provenance[0]["left_out"])
    assert "without running the module" in left_out["0.layers.1.self_attn.out_proj"]
    blocks = probe(net, (X, Y), layers="blocks")
    note = row(blocks, "0.layers.0", "deep.weight_stable_rank")["note"]
    assert note == "the next weight, '0.layers.1.self_attn', is neither Linear nor a convolution"


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
def test_features_and_weight_of_every_kind_of_layer(data, probe, agree, layer, shape):
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


# --- batches and forms of data


@pytest.mark.parametrize("size", [1, 7, 13, 59, 1000])
def test_batching_changes_nothing(data, cnn, probe, same, size):
    X, Y = data(60, (3, 8, 8))
    net = cnn()
    same(probe(net, split(X, Y, size)), probe(net, [(X, Y)]), rel=1e-12)


def test_every_form_of_loader_gives_the_same_numbers(data, mlp, probe, same):
    X, Y = data()
    net = mlp()
    reference = probe(net, [(X, Y)])

    class Stream(IterableDataset):
        def __iter__(self):
            return iter(zip(X, Y, strict=True))

    frozen = X.numpy().copy()
    frozen.flags.writeable = False
    for loader in (
        split(X, Y, 60),
        (X, Y),
        (X.numpy(), Y.numpy()),
        (frozen, Y),
        ((x, y) for x, y in split(X, Y, 60)),
        DataLoader(TensorDataset(X, Y), batch_size=60),
        DataLoader(Stream(), batch_size=60),
        [[X, Y]],
        [(X, Y.tolist())],
    ):
        same(probe(net, loader), reference)


def test_tuple_and_keyword_inputs_give_the_same_numbers(data, seeded, probe, same):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(6, 5), nn.Linear(5, 3)

        def forward(self, x, scale=None, flag=False):
            return self.b(self.a(x) * scale).relu()

    X, Y = data()
    net = seeded(Scaled)
    S = 1 + X[:, :1] ** 2
    reference = probe(net, [((X, S), Y)])
    for x in ([X, S], {"x": X, "scale": S, "flag": True}, {"scale": S.numpy(), "x": X}):
        same(probe(net, [(x, Y)]), reference, rel=0)
    halves = [({"x": x, "scale": s}, y) for x, s, y in zip(X.split(23), S.split(23), Y.split(23), strict=True)]
    same(probe(net, halves), reference)


@pytest.mark.parametrize("limit", [1, 6, 40, 55])
def test_max_samples_is_exact(data, mlp, probe, same, limit):
    X, Y = data()
    net = mlp()
    report = probe(net, split(X, Y, 20), max_samples=limit)
    assert set(report.table["n_samples"]) == {limit}
    same(report, probe(net, (X[:limit], Y[:limit])))


@pytest.mark.parametrize("wrap", [lambda y: (y, None), lambda y: {"y": y, "extra": y[:, :1]}, lambda y: [[y]]])
def test_networks_that_return_containers(data, mlp, probe, same, wrap):
    class Wrapped(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return wrap(self.inner(x))

    X, Y = data()
    same(probe(Wrapped(mlp()), (X, Y)), probe(mlp(), (X, Y)), rel=0, labels=False)


def test_a_vector_of_targets_is_one_column_and_nrc3_is_not_defined(data, mlp, probe, same, row):
    X, Y = data(n=1)
    report = probe(mlp(n=1), (X, Y[:, 0]))
    same(report, probe(mlp(n=1), (X, Y)), rel=0)
    found = row(report, "4", "nrc.3")
    assert (found["status"], found["note"]) == ("not defined", "identically 0 for a single target")


def test_classes_are_one_hot_targets_as_wide_as_the_output(data, mlp, probe, same):
    X, _ = data()
    classes = torch.arange(60) % 2  # class 2 never appears
    same(probe(mlp(), (X, classes)), probe(mlp(), (X, nn.functional.one_hot(classes, 3).double())), rel=0)


# --- no trace


@pytest.fixture
def model(mlp):
    """A network in training, one of whose normalisations is frozen, another part of which does not learn."""
    net = nn.Sequential(mlp(), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.BatchNorm1d(3), nn.Linear(3, 3)).double().train()
    net[1].eval()
    net[0][0].weight.requires_grad_(False)
    return net


@pytest.fixture
def state(hooks):
    def look(net):
        return (
            hooks(net),
            [module.training for module in net.modules()],
            [(p.requires_grad, p.grad is None, str(p.device), p.dtype) for p in net.parameters()],
            {name: value.tolist() for name, value in net.state_dict().items()},
            torch.get_rng_state().tolist(),
            torch._dynamo.eval_frame._stance.stance,
            torch.is_grad_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.backends.mha.get_fastpath_enabled(),
        )

    return look


def interrupted(X, Y):
    yield X, Y
    raise KeyboardInterrupt


ENDINGS = {
    "a good end": (lambda X, Y: DataLoader(TensorDataset(X, Y), shuffle=True, batch_size=9), {}, None),
    "autocast": (lambda X, Y: [(X, Y)], {"autocast": torch.bfloat16}, None),
    "an exception in forward": (lambda X, Y: [(X, Y), (X[:, :2], Y)], {}, RuntimeError),
    "a typo": (lambda X, Y: [(X, Y)], {"layers": "0.00"}, UsageError),
    "NaN in the inputs": (lambda X, Y: [(X, Y), (X / 0, Y)], {}, DataError),
    "NaN in the targets": (lambda X, Y: [(X, Y), (X, Y / 0)], {}, DataError),
    "Ctrl-C": (interrupted, {}, KeyboardInterrupt),
    "an empty loader": (lambda X, Y: [], {}, DataError),
    "a shuffling second pass": (
        lambda X, Y: DataLoader(TensorDataset(X, Y), shuffle=True, batch_size=9),
        {"probes": "nrc.1_centred"},
        UsageError,
    ),
    "a device that is not there": (lambda X, Y: [(X, Y)], {"device": "nonsense"}, UsageError),
    "a pooling that fails": (lambda X, Y: [(X, Y)], {"pool": "men"}, UsageError),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_network_is_as_it_was_whatever_happened(data, model, probe, state, ending):
    X, Y = data()
    loader, options, error = ENDINGS[ending]
    before = state(model)
    if error is None:
        probe(model, loader(X, Y), **options)
    else:
        with pytest.raises(error):
            probe(model, loader(X, Y), **options)
    assert state(model) == before


def test_the_measurement_is_made_in_evaluation_mode(data, model, probe, same):
    X, Y = data()
    same(probe(model, (X, Y)), probe(model.eval(), (X, Y)), rel=0)


def test_a_network_whose_train_changes_weights_is_as_it_was_too(data, probe, state):
    class Merging(nn.Linear):
        def train(self, mode=True):
            with torch.no_grad():
                self.weight += 1.0 if mode else -1.0
            return super().train(mode)

    net = nn.Sequential(Merging(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)).double()
    before = state(net)
    probe(net, data())
    assert state(net) == before


def test_no_graph_is_built(data, mlp, probe):
    seen = []
    net = mlp()
    net[4].register_forward_hook(lambda module, args, out: seen.append(out.requires_grad))
    probe(net, data())
    assert seen == [False]


def test_hooks_of_others_stay(data, mlp, probe, hooks):
    X, Y = data()
    net = mlp()
    seen = []
    net[2].register_forward_hook(lambda *_: seen.append(1))
    probe(net, (X, Y))
    assert hooks(net) == len(seen) == 1


def test_all_hooks_are_those_of_taps(data, mlp, probe, monkeypatch, hooks):
    monkeypatch.setattr(Taps, "install", lambda self: None)
    X, Y = data()
    with pytest.raises(UsageError, match="no forward pass"):
        probe(net := mlp(), (X, Y))
    assert hooks(net) == 0


# --- precisions


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_and_single_precision_features_are_summed_in_float64(data, seeded, probe, agree, by_hand, row, dtype):
    X, Y = data(200, (3, 6, 6), dtype=dtype)
    net = seeded(lambda: nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(80, 3)), dtype)
    report = probe(net, split(X, Y, 64))
    kept = by_hand(net, X.split(64), ["0", "3"])
    agree(report, "0", kept["0"].double().mean((2, 3)), Y, left_singular(net[0]))
    agree(report, "3", kept["3"], Y, net[3].weight.detach())
    floor = row(report, "3", "deep.noise_fraction")["floor"]
    assert floor > (torch.finfo(dtype).eps / 2) ** 2


def test_autocast_is_measured_as_it_runs(data, mlp, probe, agree, row):
    X, Y = data(200, dtype=torch.float32)
    net = mlp(torch.float32)
    report = probe(net, split(X, Y, 64), autocast=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        H = torch.cat([net[:2](x) for x in X.split(64)])
    assert H.dtype == torch.bfloat16
    agree(report, "2", H, Y, net[2].weight.detach())
    assert report.provenance[0]["autocast"] == "torch.bfloat16"


def test_offset_features_with_little_noise_are_read_right(probe, truth, row):
    g = torch.Generator().manual_seed(0)
    Y = torch.randn(300, 2, generator=g, dtype=torch.float64)
    X = Y @ torch.randn(2, 9, generator=g, dtype=torch.float64)
    X = X + 1e-4 * torch.randn(300, 9, generator=g, dtype=torch.float64) + 1e4
    report = probe(nn.Linear(9, 2).double(), split(X, Y, 64))
    got = report.table.set_index(["measure", "variant"])["value"]
    assert got["deep.noise_fraction", "default"] == pytest.approx(truth(X, Y)["deep.noise_fraction"], rel=1e-6)


# --- degenerate inputs


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


def test_a_layer_dead_in_the_first_batch_and_alive_later(data, mlp, probe, agree, by_hand):
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


def test_infinite_features_name_layer_and_batch(data, mlp, probe):
    X, Y = data()
    X[40] = 1e300
    net = mlp()
    net[0].weight.data *= 1e10
    with pytest.raises(DataError, match=r"features of layer '2' hold NaN or infinity in batch 3"):
        probe(net, split(X, Y, 20))


@pytest.mark.parametrize("empty", [[], iter([]), [(torch.zeros(0, 6).double(), torch.zeros(0, 3))]])
def test_an_empty_loader_is_refused(mlp, probe, empty):
    with pytest.raises(DataError, match="The data is empty: the loader yielded no samples"):
        probe(mlp(), empty)


def test_targets_without_columns_are_refused(data, mlp, probe):
    X, _ = data()
    with pytest.raises(UsageError, match=r"targets of batch 1 have shape \(60, 0\) .* n >= 1"):
        probe(mlp(), [(X, torch.zeros(60, 0))])


def test_targets_of_another_number_of_rows_are_refused(data, mlp, probe):
    X, Y = data()
    with pytest.raises(UsageError, match=r"'0' gave 60 rows in batch 1, and the targets have 59"):
        probe(mlp(), [(X, Y[:59])])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_samples": 0}, r"max_samples must be at least 1, or None for all; it is 0"),
        ({"max_samples": 2.5}, r"max_samples must be a whole number; it is 2\.5"),
        ({"max_samples": True}, r"max_samples must be a whole number; it is True"),
        ({"step": 1.5}, r"A step must be a whole number; it is 1\.5"),
        ({"step": "a"}, r"A step must be a whole number; it is 'a'"),
        ({"autocast": "bfloat16"}, r"autocast must be a dtype such as torch\.bfloat16, or None; it is 'bfloat16'"),
        ({"device": "nonsense"}, r"There is no device 'nonsense'\. Give one that torch knows"),
        ({"rank": 7}, r"rank=7 exceeds the width of '0 \(6\)'"),
    ],
)
def test_arguments_that_cannot_be_are_refused(data, mlp, probe, options, words):
    with pytest.raises(UsageError, match=words):
        probe(mlp(), data(), **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused(data, mlp, probe):
    with pytest.raises(UsageError, match=r"The device 'cuda' is not available on this machine\. Leave it out"):
        probe(mlp(), data(), device="cuda")


def test_torchscript_and_lazy_networks_are_refused(data, probe):
    with pytest.raises(UsageError, match="have no weights yet"):
        probe(nn.Sequential(nn.LazyLinear(3)), data())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.trace(nn.Linear(6, 3), torch.zeros(1, 6))
    with pytest.raises(UsageError, match="A TorchScript module takes no hooks"):
        probe(script, data())


def test_numpys_whole_numbers_are_taken_as_whole_numbers(data, mlp, probe):
    report = probe(mlp(), data(), step=np.int64(3), max_samples=np.int32(40))
    (record,) = report.provenance
    assert (report.steps, record["step"], record["samples"], record["data"]["max_samples"]) == ([3], 3, 40, 40)
    assert type(record["step"]) is type(record["data"]["max_samples"]) is int


@pytest.mark.parametrize("device", [None, "cpu"])
def test_networks_without_weights_are_refused(data, mlp, probe, hooks, device):
    whole, half = mlp().to("meta"), mlp()
    half[2].to("meta")
    for model, first in ((whole, "0.weight"), (half, "2.weight")):
        with pytest.raises(UsageError, match=rf"The network is on the meta device and has no weights: '{first}', "):
            probe(model, data(), device=device)
        assert hooks(model) == 0


# --- the second pass


def test_centred_nrc_is_what_is_computed_by_hand(data, mlp, probe, by_hand, row):
    X, Y = data(200)
    net = mlp()
    report = probe(net, split(X, Y, 33), probes=["nrc.1", "nrc.1_centred", "nrc.2_centred"])
    H = by_hand(net, [X], ["4"])["4"]
    Hc = H - H.mean(0)
    P = torch.linalg.svd(Hc, full_matrices=False)[2][:3]
    Q = torch.linalg.svd(net[4].weight.detach(), full_matrices=False)[2]
    for measure, rows, basis in (("nrc.1", H, P), ("nrc.1_centred", Hc, P), ("nrc.2_centred", Hc, Q)):
        alive = rows[rows.norm(dim=1) > 0]
        u = alive / alive.norm(dim=1, keepdim=True)
        expected = float(((u - u @ basis.T @ basis) ** 2).sum(1).mean())
        assert row(report, "4", measure)["value"] == pytest.approx(expected, rel=1e-9)


def test_the_second_pass_keeps_to_max_samples(data, mlp, probe, same):
    X, Y = data()
    options = {"probes": "nrc.1_centred"}
    same(probe(mlp(), split(X, Y, 16), max_samples=40, **options), probe(mlp(), (X[:40], Y[:40]), **options))


@pytest.mark.parametrize("kind", ["shuffled inputs", "shuffled targets", "generator"])
def test_a_second_pass_over_other_data_is_refused(data, mlp, probe, kind):
    X, Y = data()
    order = itertools.cycle([torch.arange(60), torch.arange(60).flip(0)])

    class Loader:
        def __iter__(self):
            at = next(order)
            yield (X, Y[at]) if kind == "shuffled targets" else (X[at], Y[at])

    loader = iter([(X, Y)]) if kind == "generator" else Loader()
    with pytest.raises(
        UsageError, match=r"second pass saw other data than the first, .* no shuffling, .* no generator"
    ):
        probe(mlp(), loader, probes="nrc.1_centred")


def test_one_pass_is_made_unless_a_probe_needs_two(data, mlp, probe):
    X, Y = data()
    probe(mlp(), iter([(X, Y)]))
    assert "nrc.1_centred" not in probe(mlp(), [(X, Y)]).measures
    assert deepnrc.probe.__kwdefaults__["probes"] is None


def test_the_weight_matrix_by_definition(cnn):
    for module in cnn():
        if isinstance(module, nn.Conv2d):
            ours, theirs = weight_matrix(module), left_singular(module)
            torch.testing.assert_close(ours.T @ ours, theirs.T @ theirs)


class Heads(nn.Module):
    """A policy and a value head on one body; the value head runs last."""

    def __init__(self):
        super().__init__()
        self.body, self.policy, self.value = nn.Linear(6, 8), nn.Linear(8, 3), nn.Linear(8, 1)

    def forward(self, x):
        h = self.body(x).relu()
        return {"policy": self.policy(h), "value": self.value(h)}


def rows_of(report, measure):
    return report.table[(report.table["measure"] == measure) & (report.table["variant"] == "default")]


def test_the_top_layer_is_the_one_whose_outputs_are_the_targets(data, seeded, probe):
    X, _ = data()
    net = seeded(Heads)
    report = probe(net, (X, net(X)["policy"].detach() + 1))
    assert rows_of(report, "nrc.2")["layer"].tolist() == ["policy"]
    assert rows_of(report, "model.mse")["value"].item() == pytest.approx(1)


def test_a_top_layer_that_was_not_probed_is_not_replaced_by_another(data, mlp, probe):
    X, Y = data()
    net = mlp()
    names = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)]
    found = rows_of(probe(net, (X, Y), layers=names[:-1]), "nrc.1")
    assert found["status"].tolist() == ["not defined"]
    assert found["note"].item() == f"the network's last layer, '{names[-1]}', was not probed"


def test_outputs_that_could_both_be_the_prediction_are_not_chosen_from(data, seeded, probe):
    class Two(Heads):
        def forward(self, x):
            y = super().forward(x)["policy"]
            return {"auxiliary": y + 5, "logits": y}

    X, _ = data()
    found = rows_of(probe(seeded(Two), (X, torch.zeros(len(X), 3))), "model.mse")
    assert (found["status"].item(), found["note"].item()) == (
        "not defined",
        "several outputs have the targets' shape (N, 3): which predicts is unknown",
    )


def test_the_error_against_classes_is_said_to_be_one(data, mlp, probe):
    X, _ = data()
    found = rows_of(probe(mlp(), (X, torch.arange(len(X)) % 3)), "model.mse")
    assert found["note"].item() == "against classes as one-hot targets"

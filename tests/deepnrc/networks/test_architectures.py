"""The networks of the field, each attached to as it is, and held number by number against measures by hand."""

import pytest
import timm
import torch
from timm.models import ConvNeXt, MlpMixer, VisionTransformer
from torch import nn

import deepnrc
from deepnrc.networks.choosing.layers import choose
from experiments.byhand import compared
from experiments.networks import ResNet

SIDE, OUTPUTS = 32, 3
BY_HAND = {"deep.noise", "deep.feature_weight_alignment", "deep.cka", "deep.linear_mse", "nrc.1", "nrc.2", "model.mse"}


def convnext():
    return ConvNeXt(num_classes=OUTPUTS, depths=(1, 1, 1, 1), dims=(8, 10, 12, 14))


def efficientnet():
    return timm.create_model("test_efficientnet", num_classes=OUTPUTS)


def vit():
    return VisionTransformer(SIDE, 16, embed_dim=12, depth=2, num_heads=2, num_classes=OUTPUTS, mlp_ratio=2)


def mixer():
    return MlpMixer(OUTPUTS, SIDE, patch_size=16, num_blocks=2, embed_dim=10)


def resnet(depth, head="linear"):
    return lambda: ResNet(depth, (6, 8, 10, 12), head).make(3, OUTPUTS, 0)


# behind a LayerNorm one direction holds nothing but rounding: in float32 its part in a linear fit is chance
NORMED = {"convnext", "vit", "mixer"}
NETWORKS = {
    "resnet18": resnet(18),
    "resnet18, mlp head": resnet(18, "mlp"),
    "resnet34": resnet(34),
    "convnext": convnext,
    "efficientnet": efficientnet,
    "vit": vit,
    "mixer": mixer,
}


@pytest.fixture
def images(data):
    """Batches of images with targets, 130 in all and 10 in the last; only EfficientNet has layers as wide."""
    X, Y = data(130, (3, SIDE, SIDE), n=OUTPUTS, dtype=torch.float32)
    return list(zip(X.split(40), Y.split(40), strict=True))


@pytest.fixture
def trained(seeded, images):
    """A network after a few steps of training, so that nothing in it is as it was initialised."""

    def make(name, dtype=torch.float32):
        net = seeded(NETWORKS[name], torch.float32)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
        net.train()
        for x, y in images:
            optimiser.zero_grad()
            nn.functional.mse_loss(net(x), y).backward()
            optimiser.step()
        return net.eval().to(dtype)

    return make


@pytest.fixture
def largest():
    """The largest relative difference between a report and the measures by hand; what only one of them has is an error
    but for angles to a whole space."""

    def difference(report, net, batches, measures=""):
        rows = compared(report.table, net, batches)
        rows = rows[rows["measure"].str.startswith(measures)]
        alone = rows[rows["by_hand"].isna()]
        assert set(alone["measure"]) <= {"deep.noise_alignment"}, alone
        assert set(rows.dropna()["measure"]) >= BY_HAND or measures
        # behind a LayerNorm an offset of 1e-10 is all that least squares has for an intercept: the oracle loses digits,
        # on one processor more than on another
        without = rows["variant"] == "without intercept"
        assert not (rows.loc[without, "relative"] > 1e-3).any()
        return rows.loc[~without, "relative"].max()

    return difference


def layers_of(report):
    return list(dict.fromkeys(report.table["layer"]))[:-1]


@pytest.mark.parametrize(("name", "dtype"), [(name, torch.float64) for name in NETWORKS] + [
    (name, torch.float32) for name in NETWORKS if name not in NORMED
])  # fmt: skip
def test_every_measure_of_every_layer_is_what_is_computed_by_hand(images, trained, probe, largest, name, dtype):
    net, batches = trained(name, dtype), [(x.to(dtype), y) for x, y in images]
    report = probe(net, batches, probes=["deep.*", "nrc.*", "model.*"])
    weights = [n for n, m in net.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    assert layers_of(report) == [n for n in weights if not n.startswith("layer") or "downsample" not in n]
    assert largest(report, net, batches) < 1e-6


@pytest.mark.parametrize("name", sorted(NORMED))
def test_behind_a_layer_norm_all_but_linear_predictability_is_so_in_float32_too(images, trained, probe, largest, name):
    net = trained(name)
    report = probe(net, images, probes=["deep.*", "nrc.*", "model.*"])
    assert largest(report, net, images, ("deep.noise", "deep.f", "deep.w", "deep.cka", "nrc", "model")) < 1e-6


@pytest.mark.parametrize("name", ["resnet18", "efficientnet"])
def test_every_classifier_measure_of_every_layer_is_what_is_computed_by_hand(images, trained, probe, name):
    net = trained(name)
    batches = [(x, (y.argmax(1) + (y.sum(1) > 0)) % OUTPUTS) for x, y in images]
    report = probe(net, batches, probes=["nc.*", "deep.cka", "nrc.1"])
    rows = compared(report.table, net, batches)
    rows = rows[rows["measure"].str.startswith("nc.")].dropna()
    variants = rows.groupby("measure")["variant"].nunique().to_dict()
    assert {name: n for name, n in variants.items() if n > 1} == {"nc.1": 4, "nc.2": 2, "nc.3": 2, "nc.cdnv": 2}
    alone = {"nc.4", "nc.equinorm", "nc.gnc2", "nc.ncc_error", "nc.total_variation", "nc.unc3"}
    assert {name for name, n in variants.items() if n == 1} == alone
    assert rows["relative"].max() < 1e-6, rows.sort_values("relative").tail()


@pytest.mark.filterwarnings("ignore:Measures of the top layer are not defined")  # of the ViT, whose head reads a token
@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_are_chosen_and_read_at_their_outputs(images, trained, probe, name):
    net = trained(name)
    report = probe(net, images, layers="blocks")
    counts = {"resnet34": 16, "convnext": 4, "vit": 2, "mixer": 2, "efficientnet": 4}
    assert len(layers_of(report)) == counts.get(name, 8)
    ok = report.table[report.table["measure"] == "deep.noise_fraction"]
    assert (ok["status"] == "ok").all()
    for layer in layers_of(report):
        kept = []
        handle = net.get_submodule(layer).register_forward_hook(lambda m, args, out, kept=kept: kept.append(out))
        with torch.no_grad():
            for x, _ in images:
                net(x)
        handle.remove()
        maps = torch.cat(kept).double()
        H = maps.mean((2, 3)) if maps.ndim == 4 else maps.mean(1)
        s = torch.linalg.svdvals(H - H.mean(0))
        got = ok.loc[ok["layer"] == layer, "value"].item()
        assert got == pytest.approx(float((s[OUTPUTS:] ** 2).sum() / (s**2).sum()), rel=1e-6, abs=0), layer


@pytest.mark.parametrize(("depth", "points"), [(18, 17), (34, 33)])
@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_globs_choose_the_published_points_of_a_resnet(depth, points, head):
    setting = ResNet(depth, (4, 4, 4, 4), head)
    sites = choose(setting.make(3, 2, 0), setting.points).sites
    assert len(sites) == points
    assert [site.name for site in sites][:2] == ["layer1.0.conv1", "layer1.0.conv2"]
    assert sites[-1].kind == "Linear"
    assert sites[-1].module.out_features == 2


@pytest.mark.parametrize(("name", "points"), [("resnet18", 17), ("resnet34", 33)])
def test_the_same_globs_choose_them_on_timms_own(name, points):
    with torch.device("meta"):
        net = timm.create_model(name, num_classes=2)
    assert len(choose(net, ["layer[1-4].*.conv*", "fc"]).sites) == points


@pytest.mark.parametrize("name", ["resnet18", "efficientnet", "convnext", "vit"])
def test_bfloat16_is_measured_as_it_runs(images, trained, probe, largest, name):
    net = trained(name)
    report = probe(net, images, autocast=torch.bfloat16)
    # rank.alpha ends where storing in half precision begins, of which the oracle knows nothing
    whole = ("deep", "nrc", "model", "rank.e", "rank.p", "rank.n", "features")
    exact = ("deep.noise", "deep.f", "deep.w", "deep.cka", "nrc", "model") if name in NORMED else whole
    with torch.autocast("cpu", torch.bfloat16):
        assert largest(report, net, images, exact) < 1e-6


@pytest.mark.parametrize("name", ["resnet18", "convnext"])
def test_channels_last_changes_no_axis(images, trained, probe, same, name):
    net = trained(name, torch.float64)
    batches = [(x.double(), y) for x, y in images]
    plain = probe(net, batches)
    last = [(x.to(memory_format=torch.channels_last), y) for x, y in batches]
    same(probe(net.to(memory_format=torch.channels_last), last), plain, rel=1e-6)


@pytest.mark.parametrize("name", ["resnet18", "vit"])
def test_a_compiled_network_is_measured_as_the_plain_one(images, trained, probe, same, name):
    net = trained(name)
    plain = probe(net, images)
    compiled = torch.compile(net, backend="eager")
    compiled(images[0][0])
    same(probe(compiled, images), plain, rel=0)


class Wrapped(nn.Module):
    def __init__(self, net, wrap):
        super().__init__()
        self.net, self.wrap = net, wrap

    def forward(self, x):
        return self.wrap(self.net(x))


@pytest.mark.parametrize("wrap", [lambda y: (y, {"aux": y[:, :1]}), lambda y: {"logits": y, "aux": None}])
def test_outputs_in_tuples_and_dicts_are_found(images, trained, probe, same, wrap):
    net = trained("resnet18")
    same(probe(Wrapped(net, wrap), images), probe(net, images), rel=0, labels=False)


class Shared(nn.Module):
    """One block used twice."""

    def __init__(self):
        super().__init__()
        self.stem, self.block = nn.Conv2d(3, 6, 3, 2), timm.models.resnet.BasicBlock(6, 6)
        self.fc = nn.Linear(6, OUTPUTS)

    def forward(self, x):
        return self.fc(self.block(self.block(self.stem(x))).mean((2, 3)))


def test_each_use_of_a_shared_block_is_a_layer_of_its_own(images, seeded, probe):
    net = seeded(Shared, torch.float32)
    report = probe(net, images, repeats="each")
    assert layers_of(report) == ["stem", "block.conv1", "block.conv2", "block.conv1#2", "block.conv2#2", "fc"]
    with torch.no_grad():
        H = torch.cat([net.block(net.stem(x)).double().mean((2, 3)) for x, _ in images])
    s = torch.linalg.svdvals(H - H.mean(0))
    rows = report.table.query("layer == 'block.conv1#2' and measure == 'deep.noise_fraction'")
    assert rows["value"].item() == pytest.approx(float((s[OUTPUTS:] ** 2).sum() / (s**2).sum()), rel=1e-6, abs=0)


@pytest.mark.parametrize("name", ["resnet18", "convnext", "efficientnet", "vit", "mixer"])
def test_timms_gradient_checkpointing_reads_each_layer_once(images, trained, watched, same, name):
    net = trained(name)
    plain = watched(net, images).report()
    net.set_grad_checkpointing(True)
    with deepnrc.attach(net) as attachment:
        for x, y in images:
            loss = nn.functional.mse_loss(net(x.requires_grad_()), y)
            loss.backward()
            attachment.observe(y)
    same(attachment.report(), plain, rel=1e-9)

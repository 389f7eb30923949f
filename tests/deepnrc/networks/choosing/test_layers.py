import pytest
import timm
import torch
from torch import nn
from torch.nn.utils import parametrizations

from deepnrc.errors import UsageError
from deepnrc.networks.choosing.layers import choose
from deepnrc.networks.choosing.naming import called_shortcuts


class BasicBlock(nn.Module):
    def __init__(self, d, out):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(d, out, 3), nn.Conv2d(out, out, 3)
        self.downsample = nn.Sequential(nn.Conv2d(d, out, 1))

    def forward(self, x):
        return self.conv2(self.conv1(x)) + self.downsample(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.downsample = nn.Conv2d(4, 4, 2)
        self.body = nn.Sequential(BasicBlock(4, 4), nn.Sequential(nn.ReLU(), BasicBlock(4, 8)))
        self.attention = nn.MultiheadAttention(8, 2)
        self.memory = nn.LSTM(8, 8)
        self.head = nn.Linear(8, 2)


ATTENTION = [f"attention.{part}_proj" for part in ("q", "k", "v", "out")]
BODY = ["body.0.conv1", "body.0.conv2", "body.1.1.conv1", "body.1.1.conv2"]
FIRST, SECOND = [*BODY[:2], "body.0.downsample.0"], [*BODY[2:], "body.1.1.downsample.0"]
ALL = ["stem", "downsample", *FIRST, *SECOND, *ATTENTION, "head"]


def names(layers):
    return [site.name for site in choose(Net(), layers).sites]


def test_weights_are_every_linear_and_convolution_and_what_is_left_out_is_named():
    choice = choose(Net())
    assert [site.name for site in choice.sites] == ALL
    assert dict(choice.left_out) == {
        "memory": "LSTM is neither Linear nor a convolution",
    }


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("head", ["head"]),
        ("body.*.conv2", ["body.0.conv2", "body.1.1.conv2"]),
        ("body.0", ["body.0"]),
        ("body.?", ["body.0", "body.1"]),
        (["head", "stem"], ["stem", "head"]),
        (["!body.*"], ["stem", "downsample", *ATTENTION, "head"]),
        (["!body", "!attention"], ["stem", "downsample", "head"]),
        ("!*.conv?", ["stem", "downsample", FIRST[2], SECOND[2], *ATTENTION, "head"]),
        (["body.*", "!*.downsample.*"], BODY),
        (["weights", "!stem"], ALL[1:]),
        ("blocks", ["body.0", "body.1.1"]),
        (["blocks", "!body.1.*"], ["body.0"]),
        (["blocks", "head"], ["body.0", "body.1.1", "head"]),
        (nn.Linear, ["attention.out_proj", "head"]),
        ((nn.Linear, BasicBlock), ["body.0", "body.1.1", "attention.out_proj", "head"]),
        (["*"], ALL),
        ("attention.out_proj", ["attention.out_proj"]),
        ("attention.?_proj", ATTENTION[:3]),
        ("attention", ["attention"]),
        (lambda name, module: "conv1" in name and isinstance(module, nn.Conv2d), ["body.0.conv1", "body.1.1.conv1"]),
    ],
)
def test_patterns_choose_in_the_order_of_the_network(layers, expected):
    assert names(layers) == expected


def test_what_a_pattern_leaves_out_is_named_too():
    left_out = dict(choose(Net(), ["!head"]).left_out)
    assert left_out["head"] == "named by '!head'"
    assert left_out["memory"] == "LSTM is neither Linear nor a convolution"


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ("haed", r"No layer is called 'haed'\. Did you mean 'head'\? The network has: 'stem', .* and \d+ more"),
        (["head", "bdy.*"], r"No layer is called 'bdy\.\*'"),
        ("!haed", r"No layer is called 'haed'\. Did you mean 'head'"),
        (["head", "!head"], r"layers=\['head', '!head'\] leaves nothing to probe\. Modules: 'stem'"),
        ([], r"layers=\[\] names nothing to probe"),
        (nn.Conv3d, r"No module is a Conv3d\. The network is made of: 'BasicBlock', 'Conv2d'"),
        (
            lambda module: True,
            r"layers must take a name and a module, as lambda name, module: .* \(too many positional",
        ),
        (lambda: True, "layers must take a name and a module"),
        (lambda name, module, further: True, "layers must take a name and a module"),
        (lambda name, module: False, r"The callable chose none of the \d+ modules: 'stem'"),
        (3, r"layers must be 'weights', 'blocks', globs, types or a callable, not 3"),
        ([3], r"layers may hold globs and module types, not 3"),
    ],
)
def test_what_matches_nothing_is_refused_with_the_nearest_names(layers, words):
    with pytest.raises(UsageError, match=words):
        names(layers)


def test_a_network_without_what_was_asked_for_is_refused():
    with pytest.raises(UsageError, match=r"no Linear or convolution to probe\. Name other modules"):
        choose(nn.Sequential(nn.ReLU(), nn.LSTM(2, 2)))
    with pytest.raises(UsageError, match=r"No blocks, .* Use layers='weights', or name .* modules are: 'Sequential'"):
        choose(nn.Sequential(nn.Sequential(nn.Linear(2, 2))), "blocks")
    with pytest.raises(UsageError, match=r"No blocks, .* were found in the network\. Name its parts with a glob"):
        choose(nn.Sequential(nn.ReLU(), nn.LSTM(2, 2)), "blocks")


def test_a_bare_layer_is_a_network():
    assert [site.name for site in choose(nn.Linear(2, 3)).sites] == ["(layer)"]
    wrapped = choose(parametrizations.weight_norm(nn.Linear(2, 3)))
    assert [site.name for site in wrapped.sites] == ["(layer)"]
    assert wrapped.left_out == ()


def test_lazy_modules_are_refused_until_they_have_weights():
    net = nn.Sequential(nn.LazyLinear(4), nn.Linear(4, 2))
    with pytest.raises(UsageError, match=r"'0' have no weights yet\. Run one batch through the network first"):
        choose(net)
    net(torch.zeros(2, 3))
    assert [site.dim for site in choose(net).sites] == [3, 4]


@pytest.mark.parametrize(
    ("make", "expected", "axis"),
    [
        (lambda: timm.create_model("resnet18"), [f"layer{i}.{j}" for i in (1, 2, 3, 4) for j in (0, 1)], 1),
        (lambda: timm.create_model("test_vit"), [f"blocks.{i}" for i in range(6)], -1),
        (
            lambda: timm.create_model("test_convnext"),
            ["stages.0.blocks.0", *[f"stages.{i}.blocks.{j}" for i, n in ((1, 2), (2, 4), (3, 2)) for j in range(n)]],
            1,
        ),
        (lambda: timm.create_model("test_efficientnet"), [f"blocks.{i}.0" for i in (1, 2, 3, 4)], 1),
        (
            lambda: timm.models.MlpMixer(img_size=16, patch_size=8, num_blocks=2, embed_dim=8),
            ["blocks.0", "blocks.1"],
            -1,
        ),
        (
            lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 8, batch_first=True), 2),
            ["layers.0", "layers.1"],
            -1,
        ),
    ],
)
def test_blocks_of_the_usual_architectures_are_found(make, expected, axis):
    sites = choose(make(), "blocks").sites
    assert [site.name for site in sites] == expected
    assert {site.reads for site in sites} == {"output"}
    assert {site.axis for site in sites} == {axis}


def test_of_blocks_in_blocks_the_outermost_are_taken():
    net = Net()
    net.body[0].inner = BasicBlock(4, 4)
    assert [site.name for site in choose(net, "blocks").sites] == ["body.0", "body.1.1"]


def test_no_weight_is_left_out_for_its_name():
    net = timm.create_model("test_resnet")
    choice = choose(net)
    assert choice.left_out == ()
    assert {*called_shortcuts(net, choice.weights)} < {site.name for site in choice.sites}

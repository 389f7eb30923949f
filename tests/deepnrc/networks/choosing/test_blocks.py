"""Blocks by structure, on networks that are built from their configuration with random weights."""

import pytest
import timm
import torch
import torchvision
from torch import nn

from deepnrc.networks.choosing.layers import choose


def blocks(net):
    return [site.name for site in choose(net, "blocks").sites]


def numbered(template, count):
    return [template.format(i) for i in range(count)]


class B(nn.Module):
    def __init__(self, d=6):
        super().__init__()
        self.one, self.two = nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, x):
        return x + self.two(torch.relu(self.one(x)))


class Thin(nn.Module):
    def __init__(self, d=6):
        super().__init__()
        self.w, self.norm = nn.Linear(d, d), nn.LayerNorm(d)

    def forward(self, x):
        return x + self.norm(self.w(x))


class Mixed(nn.Module):
    """A block of one part that holds several weights, and a weight beside it."""

    def __init__(self, d=6):
        super().__init__()
        self.attention, self.f, self.g = B(d), nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, x):
        return self.g(self.f(self.attention(x)))


class Stack(nn.Module):
    """Parts under given names, one after the other."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        for part in self.children():
            for step in part if isinstance(part, nn.ModuleList) else [part]:
                x = step(x)
        return x


class Mixture(nn.Module):
    """Attention-like weights, and experts side by side."""

    def __init__(self, d=6):
        super().__init__()
        self.q, self.o, self.gate = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, 3)
        self.experts = nn.ModuleList(B(d) for _ in range(3))

    def forward(self, x):
        x = self.o(self.q(x))
        return sum(g[..., None] * e(x) for g, e in zip(self.gate(x).unbind(-1), self.experts, strict=True))


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (Stack(stem=nn.Linear(4, 6), parts=nn.ModuleList([B(), B()]), head=nn.Linear(6, 2)), ["parts.0", "parts.1"]),
        (nn.Sequential(nn.Linear(4, 6), B(), B(), nn.ReLU(), nn.Linear(6, 2)), ["1", "2"]),
        (Stack(b1=B(), b2=B(), head=nn.Linear(6, 2)), ["b1", "b2"]),
        (Stack(first=B(), second=B(), head=nn.Linear(6, 2)), ["first", "second"]),
        (Stack(parts=nn.ModuleList(Thin() for _ in range(3)), head=nn.Linear(6, 2)), numbered("parts.{}", 3)),
        (Stack(parts=nn.ModuleList([B(), B(), Mixture()]), head=nn.Linear(6, 2)), numbered("parts.{}", 3)),
        (Stack(parts=nn.ModuleList(Mixture() for _ in range(2)), head=nn.Linear(6, 2)), ["parts.0", "parts.1"]),
        (Stack(s1=nn.Sequential(B(), B()), s2=nn.Sequential(B(), Thin())), ["s1.0", "s1.1", "s2.0"]),
        (Stack(l1=nn.Sequential(B()), l2=nn.Sequential(Mixed()), l3=nn.Sequential(B())), numbered("l{}.0", 4)[1:]),
        (Stack(bs=nn.Sequential(B(), Mixed(), nn.ReLU()), head=nn.Linear(6, 2)), ["bs.0", "bs.1"]),
        (Stack(bs=nn.Sequential(nn.Sequential(B()), nn.Sequential(Mixed()))), ["bs.0.0", "bs.1.0"]),
        (Stack(stem=nn.Conv1d(2, 6, 1), only=B(), head=nn.Linear(6, 2)), ["only"]),
        (nn.ModuleList([nn.Sequential(nn.Linear(6, 6), nn.ReLU()) for _ in range(3)]), ["0", "1", "2"]),
    ],
)  # fmt: skip
def test_the_repeated_parts_that_hold_weights_are_blocks(net, expected):
    assert blocks(net) == expected


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: torchvision.models.resnet18(), [f"layer{i}.{j}" for i in (1, 2, 3, 4) for j in (0, 1)]),
        (lambda: torchvision.models.vit_b_16(), numbered("encoder.layers.encoder_layer_{}", 12)),
        (
            lambda: torchvision.models.swin_t(),
            [f"features.{i}.{j}" for i, n in ((1, 2), (3, 2), (5, 6), (7, 2)) for j in range(n)],
        ),
        (
            lambda: torchvision.models.convnext_tiny(),
            [f"features.{i}.{j}" for i, n in ((1, 3), (3, 3), (5, 9), (7, 3)) for j in range(n)],
        ),
        (lambda: torchvision.models.mobilenet_v2(), numbered("features.{}", 18)[1:]),
        (
            lambda: timm.create_model("pvt_v2_b0"),
            [f"stages.{i}.blocks.{j}" for i in range(4) for j in (0, 1)],
        ),
        (
            lambda: timm.create_model("swin_tiny_patch4_window7_224"),
            [f"layers.{i}.blocks.{j}" for i, n in enumerate((2, 2, 6, 2)) for j in range(n)],
        ),
        (lambda: timm.models.ConvNeXt(depths=(1, 1, 1, 1), dims=(8, 8, 8, 8)), numbered("stages.{}.blocks.0", 4)),
    ],
)
def test_blocks_of_vision_networks(make, expected):
    try:
        with torch.device("meta"):
            net = make()
    except NotImplementedError:  # older releases of timm, such as 1.0.20, read numbers of what they make
        net = make()
    assert blocks(net) == expected


SIZES = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("Bert", {**SIZES, "vocab_size": 30}, numbered("encoder.layer.{}", 3)),
        ("Roberta", {**SIZES, "vocab_size": 30}, numbered("encoder.layer.{}", 3)),
        ("GPT2", {"n_embd": 16, "n_layer": 3, "n_head": 2, "vocab_size": 30}, numbered("h.{}", 3)),
        ("Llama", {**SIZES, "vocab_size": 30, "num_key_value_heads": 2}, numbered("layers.{}", 3)),
        ("Mixtral", {**SIZES, "vocab_size": 30, "num_key_value_heads": 2}, numbered("layers.{}", 3)),
        (
            "T5",
            {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "vocab_size": 30},
            [f"{part}.block.{i}" for part in ("encoder", "decoder") for i in (0, 1)],
        ),
        (
            "Swin",
            {
                "image_size": 32,
                "patch_size": 2,
                "embed_dim": 8,
                "depths": [2, 1],
                "num_heads": [1, 2],
                "window_size": 2,
            },
            ["encoder.layers.0.blocks.0", "encoder.layers.0.blocks.1", "encoder.layers.1.blocks.0"],
        ),
        (
            "ConvNext",
            {"hidden_sizes": [4, 6, 8, 10], "depths": [1, 2, 1, 1]},
            [f"encoder.stages.{i}.layers.{j}" for i, n in enumerate((1, 2, 1, 1)) for j in range(n)],
        ),
        (
            "ResNet",
            {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [2, 1], "layer_type": "basic"},
            ["encoder.stages.0.layers.0", "encoder.stages.0.layers.1", "encoder.stages.1.layers.0"],
        ),
    ],
)
def test_blocks_of_transformers(kind, options, expected):
    transformers = pytest.importorskip("transformers")
    net = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**options))
    assert blocks(net) == expected


class Branches(nn.Module):
    """A forward of its own over two sequences."""

    def __init__(self, d=6):
        super().__init__()
        self.branch1 = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d))
        self.branch2 = nn.Sequential(nn.Linear(d, d), nn.Tanh(), nn.Linear(d, d))

    def forward(self, x):
        return self.branch1(x) + self.branch2(x)


def test_numbered_branches_of_a_block_are_no_blocks():
    net = torchvision.models.shufflenet_v2_x0_5(num_classes=3)
    assert blocks(net) == [f"stage{s}.{i}" for s, count in ((2, 4), (3, 8), (4, 4)) for i in range(count)]
    assert blocks(Stack(bs=nn.ModuleList(Branches() for _ in range(3)))) == numbered("bs.{}", 3)
    assert blocks(nn.Sequential(Branches(), Branches())) == ["0", "1"]


def test_a_list_of_one_holds_the_block():
    assert blocks(Stack(stem=nn.Linear(6, 6), layers=nn.ModuleList([Mixed()]))) == ["layers.0"]
    assert blocks(Stack(groups=nn.ModuleList([Stack(layers=nn.ModuleList([Mixed()]))]))) == ["groups.0.layers.0"]
    transformers = pytest.importorskip("transformers")
    size = {"hidden_size": 12, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 20}
    bert = transformers.BertModel(transformers.BertConfig(num_hidden_layers=1, **size))
    assert blocks(bert) == ["encoder.layer.0"]
    albert = transformers.AlbertModel(transformers.AlbertConfig(embedding_size=8, **size))
    assert blocks(albert) == ["encoder.albert_layer_groups.0.albert_layers.0"]

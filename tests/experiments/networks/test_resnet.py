import pytest
import timm
import torch

from experiments.data.splitting import Split
from experiments.networks.resnet import ResNet


def images(channels=3, side=32, y=None):
    x = torch.randn(6, channels, side, side)
    y = torch.randn(6, 2) if y is None else y
    return Split(x, y, x, y)


def test_shapes_come_from_the_data():
    data = images(1, 28)
    net = ResNet(channels=(4, 5, 6, 7), small_images=True).build(data, 0)
    assert net(data.x).shape == (6, 2)
    assert [net.get_submodule(f"layer{i}.1.conv2").out_channels for i in (1, 2, 3, 4)] == [4, 5, 6, 7]
    assert [name for name, _ in net.named_modules() if "downsample.0" in name] == [
        f"layer{i}.0.downsample.0" for i in (2, 3, 4)
    ]


def test_classes_make_as_many_outputs_held_out_ones_included():
    x, y = torch.randn(3, 1, 32, 32), torch.tensor([0, 1, 3])
    net = ResNet(channels=(4, 4, 4, 4)).build(Split(x, y, x, torch.tensor([0, 6, 0])), 0)
    assert net(x).shape == (3, 7)


@pytest.mark.parametrize("depth", [18, 34])
def test_at_the_published_widths_it_is_timms_own(depth):
    ours = ResNet(depth, (64, 128, 256, 512)).make(3, 2, 0).state_dict()
    with torch.device("meta"):
        theirs = timm.create_model(f"resnet{depth}", num_classes=2).state_dict()
    assert {name: value.shape for name, value in ours.items()} == {name: v.shape for name, v in theirs.items()}


@pytest.mark.parametrize(("small", "side"), [(True, 32), (False, 8)])
def test_small_images_keep_their_size_up_to_the_first_stage(small, side):
    net = ResNet(channels=(4, 4, 4, 4), small_images=small).make(3, 2, 0)
    seen = []
    net.layer1.register_forward_pre_hook(lambda m, args: seen.append(args[0].shape[-1]))
    net(torch.randn(2, 3, 32, 32))
    assert seen == [side]


def test_heads_and_biases():
    linear = ResNet(channels=(4, 4, 4, 6), bias=False).make(3, 2, 0).fc
    assert (linear.in_features, linear.bias) == (6, None)
    head = ResNet(channels=(4, 4, 4, 6), head="mlp").make(3, 2, 0).fc
    assert [type(part).__name__ for part in head] == ["Linear", "LayerNorm", "ReLU", "Linear"]
    assert (head[0].out_features, head[3].out_features) == (6, 2)


def test_weights_depend_on_the_seed_and_leave_torchs_own_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (ResNet(channels=(4, 4, 4, 4)).make(3, 2, seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["conv1.weight"], other["conv1.weight"])
    assert one["layer1.0.bn2.weight"].min() == 1  # as published: no branch begins at zero


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"depth": 50}, "depth 18 or 34, not 50"),
        ({"head": "deep"}, "no head 'deep'; choose from linear, mlp"),
        ({"channels": (4, 4, 4)}, r"four stages of at least one channel each, not \(4, 4, 4\)"),
        ({"channels": (4, 4, 4, 0)}, "four stages"),
    ],
)
def test_what_cannot_be_built_is_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        ResNet(**fields)

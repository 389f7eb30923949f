"""Where features are read, on which axis, and with which weight."""

import pytest
import timm
import torch
from torch import nn
from torch.nn.utils import parametrizations

from deepnrc.networks.choosing.layers import choose
from deepnrc.networks.choosing.sites import has_weight, reads_features, site_at, weight_matrix


@pytest.mark.parametrize(
    ("module", "reads", "axis", "dim"),
    [
        (nn.Linear(5, 2), "input", -1, 5),
        (nn.Conv1d(5, 2, 3), "input", 1, 5),
        (nn.Conv3d(5, 2, 3), "input", 1, 5),
        (nn.ConvTranspose2d(5, 2, 3), "input", 1, 5),
        (nn.Conv2d(4, 8, 1, groups=4), "input", 1, 4),
        (nn.LayerNorm(5), "output", -1, 5),
        (nn.BatchNorm2d(5), "output", 1, 5),
        (nn.Sequential(nn.Linear(5, 9), nn.Linear(9, 6)), "output", -1, 6),
        (nn.Sequential(nn.Linear(5, 9), nn.Conv2d(5, 6, 1)), "output", 1, 6),
        (nn.Sequential(nn.Conv2d(5, 6, 1), nn.Linear(5, 9)), "output", 1, 9),
        (nn.ReLU(), "output", None, None),
    ],
)
def test_where_features_are_read_and_on_which_axis(module, reads, axis, dim):
    site = site_at("it", module)
    assert (site.reads, site.axis, site.dim, site.kind) == (reads, axis, dim, type(module).__name__)


def test_grouped_convolutions_have_features_and_no_weight_matrix():
    site = site_at("it", nn.Conv2d(4, 8, 3, groups=2))
    assert site.holder is None
    assert site.missing == "not defined for grouped convolutions (groups = 2)"


@pytest.mark.parametrize(
    ("module", "places"),
    [
        (nn.Linear(5, 3, bias=False), ()),
        (nn.Conv1d(5, 3, 2, bias=False), (2,)),
        (nn.Conv2d(5, 3, (2, 4), bias=False), (2, 4)),
        (nn.ConvTranspose2d(5, 3, (2, 4), bias=False), (1, 1)),
    ],
)
def test_the_weight_matrix_acts_on_features(module, places):
    h = torch.tensor([1.0, -2.0, 0.5, 3.0, 0.25], dtype=torch.float64)
    W = weight_matrix(module)
    out = module.double()(h.reshape(1, 5, *[1] * len(places)).expand(1, 5, *places))
    # each output is a sum over the kernel's offsets, and each offset's share is one row of W
    torch.testing.assert_close((W @ h).reshape(3, -1).sum(1), out.reshape(3, -1).sum(1))
    assert W.shape == (module.weight.numel() // 5, 5)
    assert W.dtype == torch.float64


@pytest.mark.parametrize(
    ("module", "owner"),
    [
        (
            type("Clipped", (nn.Linear,), {"forward": lambda self, x: self.weight.sum() * x.clamp(-1, 1)})(4, 3),
            "Clipped",
        ),
        (type("Squared", (nn.Linear,), {"forward": lambda self, x: x**2 @ self.weight.T})(4, 3), "Squared"),
        (type("Copied", (nn.Conv2d,), {"_conv_forward": lambda self, x, w, b: x})(4, 3, 1), "Copied"),
        (type("Kept", (nn.ConvTranspose2d,), {"forward": lambda self, x: x})(4, 3, 1), "Kept"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_layer_with_a_forward_of_its_own_that_is_not_affine_has_no_weight(module, owner):
    site = site_at("it", module)
    assert site.holder is None
    assert (
        site.missing
        == f"{owner} has a forward of its own and may not use its weight as it is: linears= gives the weight in use"
    )


def test_layers_that_only_pad_or_inherit_their_forward_keep_their_weight():
    for module in (
        parametrizations.weight_norm(nn.Linear(4, 3)),
        nn.MultiheadAttention(4, 2).out_proj,
        timm.layers.Linear(4, 3),
        nn.ConvTranspose1d(4, 3, 1),
        type("Named", (nn.Conv2d,), {})(4, 3, 1),
    ):
        assert site_at("it", module).holder is module
    sites = choose(timm.create_model("tf_efficientnet_lite0")).sites
    assert "Conv2dSame" in {site.kind for site in sites}
    assert {site.missing.partition(" (")[0] for site in sites} == {"", "not defined for grouped convolutions"}


@pytest.mark.parametrize("norm", [parametrizations.spectral_norm, parametrizations.weight_norm])
def test_reading_a_weight_in_training_changes_nothing(norm):
    layer = norm(nn.Linear(6, 5)).train()
    layer.parametrizations.weight.eval()[0].training = True
    flags = [module.training for module in layer.modules()]
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    read = weight_matrix(layer)
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert [module.training for module in layer.modules()] == flags
    torch.testing.assert_close(read, layer.eval().weight.detach().double())


@pytest.mark.parametrize(
    "module", [nn.ReLU(), nn.LSTM(4, 3), nn.MultiheadAttention(4, 2), nn.Sequential(nn.Linear(2, 2))]
)
def test_a_module_without_one_weight_of_its_own_has_no_matrix(module):
    with pytest.raises(ValueError, match=f"{type(module).__name__} does not multiply by one weight"):
        weight_matrix(module)


@pytest.mark.parametrize(
    ("module", "weighs", "reads"),
    [
        (nn.Linear(4, 3), True, True),
        (nn.Conv2d(4, 4, 1, groups=2), True, True),
        (nn.MultiheadAttention(4, 2), False, True),
        (nn.GRU(4, 3), False, True),
        (nn.LayerNorm(4), False, False),
    ],
)
def test_what_reads_features_is_told_from_what_holds_one_weight(module, weighs, reads):
    assert (has_weight(module), reads_features(module)) == (weighs, reads)

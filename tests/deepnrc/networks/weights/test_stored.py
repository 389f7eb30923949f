"""Weights as classes store them: normed, masked, quantized, turned around."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm
from torch.nn.utils.weight_norm import WeightNorm

from deepnrc.networks.weights import stored
from deepnrc.networks.weights.registry import weight_of


def same(ours, theirs):
    torch.testing.assert_close(ours, theirs.detach().double(), rtol=1e-12, atol=1e-12)


def hooked(module, dim):
    """torch's older weight norm, as checkpoints still have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        WeightNorm.apply(module, "weight", dim)
    return module


@pytest.mark.parametrize(
    ("module", "used"),
    [
        (hooked(nn.Linear(5, 3), 0), lambda m: m.weight_g * m.weight_v / m.weight_v.norm(dim=1, keepdim=True)),
        (hooked(nn.Linear(5, 3), 1), lambda m: m.weight_g * m.weight_v / m.weight_v.norm(dim=0)),
        (parametrizations.weight_norm(nn.Linear(5, 3)), lambda m: m.weight),
        (spectral_norm(nn.Linear(5, 3)), lambda m: m.weight_orig / (m.weight_u @ m.weight_orig @ m.weight_v)),
        (parametrizations.orthogonal(nn.Linear(4, 4)), lambda m: m.weight),
        (prune.l1_unstructured(nn.Linear(5, 3), "weight", amount=0.5), lambda m: m.weight_orig * m.weight_mask),
    ],
)
def test_norms_and_masks_are_read_as_they_are_now_and_not_as_they_ran(module, used):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.5).add_(0.1)
    torch.testing.assert_close(weight_of(module).matrix(), used(module).detach().double(), rtol=1e-6, atol=1e-6)
    assert weight_of(module).note == ""


@pytest.mark.parametrize("kind", ["dynamic", "static", "static convolution"])
def test_quantized_weights_are_read_as_the_numbers_that_they_stand_for(kind):
    quantized = torch.ao.nn.quantized
    makes = {"dynamic": quantized.dynamic.Linear, "static": quantized.Linear}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch is about to move all this to another package
        module = makes[kind](6, 4) if kind in makes else quantized.Conv2d(6, 4, 3)
    drawn = torch.randn(module.weight().shape)
    bias = torch.zeros(4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stored = torch.quantize_per_tensor(drawn, 0.05, 0, torch.qint8)
    module.set_weight_bias(stored, bias)
    expected = stored.dequantize()
    expected = expected.movedim(1, -1).flatten(0, -2) if expected.ndim == 4 else expected
    weight = weight_of(module)
    same(weight.matrix(), expected)
    assert (weight.d, weight.m, weight.axis) == (6, 4, 1 if "conv" in kind else -1)


def test_a_quantization_aware_layer_is_read_with_its_rounding():
    module = torch.ao.nn.qat.Linear(4, 3, qconfig=torch.ao.quantization.get_default_qat_qconfig())
    module(torch.randn(5, 4))
    used = module.weight_fake_quant.eval()(module.weight).detach().double()
    torch.testing.assert_close(weight_of(module).matrix(), used, rtol=1e-6, atol=1e-6)


def test_the_linears_of_transformers_and_torch_geometric_are_known():
    transformers, geometric = (
        pytest.importorskip("transformers.pytorch_utils"),
        pytest.importorskip("torch_geometric.nn"),
    )
    conv, linear = transformers.Conv1D(3, 5), geometric.Linear(5, 3)
    same(weight_of(conv).matrix(), conv.weight.mT)
    same(weight_of(linear).matrix(), linear.weight)
    assert [weight_of(m).note for m in (conv, linear)] == ["", ""]
    assert [(weight_of(m).d, weight_of(m).m) for m in (conv, linear)] == [(5, 3), (5, 3)]


@pytest.mark.parametrize(
    "module", [nn.ConvTranspose1d(4, 3, 2), nn.ConvTranspose2d(4, 3, (2, 3)), nn.Conv2d(4, 3, 2), nn.Linear(4, 3)]
)
def test_the_widths_are_those_of_the_matrix_a_row_for_each_offset_of_the_kernel(module):
    kind = stored.kind_of(module)
    d, m = stored.widths(module, kind)
    assert (d, m) == (4, 3)
    assert kind.matrix(stored.held(module)).shape == (m * module.weight[0][0].numel(), d)


@pytest.mark.parametrize("module", [nn.ReLU(), nn.Embedding(4, 3), nn.LSTM(4, 3), nn.Bilinear(4, 3, 2)])
def test_a_class_that_is_not_known_has_no_kind(module):
    assert stored.kind_of(module) is None


def test_a_forward_of_its_own_is_told_by_the_class_that_gave_it():
    base = type("Base", (nn.Linear,), {"forward": lambda self, x: x})
    patched = nn.Linear(4, 3)
    patched.forward = lambda x: x
    modules = (type("Named", (base,), {})(4, 3), patched, type("Named", (nn.Linear,), {})(4, 3))
    assert [stored.own_forward(m, stored.kind_of(m)) for m in modules] == ["Base", "Linear", ""]


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(4, 2, 3, padding=1),
        nn.Conv2d(4, 2, 3, padding="same"),
        nn.Conv2d(4, 2, 3, groups=2),
        nn.Conv2d(4, 2, 3, dilation=2),
        nn.ConvTranspose2d(4, 2, 3),
        nn.Linear(36, 2),
    ],
)
def test_only_a_plain_convolution_reads_a_whole_map(module):
    assert stored.over_map(module, 36) is None
    plain = nn.Conv2d(4, 2, 3)
    assert torch.equal(stored.over_map(plain, 36), plain.weight.flatten(1))
    assert stored.over_map(plain, 4) is None

"""What a module multiplies by, told by what it answers."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from deepnrc.networks.weights.registry import RESPONSE, weight_of
from deepnrc.networks.weights.response import NoWeightError, Response, twin


def response_of(module, axes):
    """The kernel's numbers by definition: the derivative of one output in the middle, row by row."""
    side = [9] * axes
    x = torch.zeros(1, module.in_channels, *side, dtype=torch.float64, requires_grad=True)
    y = copy.deepcopy(module).double().eval()(x)
    middle = [size // 2 for size in y.shape[2:]]
    rows = [
        torch.autograd.grad(y[(0, o, *middle)], x, retain_graph=True)[0][0].flatten(1).mT for o in range(y.shape[1])
    ]
    found = torch.cat(rows)
    return found[found.abs().sum(1) > 0]


class Standardised(nn.Conv1d):
    def forward(self, x):
        return self._conv_forward(x, self.weight / self.weight.std((1, 2), keepdim=True), self.bias)


class Twofold(nn.Conv2d):
    """Two convolutions of which no single one is the weight in use."""

    def forward(self, x):
        return super().forward(x) + 2 * conv2d(x.flip(1), self.weight, None, self.stride, self.padding, self.dilation)


class Halved(nn.Conv2d):
    def forward(self, x):
        return super().forward(x / 2)


@pytest.mark.parametrize(
    ("module", "axes"),
    [
        (Standardised(3, 4, 3), 1),
        (Standardised(3, 4, 2, stride=2, dilation=2), 1),
        (Twofold(3, 4, 3, padding=1), 2),
        (Twofold(3, 4, (2, 3), stride=(2, 3)), 2),
        (Halved(4, 3, 3, stride=2, padding=1), 2),
        (Halved(4, 3, 1), 2),
    ],
)
def test_a_convolution_with_a_forward_of_its_own_is_read_by_its_response(module, axes):
    weight = weight_of(module)
    W, expected = weight.matrix(), response_of(module, axes)
    assert (weight.axis, weight.d, weight.m, weight.note) == (1, module.in_channels, module.out_channels, RESPONSE)
    assert W.shape == expected.shape
    torch.testing.assert_close(W.mT @ W, expected.mT @ expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["StdConv2d", "ScaledStdConv2d", "StdConv2dSame"])
def test_timms_standardised_convolutions_are_read_as_they_are_used(kind):
    timm = pytest.importorskip("timm")
    module = getattr(timm.layers, kind)(4, 3, 3, stride=2)
    W, expected = weight_of(module).matrix(), response_of(module, 2)
    torch.testing.assert_close(W.mT @ W, expected.mT @ expected, rtol=1e-10, atol=1e-10)


class Affine(nn.Module):
    """A weight and an offset that no class tells, in a precision of its own."""

    def __init__(self, d, m, dtype):
        super().__init__()
        self.kernel, self.offset = (
            nn.Parameter(torch.randn(d, m, dtype=dtype)),
            nn.Parameter(torch.ones(m, dtype=dtype)),
        )

    def forward(self, x):
        return x @ self.kernel + self.offset


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("d", "m"), [(5, 3), (4, 4), (1, 2)])
def test_the_response_to_unit_vectors_is_the_weight_without_the_offset(d, m, dtype):
    module = Affine(d, m, dtype)
    response = Response(module)
    torch.testing.assert_close(response.matrix(d), module.kernel.detach().double().mT, rtol=1e-12, atol=1e-12)
    assert (response.outputs(d), response.is_affine(d), response.is_affine(d + 1)) == (m, True, False)


@pytest.mark.parametrize("ask", [Response.matrix, Response.outputs])
def test_what_is_not_affine_in_so_many_features_is_refused(ask):
    with pytest.raises(NoWeightError, match="Tanh is not affine in 4 features: linears= gives the weight"):
        ask(Response(nn.Tanh()), 4)


@pytest.mark.parametrize(
    ("module", "elementwise"), [(nn.Identity(), True), (nn.BatchNorm1d(4).eval(), True), (nn.Linear(4, 4), False)]
)
def test_a_scaling_of_each_feature_by_itself_is_told_from_a_weight(module, elementwise):
    assert Response(module).is_elementwise(4) is elementwise


def test_asking_changes_neither_numbers_nor_flags_nor_hooks_nor_draws():
    module, seen = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).train(), []
    module[0].register_forward_hook(lambda *_: seen.append(1))
    before, state = copy.deepcopy(module.state_dict()), torch.get_rng_state()
    Response(module).matrix(4)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(part.training for part in module.modules())
    assert (seen, len(module[0]._forward_hooks)) == ([], 1)


def test_a_twin_is_in_evaluation_mode_and_keeps_only_torch_s_own_hooks():
    module = nn.utils.spectral_norm(nn.Linear(4, 3)).train()
    module.register_forward_pre_hook(lambda *_: None)
    copied = twin(module)
    assert (copied.training, len(copied._forward_pre_hooks), len(module._forward_pre_hooks)) == (False, 1, 2)
    assert not any(p.requires_grad for p in copied.parameters())

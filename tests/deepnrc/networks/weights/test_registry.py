import copy
import math
import warnings

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, linear
from torch.nn.utils import parametrizations, prune, spectral_norm
from torch.nn.utils.weight_norm import WeightNorm

from deepnrc.errors import UsageError
from deepnrc.networks.weights.registry import GIVEN, RESPONSE, weight_of, weights_in


def same(ours, theirs):
    torch.testing.assert_close(ours, theirs.detach().double(), rtol=1e-12, atol=1e-12)


def hooked(module, dim):
    """torch's older weight norm, as checkpoints still have it."""
    with warnings.catch_warnings(action="ignore"):
        WeightNorm.apply(module, "weight", dim)
    return module


class Noisy(nn.Module):
    def __init__(self, d, m):
        super().__init__()
        self.mean, self.deviation = nn.Parameter(torch.randn(m, d)), nn.Parameter(torch.randn(m, d))
        self.bias = nn.Parameter(torch.randn(m))

    def forward(self, x):
        noise = torch.randn_like(self.mean) if self.training else 0
        return linear(x, self.mean + self.deviation * noise, self.bias)


class Masked(nn.Linear):
    def __init__(self, d, m):
        super().__init__(d, m)
        self.register_buffer("mask", (torch.rand(m, d) > 0.5).float())

    def forward(self, x):
        return linear(x, self.weight * self.mask, self.bias)

    @property
    def used(self):
        return self.weight * self.mask


class Turned(nn.Module):
    """A Linear whose weight is stored the other way around, under another name."""

    def __init__(self, d, m):
        super().__init__()
        self.kernel, self.offset = nn.Parameter(torch.randn(d, m)), nn.Parameter(torch.randn(m))

    def forward(self, x):
        return x @ self.kernel + self.offset


class LowRank(nn.Module):
    def __init__(self, d, m, r=2):
        super().__init__()
        self.base, self.down, self.up = nn.Linear(d, m), nn.Linear(d, r, bias=False), nn.Linear(r, m, bias=False)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return self.base(x) + 4 * self.up(self.down(self.dropout(x)))

    @property
    def used(self):
        return self.base.weight.double() + 4 * self.up.weight.double() @ self.down.weight.double()


@pytest.mark.parametrize(
    ("module", "used"),
    [
        (Noisy(5, 3).eval(), lambda m: m.mean),
        (Noisy(3, 5).train(), lambda m: m.mean),
        (Noisy(4, 4), lambda m: m.mean),
        (Masked(5, 3), lambda m: m.used),
        (Masked(4, 4), lambda m: m.used),
        (Masked(5, 1).double(), lambda m: m.used),
        (Turned(5, 3), lambda m: m.kernel.mT),
        (Turned(6, 1), lambda m: m.kernel.mT),
        (Turned(4, 4).double(), lambda m: m.kernel.mT),
        (LowRank(6, 5), lambda m: m.used),
        (LowRank(4, 8, 3).train(), lambda m: m.used),
        (LowRank(4, 4, 1).double(), lambda m: m.used),
    ],
)
def test_what_no_class_tells_the_response_does(module, used):
    before = copy.deepcopy(module.state_dict())
    flags, state = [m.training for m in module.modules()], torch.get_rng_state()
    weight = weight_of(module)
    same(weight.matrix(), used(module))
    assert (weight.axis, weight.d, weight.m, weight.note) == (-1, *reversed(used(module).shape), RESPONSE)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert [m.training for m in module.modules()] == flags
    assert torch.equal(torch.get_rng_state(), state)


class Added(nn.Module):
    def __init__(self, rows, d):
        super().__init__()
        self.table = nn.Parameter(torch.randn(rows, d))

    def forward(self, x):
        return x + self.table[: x.shape[-2]]


class Deep(nn.Module):
    """Affine as a whole, and yet of layers."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.second(self.first(x))


@pytest.mark.parametrize(
    "module",
    [
        nn.Embedding(4, 4),
        nn.Bilinear(3, 3, 3),
        nn.LSTM(4, 4),
        nn.LayerNorm((3, 4)),
        Added(3, 4),
        Added(1, 4),
        Added(9, 4),
        type("Scaled", (Added,), {"forward": lambda self, x: x * self.table})(1, 4),
        type("Tangent", (Turned,), {"forward": lambda self, x: torch.tanh(x @ self.kernel / 1e3)})(4, 3),
        type("Clipped", (Turned,), {"forward": lambda self, x: (x @ self.kernel).clamp(-50, 50)})(4, 3),
        type("Drawn", (Turned,), {"forward": lambda self, x: x @ (self.kernel + torch.randn(4, 3))})(4, 3),
        type("Mixed", (Turned,), {"forward": lambda self, x: x @ self.kernel + x.mean(0) @ self.kernel})(4, 3),
        type("Pair", (Turned,), {"forward": lambda self, x: (x @ self.kernel, x)})(4, 3),
        type("Broken", (Turned,), {"forward": lambda self, x: 1 / 0})(4, 3),
        nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)),
        Deep(),
    ],
    ids=lambda m: type(m).__name__,
)
def test_what_is_not_affine_or_no_one_layer_is_no_weight(module):
    assert weight_of(module) is None


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


@pytest.mark.parametrize("dims", [{}, {"kdim": 3, "vdim": 5}, {"bias": False, "batch_first": True}])
def test_an_attention_holds_three_matrices_on_its_inputs_and_one_on_its_heads(dims):
    module = nn.MultiheadAttention(8, 2, **dims)
    found = weights_in(nn.Sequential(module))
    assert list(found) == ["0.q_proj", "0.k_proj", "0.v_proj", "0.out_proj"]
    whole = module.in_proj_weight is not None
    stored = module.in_proj_weight.chunk(3) if whole else [getattr(module, f"{p}_proj_weight") for p in "qkv"]
    for weight, expected in zip(found.values(), [*stored, module.out_proj.weight], strict=True):
        same(weight.matrix(), expected)
        assert (weight.d, weight.m) == (expected.shape[1], expected.shape[0])


@pytest.mark.parametrize(("training", "dropout"), [(False, 0.0), (True, 0.5), (True, 0.0)])
def test_what_the_heads_give_is_read_though_no_module_reads_it(training, dropout):
    module = nn.MultiheadAttention(8, 2, dropout=dropout, batch_first=True).double().train(training)
    q, k = torch.randn(3, 5, 8).double(), torch.randn(3, 4, 8).double()
    inside = weights_in(nn.Sequential(module))["0.out_proj"].inside
    heads = inside(module, (q, k, k), {"need_weights": False})
    expected, _ = module(q, k, k)
    torch.testing.assert_close(heads @ module.out_proj.weight.mT + module.out_proj.bias, expected)
    assert type(module.out_proj).__name__ == "NonDynamicallyQuantizableLinear"


@pytest.mark.parametrize("kind", ["dynamic", "static", "static convolution"])
def test_quantized_weights_are_read_as_the_numbers_that_they_stand_for(kind):
    quantized = torch.ao.nn.quantized
    makes = {"dynamic": quantized.dynamic.Linear, "static": quantized.Linear}
    with warnings.catch_warnings(action="ignore"):  # torch is about to move all this to another package
        module = makes[kind](6, 4) if kind in makes else quantized.Conv2d(6, 4, 3)
    drawn = torch.randn(module.weight().shape)
    bias = torch.zeros(4)
    with warnings.catch_warnings(action="ignore"):
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


@pytest.mark.parametrize(
    ("give", "axis", "expected"),
    [
        (lambda m: m.kernel.mT, -1, lambda m: m.kernel.mT),
        (lambda m: 2 * m.kernel, -1, lambda m: 2 * m.kernel),
        (lambda m: m.kernel.reshape(4, 3, 1), 1, lambda m: m.kernel.reshape(4, 3)),
    ],
)
def test_the_user_names_further_types_with_their_weight(give, axis, expected):
    module = Turned(4, 3)
    weight = weight_of(module, {Turned: give})
    same(weight.matrix(), expected(module))
    assert (weight.axis, weight.note) == (axis, GIVEN)


@pytest.mark.parametrize(
    ("linears", "words"),
    [
        ([Turned], r"linears maps types of modules to functions .*\{MyLinear: lambda m: m\.weight\}; it is \["),
        ({"Turned": lambda m: m.kernel}, r"linears maps types"),
        ({Turned: "kernel"}, r"linears maps types"),
        ({Turned: lambda m: m.offset}, r"linears gives \(3,\) as the weight of a Turned\. Return a real matrix"),
        ({Turned: lambda m: 3}, r"linears gives int as the weight"),
    ],
)
def test_linears_that_are_none_are_refused(linears, words):
    with pytest.raises(UsageError, match=words):
        weights_in(nn.Sequential(Turned(4, 3)), linears)


def test_what_a_layer_is_made_of_is_no_layer_of_its_own():
    net = nn.Sequential(LowRank(6, 5), nn.ReLU(), nn.MultiheadAttention(5, 1), nn.Linear(5, 2))
    assert list(weights_in(net)) == ["0", "2.q_proj", "2.k_proj", "2.v_proj", "2.out_proj", "3"]


@pytest.mark.parametrize("options", [{}, {"use_dora": True}, {"use_rslora": True, "lora_dropout": 0.5}])
def test_pefts_layers_are_read_with_the_weight_in_use(options):
    peft = pytest.importorskip("peft")
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 5), nn.Linear(5, 2))
    config = peft.LoraConfig(r=2, lora_alpha=16, target_modules=["0", "2"], init_lora_weights=False, **options)
    adapted = peft.get_peft_model(net, config)
    found = weights_in(adapted)
    assert [name.rpartition("model.")[2] for name in found] == ["0.base_layer", "2.base_layer", "3"]
    layer = adapted.base_model.model[0]
    A, B = layer.lora_A["default"].weight.double(), layer.lora_B["default"].weight.double()
    used = layer.base_layer.weight.double() + B @ A * (16 / (math.sqrt(2) if "use_rslora" in options else 2))
    if "use_dora" in options:
        used = used * (layer.lora_magnitude_vector["default"].weight.double() / used.norm(dim=1))[:, None]
    torch.testing.assert_close(next(iter(found.values())).matrix(), used.detach(), rtol=1e-6, atol=1e-6)
    adapted.disable_adapter_layers()
    same(next(iter(found.values())).matrix(), layer.base_layer.weight)


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

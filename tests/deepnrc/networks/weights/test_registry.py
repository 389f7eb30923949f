import copy
import math

import pytest
import torch
from torch import nn
from torch.nn.functional import linear

from deepnrc.errors import UsageError
from deepnrc.networks.weights.registry import GIVEN, RESPONSE, weight_of, weights_in


def same(ours, theirs):
    torch.testing.assert_close(ours, theirs.detach().double(), rtol=1e-12, atol=1e-12)


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

"""The four matrices of torch's own attention."""

import pytest
import torch
from torch import nn

from deepnrc.networks.weights import attention
from deepnrc.networks.weights.registry import weights_in


def same(ours, theirs):
    torch.testing.assert_close(ours, theirs.detach().double(), rtol=1e-12, atol=1e-12)


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


def test_what_the_heads_give_leaves_the_draws_of_dropout_to_the_run_that_follows():
    module = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True).train()
    x = torch.randn(3, 5, 8)
    torch.manual_seed(1)
    expected, _ = module(x, x, x)
    torch.manual_seed(1)
    attention.heads(module, (x, x, x), {})
    assert torch.equal(module(x, x, x)[0], expected)


def test_each_projection_reads_the_argument_that_it_is_named_for():
    found = {
        part.name: (part.argument, part.d) for part in attention.parts(nn.MultiheadAttention(8, 2, kdim=3, vdim=5))
    }
    assert [found[f"{letter}_proj"] for letter in "qkv"] == [((0, "query"), 8), ((1, "key"), 3), ((2, "value"), 5)]

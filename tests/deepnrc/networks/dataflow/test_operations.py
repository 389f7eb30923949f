"""What the autograd graph's operations are called, on graphs that torch makes."""

import pytest
import torch
from torch.nn import functional

from deepnrc.networks.dataflow.operations import closed, factors, operation, word


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad


def x(*shape):
    return torch.randn(*(shape or (3, 4)), requires_grad=True)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (torch.relu, "ReLU"),
        (functional.gelu, "GELU"),
        (lambda t: t + 1, "sum"),
        (lambda t: t.T, "reshaping"),
        (lambda t: t.permute(1, 0), "reshaping"),
        (lambda t: t[:, :2], "selection"),
        (lambda t: torch.cat([t, t]), "concatenation"),
        (lambda t: functional.layer_norm(t, (4,)), "normalisation"),
        (lambda t: t.mean(1), "mean over an axis"),
        (lambda t: t @ t.T, "product of two activations"),
        (lambda t: t.softmax(1), "attention"),
        (lambda t: t.clone(), ""),
        (lambda t: t.view(12), ""),
        (lambda t: t.cumsum(1), "Cumsum"),
    ],
)
def test_an_operation_is_said_in_a_readers_words(make, said):
    assert word(operation(make(x()).grad_fn)) == said


def test_the_factors_of_a_product_leave_out_what_is_added():
    a, b, c = x(2, 3), x(3, 5), x(5)
    product, shifted = (a @ b).grad_fn, torch.addmm(c, a, b).grad_fn
    for node in (product, shifted):
        held = [edge[0].variable for edge in factors(operation(node), node.next_functions)]
        assert held[0] is a
        assert held[1] is b


def test_only_a_function_of_the_users_own_is_closed():
    assert closed(Doubled.apply(x()).grad_fn)
    assert not closed(torch.relu(x()).grad_fn)

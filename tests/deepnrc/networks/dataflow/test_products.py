"""Which calls of torch multiply activations by what is made of parameters alone."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from deepnrc.networks.dataflow.products import Products


@pytest.fixture
def told(written):
    """Every product of one pass: names, activations and matrices."""

    def run(forward):
        net = written(forward, W=nn.Parameter(torch.randn(3, 4)), w=nn.Parameter(torch.randn(4)), M=torch.randn(4, 4))
        found = []
        with Products(net, lambda *product: found.append(product)), torch.no_grad():
            net(torch.randn(5, 4))
        return net, found

    return run


@pytest.mark.parametrize(
    ("forward", "name", "matrix"),
    [
        (lambda s, x: x @ s.W.mT, "W", lambda s: s.W),
        (lambda s, x: torch.mm(x, s.W.T.contiguous()), "W", lambda s: s.W),
        (lambda s, x: x @ s.w, "w", lambda s: s.w[None]),
        (lambda s, x: functional.linear(x, s.W.relu()), "W", lambda s: s.W.relu()),
        (lambda s, x: s.W @ x.mT, "W", lambda s: s.W),
        (lambda s, x: x @ torch.cat([s.W, s.W]).mT, "W", lambda s: torch.cat([s.W, s.W])),
        (lambda s, x: x @ (s.W * torch.arange(4)).mT, "W", lambda s: s.W * torch.arange(4)),
        (lambda s, x: x @ (s.M @ s.W.mT), "M and W", lambda s: s.W @ s.M.mT),
        (lambda s, x: torch.einsum("nd,d->n", x, s.w), "w", lambda s: s.w[None]),
        (lambda s, x: torch.einsum("kd,nd->nk", s.W, x), "W", lambda s: s.W),
        (lambda s, x: torch.einsum("...d,kd->...k", [x[None], s.W]), "W", lambda s: s.W),
    ],
)
def test_a_product_is_told_with_its_matrix(told, forward, name, matrix):
    net, found = told(forward)
    ((names, x, W),) = found
    assert names == name
    assert x.shape[-1] == W.shape[1] == 4
    assert torch.allclose(W, matrix(net))


@pytest.mark.parametrize(
    "forward",
    [
        lambda s, x: x @ x.mT,
        lambda s, x: x + s.w,
        lambda s, x: x * s.W[0],
        lambda s, x: s.W @ s.M,
        lambda s, x: x @ (s.M * x.mean()),
        lambda s, x: x @ (s.W * torch.rand(4)).mT,
        lambda s, x: x @ functional.dropout(s.W, 0.5).mT,
        lambda s, x: torch.einsum("nd,kd->nkd", x, s.W),
        lambda s, x: torch.einsum("nd,kd->n", x, s.W),
        lambda s, x: x[:, None] @ s.M.expand(5, 4, 4),
        lambda s, x: torch.zeros(5, 4).copy_(x) @ torch.eye(4),
        lambda s, x: functional.embedding(torch.tensor([0]), s.W),
    ],
)
def test_what_is_no_such_product_is_not_told(told, forward):
    assert told(forward)[1] == []


def test_a_constant_that_is_written_to_is_one_no_more(told):
    def forward(s, x):
        held = torch.zeros(5, 4)
        held[:, 0] = x[:, 0]
        held += 1
        return held @ s.W.mT

    assert [name for name, *_ in told(forward)[1]] == ["W"]

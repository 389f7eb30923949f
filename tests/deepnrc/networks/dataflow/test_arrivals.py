"""The slopes of an output at the weights that give it."""

import pytest
import torch
from torch import nn

from deepnrc.networks.dataflow.arrivals import SHOWN, as_read
from deepnrc.networks.dataflow.tracing import trace

X = torch.randn(4, 5, 6)


@pytest.fixture
def arrived(written):
    def tell(forward, turned=(), **parts):
        net = written(forward, a=nn.Linear(6, 3), block=nn.Sequential(nn.Linear(6, 6)), **parts)
        return trace(net, (X,), {}, ["block"], turned=turned).arrived

    return tell


def test_every_sample_is_sent_the_same_numbers(arrived):
    (x,) = arrived(lambda s, x: s.a(x)[:, -1])[""].values()
    assert not x[:, :-1].any()
    assert torch.equal(x[:, -1], x[:1, -1].expand(4, 3))
    assert len(x[0, -1].unique()) == 3
    (turned,) = arrived(lambda s, x: s.a(x)[:, -1].T, turned=[""])[""].values()
    assert torch.equal(turned[:, -1], turned[:1, -1].expand(4, 3))


def test_what_arrives_at_a_block_that_only_the_weight_reads_is_told_too(arrived):
    found = arrived(lambda s, x: s.a(s.block(x)[:, 0]))[""]
    assert found["block"].shape == (4, 5, 6)
    assert found["a"].shape == (4, 3)
    assert not found["block"][:, 1:].any()


def test_outputs_with_a_row_a_token_or_of_no_weight_alone_have_none(arrived):
    assert arrived(lambda s, x: s.a(x)) == {}
    assert arrived(lambda s, x: s.a(x)[:, 0] + s.block(x)[:, 0, :3]) == {}


def test_a_number_beside_or_instead_of_the_outputs_has_none(arrived):
    assert set(arrived(lambda s, x: (s.a(x)[:, -1], s.block(x).square().mean()))) == {"0"}
    assert arrived(lambda s, x: s.a(x)[:1, -1, :1].squeeze()) == {}


def test_slopes_take_the_axes_of_what_is_read():
    x = torch.randn(4, 5, 3)
    assert torch.equal(as_read(x, -1, torch.Size((4, 5, 6))), x)
    assert torch.equal(as_read(x.flatten(0, 1), -1, torch.Size((4, 5, 6))), x)
    assert torch.equal(as_read(x.mT, 1, torch.Size((4, 6, 5))), x.mT)
    assert torch.equal(as_read(x, None, x.shape), x)
    assert as_read(x, None, torch.Size((4, 5, 6))) is None
    assert as_read(torch.randn(4, 3, 2, 2), 1, torch.Size((4, 6, 4, 4))) is None


def test_many_columns_are_brought_together():
    x = torch.randn(4, 5, SHOWN + 1).expand(4, 5, -1) * torch.tensor([1.0, 0, 0, 0, 2])[:, None]
    found = as_read(x, -1, torch.Size((4, 5, 6)))
    assert found.shape == (4, 5, SHOWN)
    assert not found[:, 1:4].any()
    assert bool(found[:, [0, 4]].all())

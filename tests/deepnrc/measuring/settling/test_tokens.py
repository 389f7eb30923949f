import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.errors import UsageError


class Net(nn.Module):
    def __init__(self, pooled=False):
        super().__init__()
        self.a, self.b, self.pooled = nn.Linear(5, 8), nn.Linear(8, 2), pooled

    def forward(self, x, attention_mask=None):
        x = torch.tanh(self.a(x))
        return self.b(x.mean(1) if self.pooled else x)


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(0)
    lengths = torch.randint(2, 8, (40,), generator=g)
    mask = torch.arange(7)[None] < lengths[:, None]
    X = torch.randn(40, 7, 5, generator=g, dtype=torch.float64)
    return {"x": X, "attention_mask": mask.long()}, torch.randn(40, 7, 2, generator=g, dtype=torch.float64)


def test_targets_for_each_token_are_those_of_the_real_ones(batch, seeded, probe, same):
    x, Y = batch
    net, real = seeded(Net), batch[0]["attention_mask"] != 0
    flat = probe(seeded(lambda: nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))), (x["x"][real], Y[real]))
    same(probe(net, [(x, Y)], pool="tokens"), flat, labels=False)


def test_values_do_not_depend_on_how_batches_were_padded(batch, seeded, probe, same):
    x, Y = batch
    order = torch.argsort(x["attention_mask"].sum(1))
    parts = [({k: v[i] for k, v in x.items()}, i) for i in order.split(10)]
    short = [({k: v[:, : int(p["attention_mask"].sum(1).max())] for k, v in p.items()}, i) for p, i in parts]
    for pool in ("mean", "max", "last", "cls", "tokens"):
        padded = [(p, Y[i].mean(1)) for p, i in parts]
        cut = [(p, Y[i].mean(1)) for p, i in short]
        same(probe(seeded(Net), padded, pool=pool), probe(seeded(Net), cut, pool=pool))


@pytest.mark.parametrize("options", [{"mask": None}, {"pool": "flatten"}, {"pool": lambda t: t.mean(1)}])
def test_padding_that_counts_is_warned_of(batch, seeded, probe, options):
    x, Y = batch
    with pytest.warns(UserWarning, match=r"depend on how batches were padded.*mask= names it"):
        probe(seeded(Net), [(x, Y[:, 0])], **options)


def test_chunks_are_refused_with_what_would_do(batch, seeded, probe):
    with pytest.raises(UsageError, match=r"\(40, 7, 2\).*pool='tokens'.*targets\.reshape\(40, 14\)"):
        probe(seeded(Net), [batch])


def test_layers_that_have_no_row_a_token_are_named(batch, seeded, probe):
    with pytest.raises(UsageError, match=r"one for each of \d+ tokens, and 'b' have other rows\. .*layers=\['!b'\]"):
        probe(seeded(lambda: Net(pooled=True)), [batch], pool="tokens")


def test_attach_takes_the_mask_of_each_call(batch, seeded, probe, same):
    x, Y = batch
    net = seeded(Net)
    with deepnrc.attach(net, pool="last") as attachment:
        net(**x)
        attachment.observe(Y[:, 0])
    same(attachment.report(), probe(net, [(x, Y[:, 0])], pool="last"))

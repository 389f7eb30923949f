import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.errors import UsageError


class Net(nn.Module):
    def __init__(self, pooled=False):
        super().__init__()
        self.a, self.b, self.pooled = nn.Linear(5, 8), nn.Linear(8, 2), pooled

    def forward(self, x, attention_mask=None, **others):
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


@pytest.mark.parametrize(
    ("key", "made"),
    [
        ("mask", lambda m: m),
        ("src_key_padding_mask", lambda m: m == 0),
        ("lengths", lambda m: m.sum(1)),
        ("attention_mask", lambda m: m[:, None, None] * torch.ones(7, 7).tril()),
    ],
)
def test_a_mask_that_is_not_used_is_warned_of(batch, seeded, probe, key, made):
    x, Y = batch
    inputs = {"x": x["x"], key: made(x["attention_mask"])}
    with pytest.warns(UserWarning, match=f"was given '{key}', which may say .* all tokens were counted. mask= takes"):
        probe(seeded(Net), [(inputs, Y[:, 0])])


def test_a_mask_is_no_matter_where_there_are_no_tokens(seeded, probe):
    class Gated(nn.Linear):
        def forward(self, x, mask):
            return super().forward(x)

    X, Y = torch.randn(20, 5, dtype=torch.float64), torch.randn(20, 2, dtype=torch.float64)
    probe(seeded(lambda: Gated(5, 2)), [({"x": X, "mask": X > 0}, Y)])


def test_a_mask_is_warned_of_in_the_first_batch_that_has_padding(batch, seeded, probe):
    x, Y = batch
    full = {"x": x["x"], "mask": torch.ones(40, 7)}
    some = {"x": x["x"], "mask": x["attention_mask"]}
    with pytest.warns(UserWarning, match="was given 'mask'") as caught:
        probe(seeded(Net), [(full, Y[:, 0]), (some, Y[:, 1]), (some, Y[:, 0])])
    assert sum("was given 'mask'" in str(w.message) for w in caught) == 1


@pytest.mark.parametrize("options", [{}, {"mask": "attention_mask"}])
def test_one_mask_for_two_sequences_is_warned_of(batch, seeded, probe, options, recwarn):
    x, Y = batch
    probe(seeded(Net), [({**x, "dec": x["x"][..., :2]}, Y[:, 0])], **options)
    texts = [str(w.message) for w in recwarn]
    assert ["given 'x', 'dec' of as many tokens" in t and "mask='attention_mask' says" in t for t in texts] == (
        [] if options else [True]
    )


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


@pytest.mark.parametrize("options", [{}, {"pool": "tokens"}])
@pytest.mark.parametrize("turned", [False, True])
def test_classes_of_tokens_are_no_regression_targets(batch, seeded, probe, options, turned):
    x, _ = batch
    Y = torch.randint(0, 2, (40, 7))
    Y[:, 5:] = -100
    net = seeded(Net)
    if turned:
        net.b.register_forward_hook(lambda module, given, output: output.mT)
    with pytest.raises(UsageError, match=r"look like classes of tokens.*one-hot.*pool='tokens'.*mask"):
        probe(net, [(x, Y)], **options)


def test_whole_numbers_of_the_outputs_shape_stay_targets(seeded, probe):
    net = seeded(lambda: nn.Linear(5, 3))
    assert (
        probe(net, (torch.randn(40, 5, dtype=torch.float64), torch.randint(0, 9, (40, 3))))
        .table["target_dim"]
        .eq(3)
        .all()
    )

import pytest
import torch
from torch import nn

from deepnrc.errors import UsageError
from deepnrc.networks.choosing.layers import site_at
from deepnrc.networks.reading.masks import AUTO, apart_by_padding, check_mask, ignores, mask_of, padded
from deepnrc.networks.reading.pooling import pooled

X = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LEFT = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1]])
RIGHT, HOLES = LEFT.flip(1), torch.tensor([[1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0]])
POOLS = {
    "mean": lambda t: t.mean(0),
    "max": lambda t: t.amax(0),
    "cls": lambda t: t[0],
    "last": lambda t: t[-1],
}


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("mask", [LEFT, RIGHT, HOLES])
@pytest.mark.parametrize("module", [nn.Linear(5, 2), nn.Conv1d(5, 2, 1)])
def test_padding_takes_no_part(pool, mask, module):
    x = X.mT if isinstance(module, nn.Conv1d) else X
    result = pooled(x.contiguous(), site_at("it", module), pool, mask != 0)
    expected = torch.stack([POOLS[pool](t[m != 0]) for t, m in zip(X, mask, strict=True)])
    torch.testing.assert_close(result.rows, expected, rtol=1e-14, atol=1e-15)
    assert (result.repeats, result.pool, result.unmasked) == (1, pool, False)


@pytest.mark.parametrize("pool", ["tokens", "positions"])
@pytest.mark.parametrize("mask", [LEFT, RIGHT, HOLES])
def test_padded_tokens_are_no_rows(pool, mask):
    result = pooled(X, site_at("it", nn.Linear(5, 2)), pool, mask != 0)
    assert torch.equal(result.rows, X[mask != 0])
    assert torch.equal(result.repeats, mask.sum(1))
    assert result.rows_of(3) == int(mask.sum())


@pytest.mark.parametrize(
    "pool",
    [lambda t, mask: (t * mask[..., None]).sum(1), lambda t, m: (t * m[..., None]).sum(1)],
)
def test_a_callable_may_take_the_mask(pool):
    result = pooled(X, site_at("it", nn.Linear(5, 2)), pool, LEFT != 0)
    torch.testing.assert_close(result.rows, (X * LEFT[..., None]).sum(1))
    assert not result.unmasked


@pytest.mark.parametrize(
    ("x", "pool"),
    [
        (X, "flatten"),
        (X, lambda t: t.mean(1)),
        (X, lambda t, scale=1: t.mean(1)),
        (X[:, :3], "mean"),
        (X[:, :3], "last"),
    ],
)
def test_what_cannot_take_the_mask_says_so(x, pool):
    assert pooled(x, site_at("it", nn.Linear(5, 2)), pool, LEFT != 0).unmasked
    assert not pooled(x, site_at("it", nn.Linear(5, 2)), pool, LEFT >= 0).unmasked


@pytest.mark.parametrize(
    ("mask", "args", "kwargs", "expected"),
    [
        (AUTO, (), {"input_ids": X, "attention_mask": LEFT}, LEFT),
        (AUTO, ({"attention_mask": LEFT},), {}, LEFT),
        (AUTO, (X,), {}, None),
        (AUTO, (), {"attention_mask": LEFT[:, None]}, LEFT),
        (AUTO, (), {"attention_mask": LEFT[..., None]}, LEFT),
        (AUTO, (), {"attention_mask": (LEFT[:, None, None] - 1) * 1e9}, LEFT),
        (AUTO, (), {"attention_mask": (LEFT[:, None, None] - 1) * 0.0}, None),
        (AUTO, (), {"attention_mask": (LEFT - 1.0) * torch.finfo(torch.float32).max}, LEFT),
        (AUTO, (), {"attention_mask": torch.zeros(3, 4).masked_fill(LEFT == 0, -torch.inf)}, LEFT),
        (AUTO, (), {"attention_mask": LEFT[:, None, None] * LEFT[:, None, :, None]}, None),
        ("real", (), {"real": LEFT.bool()}, LEFT),
        ("src_key_padding_mask", (), {"src_key_padding_mask": LEFT == 0}, LEFT),
        ("key_padding_mask", ({"key_padding_mask": LEFT == 0},), {}, LEFT),
        ("key_padding_mask", (), {"key_padding_mask": (LEFT - 1) * 1e9}, LEFT),
        (lambda x: x["pad"].float(), (), {"pad": LEFT}, LEFT),
        (lambda x: (x[:, :, 0] > 0) | True, (X,), {}, LEFT >= 0),
        (lambda x: x[1], (X, LEFT), {}, LEFT),
        (None, (), {"attention_mask": LEFT}, None),
    ],
)
def test_a_mask_is_found_by_its_key_or_made_from_the_input(mask, args, kwargs, expected):
    found = mask_of(mask, args, kwargs)
    assert (found is None) if expected is None else torch.equal(found, expected != 0)


@pytest.mark.parametrize(
    ("mask", "kwargs", "words"),
    [
        ("pad", {"mask": LEFT}, r"mask names no part of the input: 'pad'\. It has 'mask'"),
        (
            "padding_mask",
            {"padding_mask": LEFT == 0},
            r"1 may .*lambda inputs: inputs\['padding_mask'\] == 0 if it is p",
        ),
        ("pad", {"pad": LEFT}, r"mask names 'pad', where 1 may stand for padding or for real tokens\. Pass a function"),
        ("src_key_padding_mask", {"src_key_padding_mask": LEFT}, r"1 may stand for padding or for real tokens"),
        ("real", {"real": LEFT * 2}, r"mask must give 1 for real tokens and 0 for padding, \(N, T\); it gave \(3, 4\)"),
        ("real", {"real": LEFT[0]}, r"it gave \(4,\)"),
        ("real", {"real": LEFT * 0}, r"mask leaves no token of 3 samples"),
        (AUTO, {"attention_mask": LEFT[..., None] * 0.5}, r"mask must give 1 for real tokens"),
        (AUTO, {"attention_mask": LEFT, "decoder_input_ids": LEFT}, r"tokens of two kinds, 'attention_mask' and 'dec"),
        (AUTO, {"attention_mask": LEFT, "decoder_attention_mask": RIGHT}, r"Say which tokens are real with mask="),
    ],
)
def test_a_mask_that_is_none_is_refused(mask, kwargs, words):
    with pytest.raises(UsageError, match=words):
        mask_of(mask, (), kwargs)


@pytest.mark.parametrize(
    "inputs",
    [
        {"attention_mask": LEFT},
        {"attention_mask": LEFT, "decoder_input_ids": LEFT},
        {"attention_mask": LEFT * 0.5},
    ],
)
def test_a_mask_that_is_not_to_be_used_need_not_be_one(inputs):
    assert ignores((), inputs)
    assert not ignores((), {"attention_mask": LEFT >= 0})


def test_what_can_be_no_mask_is_refused_before_anything_runs():
    check_mask(None), check_mask("pad"), check_mask(padded)
    with pytest.raises(UsageError, match=r"mask must be a key of the input, a function .* or None; it is 3"):
        check_mask(3)


def test_samples_with_most_and_with_least_padding_come_first_where_all_that_is_given_has_them_first():
    mask = torch.tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0]]) != 0
    x = torch.zeros(3, 3, 2)
    assert apart_by_padding(mask, (x,), {"mask": mask}).tolist() == [1, 0, 2]
    real = torch.arange(6) < torch.tensor([3, 6, 1, 5, 2])[:, None]
    assert apart_by_padding(real, (torch.zeros(5, 2),), {}).tolist() == [2, 1, 4, 3, 0]
    assert apart_by_padding(mask, (x, torch.zeros(5, 3)), {}) is None
    assert apart_by_padding(torch.ones(3, 3) != 0, (x,), {}) is None
    assert apart_by_padding(None, (x,), {}) is None

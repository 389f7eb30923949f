"""Splitting and scaling."""

import pytest
import torch

from experiments.data.splitting import split


@pytest.fixture
def pairs():
    g = torch.Generator().manual_seed(0)
    x = 3 + 2 * torch.randn(50, 4, generator=g)
    return x, torch.cat((5 - x[:, :1], 7 * x[:, 1:3]), 1)


def test_parts_are_disjoint_and_together_everything(pairs):
    data = split(*pairs, inputs="none", targets="none", share=0.7)
    assert len(data.x) == 35
    assert sorted(torch.cat((data.x, data.x_test)).tolist()) == sorted(pairs[0].tolist())
    assert torch.equal(data.y[:, 0], 5 - data.x[:, 0])  # still pairs


def test_scaling_is_the_training_parts_own(pairs):
    data = split(*pairs)
    for z in (data.x, data.y):
        torch.testing.assert_close(z.mean(0), torch.zeros(z.shape[1]), atol=1e-6, rtol=0)
        torch.testing.assert_close(z.std(0, correction=0), torch.ones(z.shape[1]))
    assert data.x_test.mean(0).abs().max() > 1e-3
    assert data.x.dtype == data.y.dtype == torch.float32


def test_centring_keeps_the_scale(pairs):
    raw, centred = (split(*pairs, targets=how) for how in ("none", "centre"))
    torch.testing.assert_close(centred.y, raw.y - raw.y.mean(0), atol=1e-5, rtol=0)


def test_positive_targets_are_spreads_above_the_least_of_the_training_part(pairs):
    raw, positive = (split(*pairs, targets=how) for how in ("none", "positive"))
    torch.testing.assert_close(positive.y.amin(0), torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(positive.y.std(0, correction=0), torch.ones(3))
    torch.testing.assert_close(positive.y * raw.y.std(0, correction=0) + raw.y.amin(0), raw.y, atol=1e-4, rtol=0)
    scale = raw.y.std(0, correction=0)
    torch.testing.assert_close(positive.y_test * scale + raw.y.amin(0), raw.y_test, atol=1e-4, rtol=0)


def test_a_constant_column_stays_zero(pairs):
    x, y = pairs
    x[:, 2] = 4.0
    data = split(x, y)
    assert data.x[:, 2].eq(0).all()
    assert data.x_test[:, 2].eq(0).all()


def test_the_seed_draws_the_split(pairs):
    first, again, other = (split(*pairs, seed=seed).x for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("share", [0.0, 1.0, 0.001])
def test_an_empty_part_is_refused(pairs, share):
    with pytest.raises(ValueError, match=rf"A share of {share} of 50 samples leaves one part empty\."):
        split(*pairs, share=share)


@pytest.mark.parametrize("which", ["inputs", "targets"])
def test_an_unknown_scaling_is_refused(pairs, which):
    with pytest.raises(ValueError, match="no scaling 'whiten'; choose from none, centre, standardise"):
        split(*pairs, **{which: "whiten"})


def test_the_last_written_digits_are_scaled_with_the_targets(pairs):
    written = torch.tensor([0.5, 0.0, 0.05], dtype=torch.float64)
    for how, scale in (("none", 1), ("centre", 1), ("standardise", None), ("positive", None)):
        data = split(*pairs, targets=how, target_resolution=written)
        spread = split(*pairs, targets="none").y.double().std(0, correction=0) if scale is None else scale
        torch.testing.assert_close(data.target_resolution, written / spread)
        assert data.loader.dataset.target_resolution is data.target_resolution
    assert split(*pairs).target_resolution is None

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from deepnrc.errors import UsageError
from deepnrc.networks.choosing.layers import site_at
from deepnrc.networks.reading import pooling
from deepnrc.networks.reading.pooling import check_pool, pooled


def drawn(*shape, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


MAPS, SEQUENCE, TOKENS = drawn(4, 5, 2, 3), drawn(4, 5, 6), drawn(4, 7, 5)
CONV, CONV1D, LINEAR = nn.Conv2d(5, 2, 1), nn.Conv1d(5, 2, 1), nn.Linear(5, 2)


@pytest.mark.parametrize(
    ("x", "module", "pool", "expected", "repeats"),
    [
        (MAPS, CONV, "mean", MAPS.mean((2, 3)), 1),
        (MAPS, CONV, "max", MAPS.flatten(2).max(2).values, 1),
        (MAPS, CONV, "flatten", MAPS.reshape(4, 30), 1),
        (MAPS, CONV, "positions", MAPS.permute(0, 2, 3, 1).reshape(24, 5), 6),
        (MAPS, CONV, "cls", MAPS.mean((2, 3)), 1),
        (MAPS, nn.ConvTranspose2d(5, 2, 1), "mean", MAPS.mean((2, 3)), 1),
        (SEQUENCE, CONV1D, "mean", SEQUENCE.mean(2), 1),
        (SEQUENCE, CONV1D, "positions", SEQUENCE.mT.reshape(24, 5), 6),
        (SEQUENCE, CONV1D, "cls", SEQUENCE.mean(2), 1),
        (drawn(4, 5, 2, 3, 2), nn.Conv3d(5, 2, 1), "mean", drawn(4, 5, 2, 3, 2).mean((2, 3, 4)), 1),
        (TOKENS, LINEAR, "mean", TOKENS.mean(1), 1),
        (TOKENS, LINEAR, "max", TOKENS.max(1).values, 1),
        (TOKENS, LINEAR, "flatten", TOKENS.reshape(4, 35), 1),
        (TOKENS, LINEAR, "tokens", TOKENS.reshape(28, 5), 7),
        (TOKENS, LINEAR, "positions", TOKENS.reshape(28, 5), 7),
        (TOKENS, LINEAR, "cls", TOKENS[:, 0], 1),
        (MAPS.permute(0, 2, 3, 1), LINEAR, "mean", MAPS.mean((2, 3)), 1),
        (MAPS.permute(0, 2, 3, 1), LINEAR, "cls", MAPS.mean((2, 3)), 1),
        (TOKENS, nn.LayerNorm(5), "mean", TOKENS.mean(1), 1),
        (MAPS, nn.BatchNorm2d(5), "mean", MAPS.mean((2, 3)), 1),
    ],
)
def test_each_pooling_is_what_it_says_on_the_axis_of_the_layer(x, module, pool, expected, repeats):
    result = pooled(x, site_at("it", module), pool)
    torch.testing.assert_close(result.rows, expected, rtol=1e-15, atol=0)
    assert result.repeats == repeats
    assert result.pool == ("mean" if pool == "cls" and (x.ndim == 4 or module is CONV1D) else pool)


def test_a_square_map_is_read_by_type_of_layer_and_not_by_size():
    x = drawn(4, 5, 5)
    assert torch.equal(pooled(x, site_at("it", CONV1D), "mean").rows, x.mean(2))
    assert torch.equal(pooled(x, site_at("it", LINEAR), "mean").rows, x.mean(1))


def test_a_matrix_needs_no_pooling_whatever_was_asked_for():
    x = drawn(4, 5)
    for pool in ("mean", "positions", "flatten", lambda t: t[:, 0]):
        result = pooled(x, site_at("it", LINEAR), pool)
        assert torch.equal(result.rows, x)
        assert (result.repeats, result.pool) == (1, "none")


@pytest.mark.parametrize("pool", ["mean", "max", "flatten", "positions", "cls", lambda t: t.amin(1)])
@pytest.mark.parametrize("x", [MAPS, drawn(4, 5)])
def test_what_is_read_is_a_copy_that_in_place_changes_do_not_reach(x, pool):
    x = x.clone()
    rows = pooled(x, site_at("it", CONV if x.ndim == 4 else LINEAR), pool).rows
    before = rows.clone()
    x.zero_()
    assert torch.equal(rows, before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_averages_are_taken_in_float64(dtype):
    x = drawn(3, 5, 40, 40, dtype=dtype) + 100
    rows = pooled(x, site_at("it", CONV), "mean").rows
    torch.testing.assert_close(rows, x.double().mean((2, 3)), rtol=1e-14, atol=0)


@pytest.mark.parametrize("some", [1, 7, 30, 4 * 30, 10**6])  # one sample has 30 numbers
def test_maps_are_averaged_by_parts_of_few_samples(monkeypatch, some):
    monkeypatch.setattr(pooling, "PART", some)
    for x in (MAPS, MAPS.contiguous(memory_format=torch.channels_last), MAPS.float()):
        rows = pooled(x, site_at("it", CONV), "mean").rows
        torch.testing.assert_close(rows, x.double().mean((2, 3)), rtol=1e-15, atol=0)
    mask = torch.tensor([[1, 1, 0, 1, 0, 0, 0]]) | torch.eye(4, 7).long()
    expected = torch.stack([t[m != 0].mean(0) for t, m in zip(TOKENS, mask, strict=True)])
    torch.testing.assert_close(
        pooled(TOKENS, site_at("it", LINEAR), "mean", mask != 0).rows, expected, rtol=1e-14, atol=1e-16
    )
    assert pooled(drawn(0, 5, 2, 2), site_at("it", CONV), "mean").rows.shape == (0, 5)


def test_no_copy_of_a_whole_map_is_made_to_average_it():
    x = drawn(8, 64, 128, 64, dtype=torch.float32)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        pooled(x, site_at("it", nn.Conv2d(64, 2, 1)), "mean")
    most = max(event.cpu_memory_usage for event in seen.events())
    assert most < 8 * x.numel() / 4


def test_a_callable_is_given_samples_positions_features():
    def second(t):
        assert t.shape == (4, 6, 5)
        return t[:, 1]

    result = pooled(MAPS, site_at("it", CONV), second)
    assert torch.equal(result.rows, MAPS.flatten(2)[:, :, 1])
    assert (result.repeats, result.pool) == (1, "second")


def test_a_callable_may_keep_several_rows_a_sample():
    result = pooled(TOKENS, site_at("it", LINEAR), lambda t: t[:, 1:].flatten(0, 1))
    assert torch.equal(result.rows, TOKENS[:, 1:].reshape(24, 5))
    assert result.repeats == 6


@pytest.mark.parametrize("bad", [lambda t: t, lambda t: t[:3, 0], lambda t: 3.0])
def test_a_callable_that_returns_another_shape_is_refused(bad):
    with pytest.raises(
        UsageError, match=r"layer 'it' was given \(N, positions, d\) = \(4, 7, 5\) and returned .*Return"
    ):
        pooled(TOKENS, site_at("it", LINEAR), bad)


def test_an_empty_batch_gives_no_rows():
    assert pooled(drawn(0, 5, 2, 2), site_at("it", CONV), "positions").rows.shape == (0, 5)


@pytest.mark.parametrize(
    ("x", "module", "words"),
    [
        (torch.zeros(4, 7, dtype=torch.int64), LINEAR, r"'it' holds torch.int64, not real numbers\. Leave it out"),
        (torch.zeros(5), LINEAR, r"'it' holds a tensor \(5,\): the first axis must be the batch"),
        (torch.zeros(5, 9), CONV1D, r"'it' expects .* and got \(5, 9\): this network needs sequences, in batches"),
        (
            torch.zeros(256, 8),
            CONV,
            r"'it' expects inputs of shape \(N, channels, \.\.\.\) with 4 axes, and got \(256, 8\): this network needs",
        ),
        (torch.zeros(5, 5, 5), CONV, r"'it' expects .* and got \(5, 5, 5\): this network needs images, in batches"),
        (torch.zeros(5), CONV, r"'it' expects .* and got \(5,\): this network needs images, in batches"),
        (torch.zeros(2, 5, 1, 1), nn.ConvTranspose3d(5, 2, 1), r"with 5 axes, .*: this network needs volumes"),
        (TOKENS, nn.GELU(), r"which axis of the output \(4, 7, 5\) of layer 'it' \(GELU\) holds features"),
        (TOKENS, nn.Linear(3, 9), r"which axis of the input"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(x, module, words):
    with pytest.raises(UsageError, match=words):
        pooled(x, site_at("it", module), "mean")


def test_an_unknown_pooling_is_refused_with_the_nearest():
    check_pool("mean"), check_pool(torch.flatten)
    with pytest.raises(UsageError, match=r"no pooling 'means'\. Did you mean 'mean'\? Choose from 'mean', 'max'"):
        check_pool("means")

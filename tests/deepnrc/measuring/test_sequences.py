import warnings

import pytest
from torch import nn

import deepnrc
from deepnrc.errors import UsageError
from deepnrc.measuring.sequences import sequence_first, time_first


class Sequences(nn.Module):
    """A transformer over (N, T, 6) whose layer reads (T, N, 6) unless it is built with batch_first."""

    def __init__(self, batch_first=False):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(6, 2, 8, batch_first=batch_first)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        turned = not self.layer.self_attn.batch_first
        x = self.layer(x.transpose(0, 1) if turned else x)
        return self.head(x.mean(0 if turned else 1))


def test_a_sequence_before_the_batch_is_named_where_rows_differ(data, seeded):
    X, Y = data(12, (5, 6))
    with deepnrc.attach(net := seeded(Sequences)) as probes:
        net(X)
        with pytest.raises(UsageError, match=r"'layer\.linear1' gave 5 rows .* 'layer\.self_attn' .*batch_first=True"):
            probes.observe(Y)
    with deepnrc.attach(net := seeded(lambda: Sequences(True))) as probes:
        net(X)
        with pytest.raises(UsageError) as refused:
            probes.observe(Y[:7])
    assert "batch_first" not in str(refused.value)


def test_tokens_that_may_have_been_taken_for_samples_are_warned_of_once(data, seeded, watched):
    X, Y = data(12, (12, 6))
    with deepnrc.attach(net := seeded(Sequences)) as probes:
        net(X)
        with pytest.warns(UserWarning, match=r"'layer\.linear1', 'layer\.linear2' .* batch_first=False") as caught:
            probes.observe(Y)
        assert [warning.filename for warning in caught] == [__file__]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            net(X)
            probes.observe(Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watched(seeded(lambda: Sequences(True)), [(X, Y)])
        watched(seeded(Sequences), [(X, Y)], layers="head")


def test_modules_that_read_tokens_first_are_found_by_name():
    assert sequence_first(Sequences()) == ("layer.self_attn",)
    assert sequence_first(Sequences(True)) == sequence_first(nn.Linear(2, 2)) == time_first(Sequences(True)) == ()
    assert {"layer", "layer.self_attn", "layer.linear1", "layer.linear2"} <= set(time_first(Sequences()))
    assert "head" not in time_first(Sequences())
    assert {"", "linear1"} <= set(time_first(nn.TransformerDecoderLayer(4, 2, 8)))
    assert sequence_first(nn.LSTM(4, 8)) == ("",)

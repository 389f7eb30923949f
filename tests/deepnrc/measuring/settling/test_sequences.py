import warnings

import pytest
from torch import nn

import deepnrc
from deepnrc.errors import UsageError
from deepnrc.measuring.settling.sequences import sequence_first


class Last(nn.Module):
    """The mean over a first axis of tokens, and a head."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(x.mean(0))


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


@pytest.mark.parametrize("T", [5, 12])
def test_layers_that_read_tokens_first_are_read_sample_by_sample(data, seeded, watched, agree, by_hand, T):
    X, Y = data(12, (T, 6))
    net = seeded(Sequences)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = watched(net, [(X, Y)]).report()
    for name, x in by_hand(net, [X], ["layer.linear1", "layer.linear2"]).items():
        agree(report, name, x.mean(0), Y)


@pytest.mark.parametrize("T", [5, 12])
def test_inputs_with_tokens_first_are_read_and_warned_of(data, seeded, by_hand, agree, T):
    X, Y = data(12, (T, 6))
    net = seeded(lambda: nn.Sequential(nn.TransformerEncoderLayer(6, 2, 8), Last()))
    with deepnrc.attach(net) as probes:
        net(X.transpose(0, 1))
        with pytest.warns(UserWarning, match="second axis of the network's inputs.*batch_first=True") as caught:
            probes.observe(Y)
        report = probes.report()
    assert [warning.filename for warning in caught] == [__file__]
    for name, x in by_hand(net, [X.transpose(0, 1)], ["0.linear1"]).items():
        agree(report, name, x.mean(0), Y)


def test_a_sequence_before_the_batch_is_named_where_rows_differ(data, seeded):
    X, Y = data(12, (5, 6))
    with deepnrc.attach(net := seeded(Sequences)) as probes:
        net(X)
        with pytest.raises(UsageError, match=r"q_proj' gave 5 rows .*batch_first=True"):
            probes.observe(Y[:7])
    with deepnrc.attach(net := seeded(lambda: Sequences(True))) as probes:
        net(X)
        with pytest.raises(UsageError) as refused:
            probes.observe(Y[:7])
    assert "batch_first" not in str(refused.value)


def test_modules_that_read_tokens_first_are_found_by_name():
    assert sequence_first(Sequences()) == ("layer.self_attn",)
    assert sequence_first(Sequences(True)) == sequence_first(nn.Linear(2, 2)) == ()
    assert sequence_first(nn.LSTM(4, 8)) == ("",)

import pytest
import timm
import torch
from torch import nn

from deepnrc.errors import UsageError
from deepnrc.networks.choosing.layers import choose
from deepnrc.networks.reading.axes import check_axis
from deepnrc.networks.reading.taps import Taps

N, SIDE = 3, 6


class Part(nn.Module):
    """Weights along both axes, whose output of as many tokens as channels tells nothing by its shape."""

    def __init__(self, last):
        super().__init__()
        self.conv, self.fc, self.last = nn.Conv1d(SIDE, SIDE, 1), nn.Linear(SIDE, SIDE), last

    def forward(self, x):
        return self.last(x + self.fc(self.conv(x)))


class Add(nn.Module):
    def forward(self, x):
        return x + 1


class Transposed(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Linear(SIDE, SIDE)

    def forward(self, x):
        return self.w(x.mT)


class LlamaNorm(nn.Module):
    """A norm of a class of its own, whose weight fits either axis."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(SIDE))

    def forward(self, x):
        return x * self.weight


def rows(net, layers, axis=None):
    choice = choose(net, layers)
    taps = Taps(net, choice.sites, "mean", "error", axis=axis, weights=choice.weights)
    taps.install()
    try:
        x = torch.randn(N, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        net(x)
        return [reading.pooled.rows for reading in taps.take().readings.values()]
    finally:
        taps.remove()


def output(net, name):
    kept = []
    handle = net.get_submodule(name).register_forward_hook(lambda m, a, out: kept.append(out.detach().double()))
    net(torch.randn(N, SIDE, SIDE, generator=torch.Generator().manual_seed(0)))
    handle.remove()
    return kept[0]


@pytest.mark.parametrize(
    ("reader", "axis"),
    [
        (nn.Conv1d(SIDE, 2, 1), 1),
        (nn.Linear(SIDE, 2), 2),
        (nn.LayerNorm(SIDE), 2),
        (LlamaNorm(), 2),
        (timm.layers.LayerNorm(SIDE), 2),
        (nn.BatchNorm1d(SIDE), 1),
        (nn.GroupNorm(2, SIDE), 1),
        (nn.LSTM(SIDE, 2, batch_first=True), 2),
        (nn.MultiheadAttention(SIDE, 1, batch_first=True), 2),
        (nn.AdaptiveAvgPool1d(1), 1),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("last", [Add(), nn.LayerNorm(SIDE), nn.BatchNorm1d(SIDE)])
def test_an_output_has_the_axis_of_what_reads_it(reader, axis, last):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.part, self.reader = Part(last), reader

        def forward(self, x):
            x = self.part(x)
            return self.reader(x, x, x) if isinstance(self.reader, nn.MultiheadAttention) else self.reader(x)

    net = Net().eval()
    (found,) = rows(net, ["part"])
    torch.testing.assert_close(found, output(net, "part").mean(3 - axis))


@pytest.mark.parametrize(
    ("last", "axis"), [(nn.LayerNorm(SIDE), 2), (nn.BatchNorm1d(SIDE), 1), (nn.Conv1d(SIDE, SIDE, 1), 1)]
)
@pytest.mark.parametrize("after", [Transposed(), Add()])
def test_or_that_of_what_wrote_it(last, axis, after):
    net = nn.Sequential(Part(last), after).eval()
    (found,) = rows(net, ["0"])
    torch.testing.assert_close(found, output(net, "0").mean(3 - axis))


@pytest.mark.parametrize("after", [Transposed(), Add()])
def test_two_axes_that_fit_and_nothing_to_tell_by_are_refused(after):
    net = nn.Sequential(Part(Add()), after).eval()
    words = (
        r"Cannot tell which axis of the output \(3, 6, 6\) of layer '0' \(Part\) .* axis=\{'0': -1\} or axis=\{'0': 1\}"
    )
    with pytest.raises(UsageError, match=words):
        rows(net, ["0"])
    for axis, mean in ((1, 2), (-1, 1), ({"0": 2}, 1), ({"?": -2}, 2)):
        torch.testing.assert_close(rows(net, ["0"], axis)[0], output(net, "0").mean(mean))


def test_a_tensor_that_is_changed_in_place_before_it_is_read_is_read_as_it_was():
    net = nn.Sequential(Part(Add()), nn.ReLU(inplace=True), nn.Linear(SIDE, 2)).eval()
    (found,) = rows(net, ["0"])
    with torch.no_grad():
        expected = net[0](torch.randn(N, SIDE, SIDE, generator=torch.Generator().manual_seed(0))).double().mean(1)
    torch.testing.assert_close(found, expected)


def test_readings_stay_in_the_order_in_which_layers_ran():
    net = nn.Sequential(Part(Add()), nn.Linear(SIDE, SIDE), nn.ReLU(), nn.Linear(SIDE, 2)).eval()
    choice = choose(net, ["0", "1", "3"])
    taps = Taps(net, choice.sites, "mean", "error", weights=choice.weights)
    taps.install()
    net(torch.randn(N, SIDE, SIDE))
    assert list(taps.take().readings) == ["0", "1", "3"]
    taps.remove()


def test_as_many_tokens_as_channels_in_a_pyramid_are_told_apart():
    net = timm.create_model("pvt_v2_b0", num_classes=3).eval()
    choice = choose(net, ["stages.1.blocks.?"])
    taps = Taps(net, choice.sites, "mean", "error", weights=choice.weights)
    kept = []
    net.stages[1].blocks[0].register_forward_hook(lambda m, a, out: kept.append(out.detach().double()))
    taps.install()
    net(torch.randn(2, 3, 64, 64))
    assert kept[0].shape == (2, 64, 64)
    torch.testing.assert_close(taps.take().readings["stages.1.blocks.0"].pooled.rows, kept[0].mean(1))
    taps.remove()


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        (0, r"axis must be a whole number that is not 0, the samples' axis, or map globs .*; it is 0"),
        (1.5, r"axis must be a whole number"),
        ({"a": True}, r"axis must be a whole number"),
        ({"b*": 1}, r"axis names no layer that is read: 'b\*'\. It reads 'a'"),
    ],
)
def test_what_is_no_axis_is_refused(axis, words):
    with pytest.raises(UsageError, match=words):
        check_axis(axis, ["a"])

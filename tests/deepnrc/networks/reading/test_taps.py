from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from deepnrc.errors import UsageError
from deepnrc.networks.choosing.layers import choose
from deepnrc.networks.reading.contents import first_tensor
from deepnrc.networks.reading.taps import Taps

X = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))


class Twice(nn.Module):
    """One Linear run as often as `times` says, between two others."""

    def __init__(self, times=2):
        super().__init__()
        self.times = times
        self.first, self.shared, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        x = self.first(x)
        for _ in range(self.times):
            x = self.shared(x)
        return self.last(x)


@pytest.fixture
def tapped():
    """Taps on a network, removed at the end of the test."""
    made = []

    def install(model, layers="weights", repeats="error", pool="mean"):
        taps = Taps(model, choose(model, layers).sites, pool, repeats)
        taps.install()
        made.append(taps)
        return taps

    yield install
    for taps in made:
        taps.remove()


def test_a_forward_pass_is_read_once_in_the_order_of_execution(tapped):
    net = Twice(1)
    net.early = nn.Linear(1, 1)
    taps = tapped(net, ["!early"])
    out = net(X)
    forward = taps.take()
    assert list(forward.readings) == forward.ran == ["first", "shared", "last"]
    assert torch.equal(forward.readings["first"].pooled.rows, X.double())
    assert torch.equal(forward.readings["last"].pooled.rows, net.shared(net.first(X)).double())
    assert torch.equal(forward.outputs[""], out)
    with pytest.raises(UsageError, match=r"no forward pass to pair these targets with\. Call the network itself"):
        taps.take()


def test_the_latest_of_several_passes_counts(tapped):
    net = Twice(1)
    taps = tapped(net)
    net(X), net(2 * X)
    assert torch.equal(taps.take().readings["first"].pooled.rows, 2 * X.double())


def test_a_part_called_by_hand_is_no_pass(tapped):
    net = Twice(1)
    taps = tapped(net)
    net.first(X)
    with pytest.raises(UsageError, match=r"Call the network itself \(not a part of it\)"):
        taps.take()
    net(X), net.first(3 * X)
    assert torch.equal(taps.take().readings["first"].pooled.rows, X.double())


def test_a_pass_that_failed_leaves_nothing_to_pair(tapped):
    net = Twice(1)
    taps = tapped(net)
    net(X)
    net.last.forward = lambda x: 1 / 0
    with pytest.raises(ZeroDivisionError):
        net(X)
    net.first(X), net.first(X)  # by hand, and so not a second run in that pass
    with pytest.raises(UsageError, match="its forward must have finished"):
        taps.take()


def test_a_layer_that_runs_twice_is_an_error_by_default(tapped):
    tapped(net := Twice())
    with pytest.raises(
        UsageError, match=r"'shared' runs more than once .* repeats='first', 'last' or 'each' .*'!shared'"
    ):
        net(X)


@pytest.mark.parametrize(
    ("repeats", "keys"),
    [
        ("first", ["first", "shared", "last"]),
        ("last", ["first", "shared", "last"]),
        ("each", ["first", "shared", "shared#2", "shared#3", "last"]),
    ],
)
def test_which_run_of_a_shared_layer_is_read(tapped, repeats, keys):
    net = Twice(3).double()
    taps = tapped(net, repeats=repeats)
    net(X.double())
    readings = taps.take().readings
    x = net.first(X.double())
    runs = [x, net.shared(x), net.shared(net.shared(x))]
    wanted = {"first": runs[:1], "last": runs[2:], "each": runs}[repeats]
    got = [r.pooled.rows for key, r in readings.items() if key.startswith("shared")]
    assert list(readings) == keys
    assert all(torch.equal(g, w) for g, w in zip(got, wanted, strict=True))


def test_the_last_run_stands_where_it_ran(tapped):
    class Alternating(Twice):
        def forward(self, x):
            return self.last(self.shared(self.first(self.shared(x))))

    taps = tapped(net := Alternating(), repeats="last")
    net(X)
    assert list(taps.take().readings) == ["first", "shared", "last"]


def test_outputs_are_read_where_asked_for_as_first_tensor(tapped):
    class Answer(nn.Module):
        def forward(self, x):
            return {"none": None, "y": (x + 1, x)}

    net = nn.Sequential(Answer())
    taps = tapped(net, "0")
    net(X)
    forward = taps.take()
    assert torch.equal(forward.readings["0"].pooled.rows, (X + 1).double())
    assert torch.equal(next(iter(forward.outputs.values())), X + 1)


def test_the_output_is_a_copy_that_in_place_changes_do_not_reach(tapped):
    taps = tapped(net := Twice(1))
    with torch.no_grad():
        out = net(X)
        kept = out.clone()
        out.zero_()
    assert torch.equal(taps.take().outputs[""], kept)


def test_inputs_may_come_by_keyword(tapped):
    class Keyword(Twice):
        def forward(self, x):
            return self.last(input=self.first(input=x))

    taps = tapped(net := Keyword(), ["!shared"])
    net(X)
    assert torch.equal(taps.take().readings["first"].pooled.rows, X.double())


def test_a_module_without_a_tensor_is_refused_by_name(tapped):
    class Silent(nn.Module):
        def forward(self, x):
            return None

    tapped(net := nn.Sequential(Silent()), "0")
    with pytest.raises(UsageError, match=r"'0' has no tensor as its output\. Leave it out with layers=\['!0'\]"):
        net(X)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_the_roundoff_is_that_of_the_features(tapped, dtype):
    net = Twice(1).to(dtype)
    taps = tapped(net)
    net(X.to(dtype))
    assert {r.roundoff for r in taps.take().readings.values()} == {torch.finfo(dtype).eps / 2}


def test_removing_takes_every_hook_off(tapped, hooks):
    net = Twice(1)
    mine = net.first.register_forward_hook(lambda *_: None)
    taps = tapped(net, ["weights", "shared"])
    assert hooks(net) > 1
    net(X)
    taps.remove()
    assert hooks(net) == 1
    with pytest.raises(UsageError, match="no forward pass"):
        taps.take()
    mine.remove()


def test_an_installation_that_fails_half_way_leaves_no_hook(hooks):
    class Refusing(nn.Linear):
        def register_forward_pre_hook(self, *args, **kwargs):
            raise RuntimeError("no")

    net = nn.Sequential(nn.Linear(4, 4), Refusing(4, 4))
    with pytest.raises(RuntimeError, match="no"):
        Taps(net, choose(net).sites, "mean", "error").install()
    assert hooks(net) == 0


def test_the_first_tensor_is_found_in_any_container():
    @dataclass
    class Output:
        loss: Any
        logits: Any

    Pair = namedtuple("Pair", "a b")
    for value in (X, (None, X), [[X]], {"a": None, "b": X}, OrderedDict(y=X), Pair(1, X), Output(None, X)):
        assert first_tensor(value) is X
    for value in (None, 3, "text", (), {}, Output, Output(1, 2)):
        assert first_tensor(value) is None

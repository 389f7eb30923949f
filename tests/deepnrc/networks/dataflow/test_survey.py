import copy

import pytest
import torch
from torch import nn

from deepnrc.networks.choosing.layers import choose
from deepnrc.networks.dataflow import survey
from deepnrc.networks.samples import Layout


def seen(net, *args, layers="weights", samples=None, **kwargs):
    return survey(net, args, kwargs, len(args[0]) if samples is None else samples, choose(net, layers).sites)


def two(**more):
    return {"a": nn.Linear(6, 5), "b": nn.Linear(5, 2), **more}


def windows(written, together):
    def forward(s, x):
        n = len(x)
        rows = x.reshape(n, 3, 6) if together else x.reshape(n, 3, 6).transpose(0, 1)
        h = torch.relu(s.a(rows.reshape(-1, 6)))
        return s.b(h.reshape(n, 3, 5).mean(1) if together else h.reshape(3, n, 5).mean(0))

    return written(forward, **two())


@pytest.mark.parametrize("N", [2, 3, 7, 30])
@pytest.mark.parametrize("together", [True, False])
def test_folded_windows(written, N, together):
    assert seen(windows(written, together), torch.randn(N, 18)).layouts == {"a": Layout(0, 3, together), "b": Layout()}


@pytest.mark.parametrize("T", [5, 30])
def test_layers_that_read_time_first(written, T):
    net = written(
        lambda s, x: s.head(torch.relu(s.ff(s.rnn(x.transpose(0, 1))[0]))[-1]),
        rnn=nn.LSTM(5, 16),
        ff=nn.Linear(16, 16),
        head=nn.Linear(16, 2),
    )
    assert seen(net, torch.randn(30, T, 5)).layouts == {"ff": Layout(1), "head": Layout()}


@pytest.mark.parametrize("T", [5, 9])
def test_a_network_whose_input_is_time_first(written, T):
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    net = written(lambda s, x: s.head(s.layer(x).mean(0)), layer=layer, head=nn.Linear(8, 2))
    found = seen(net, torch.randn(T, 9, 8), samples=9)
    assert found.axis == 1
    inside = [*(f"self_attn.{part}_proj" for part in ("q", "k", "v", "out")), "linear1", "linear2"]
    assert found.layouts == {**{f"layer.{name}": Layout(1) for name in inside}, "head": Layout()}


def test_what_does_not_depend_on_the_samples_is_told(written):
    net = written(lambda s, x: s.b(s.a(x)) + s.c(torch.ones(4, 3)).sum(), **two(c=nn.Linear(3, 1)))
    assert seen(net, torch.randn(4, 6)).layouts["c"] == "it is the same size whatever the number of samples"


def test_pairs_of_samples_have_no_axis_of_their_own(written):
    net = written(lambda s, x: s.b(s.a(x)) + s.c(x @ x.T), **two(c=nn.LazyLinear(2)))
    net(torch.randn(8, 6))
    found = seen(net, torch.randn(8, 6))
    assert "could not be shortened" in found.skipped
    assert found.layouts == {}


def test_a_single_sample_cannot_be_shortened(written):
    found = seen(written(lambda s, x: s.b(s.a(x)), **two()), torch.randn(1, 6))
    assert (found.layouts, found.skipped) == ({}, "the first batch is a single sample")
    assert found.dataflow.outputs[""].weights == ("b",)


@pytest.mark.parametrize(
    ("forward", "sampled"),
    [
        (lambda s, x: s.b(s.a(x)), False),
        (lambda s, x: torch.distributions.Normal(s.b(s.a(x)), 0.1).sample(), True),
        (lambda s, x: (m := s.b(s.a(x))) + 1e-2 * torch.randn_like(m), True),
        (lambda s, x: s.b(nn.functional.dropout(s.a(x), 0.1)), True),
        (lambda s, x: s.b(nn.functional.dropout(s.a(x), 0.1, s.training)), False),
    ],
)
def test_networks_that_sample(written, forward, sampled):
    assert seen(written(forward, **two()).train(), torch.randn(20, 6)).sampled is sampled


def test_what_leads_past_the_graph_takes_nothing_for_granted(written):
    def past(s, x):
        h = s.a(x)
        return s.b(h) + torch.from_numpy(s.c(h).detach().numpy())

    flow = seen(written(past, **two(c=nn.Linear(5, 2))), torch.randn(9, 6)).dataflow
    assert flow.outputs[""].missing == "more than 'b' gives the prediction, where no graph could be had"
    assert flow.following("a") == (None, "what 'c' give is used where no graph could be had")


def test_what_leads_nowhere_is_proved_to(written):
    flow = seen(written(lambda s, x: (s.c(x), s.b(s.a(x)))[1], **two(c=nn.Linear(6, 2))), torch.randn(9, 6)).dataflow
    assert (flow.hidden, flow.outputs[""].missing) == ("", "")


def test_inference_mode_inside_leaves_the_head_known(written):
    def forward(s, x):
        with torch.inference_mode():
            h = s.a(x)
        return s.b(h.clone())

    flow = seen(written(forward, **two()), torch.randn(9, 6)).dataflow
    assert flow.outputs[""].weights == ("b",)
    assert flow.following("a")[1] == "no graph could be had where 'a' runs"


@pytest.mark.parametrize(
    "args",
    [
        ([torch.randn(6) for _ in range(4)],),
        (torch.randn(4, 6), torch.randn(4, 6)),
        ({"x": torch.randn(4, 6), "scale": torch.ones(6)},),
    ],
)
def test_inputs_of_other_kinds_are_cut(written, args):
    def forward(s, *given):
        x = given[0]["x"] * given[0]["scale"] if isinstance(given[0], dict) else given[0]
        return s.b(s.a(torch.stack(x) if isinstance(x, list) else x))

    net = written(forward, **two())
    assert seen(net, *args, samples=4).layouts == {"a": Layout(), "b": Layout()}


def test_no_trace_is_left(written):
    def forward(s, x):
        s.calls = s.calls + 1
        return s.b(s.norm(s.a(x))) + torch.rand(2)

    net = written(forward, **two(norm=nn.BatchNorm1d(5))).train()
    net.calls = 3
    net.b.eval()
    before, state = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    flags = [m.training for m in net.modules()]
    x = torch.randn(9, 6)
    kept = x.clone()
    state = torch.get_rng_state()
    with torch.inference_mode():
        seen(net, x)
    assert net.calls == 3
    assert [m.training for m in net.modules()] == flags
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(x, kept)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert not any(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())

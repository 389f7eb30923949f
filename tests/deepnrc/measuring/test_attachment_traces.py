"""Compiled and wrapped networks, torch's switches and the user's training: as they were."""

import contextlib
import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

import deepnrc
from deepnrc.errors import DataError, UsageError


@pytest.fixture
def as_before(hooks):
    """Whether a network is untouched: hooks, flags, gradients, weights, the compiler's stance and torch's switches."""

    def look(model):
        return (
            hooks(model),
            [module.training for module in model.modules()],
            [(p.requires_grad, p.grad is None, p.device) for p in model.parameters()],
            {name: value.tolist() for name, value in model.state_dict().items()},
            torch.backends.mha.get_fastpath_enabled(),
            torch._dynamo.eval_frame._stance.stance,
            torch.is_grad_enabled(),
            torch.get_rng_state().tolist(),
        )

    return look


def test_inside_training_nothing_of_the_training_changes(data, mlp, as_before):
    X, Y = data()
    watched, alone = mlp().train(), mlp().train()
    for net in (watched, alone):
        optimiser = torch.optim.SGD(net.parameters(), 0.1)
        with deepnrc.attach(net) as probes:
            for x, y in zip(X.split(20), Y.split(20), strict=True):
                optimiser.zero_grad()
                out = net(x)
                if net is watched:
                    probes.observe(y)
                ((out - y) ** 2).mean().backward()
                optimiser.step()
    watched_state, alone_state = watched.state_dict(), alone.state_dict()
    assert all(torch.equal(watched_state[name], alone_state[name]) for name in alone_state)
    assert probes.samples == 0


class Own(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


@pytest.mark.parametrize("method", ["wrapper", "in place"])
@pytest.mark.parametrize("called_before", [False, True])
def test_a_compiled_network_gives_the_numbers_of_the_plain_one(data, mlp, watched, same, method, called_before):
    X, Y = data()
    plain, net = Own(mlp()), Own(mlp())  # some releases of torch compile none of its own containers in place
    calls = []

    def backend(graph, inputs):
        return lambda *args: (calls.append(1), graph.forward(*args))[1]

    if method == "wrapper":
        net = torch.compile(net, backend=backend)
    else:
        net.compile(backend=backend)
    with torch.no_grad():
        if called_before:
            net(X)
            assert calls
            calls.clear()
        same(watched(net, [(X, Y)]).report(), watched(plain, [(X, Y)]).report(), rel=0)
        assert not calls
        net(X)
    assert calls  # behind the block it is compiled again


COMPILED_INSIDE = """
import torch, deepnrc
net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
x, y = torch.randn(64, 8), torch.randn(64, 3)
with deepnrc.attach(net) as probes:
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    compiled(x)
    probes.observe(y)
    inside = probes.report()
assert inside.table["value"].equals(deepnrc.probe(net, (x, y), progress=False).table["value"])
compiled(x)
assert probes._taps.last is None
"""


def test_the_first_compiling_of_a_process_may_come_inside_the_block():
    done = subprocess.run([sys.executable, "-c", COMPILED_INSIDE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda net: nn.DataParallel(torch.compile(net, backend="eager"))])
def test_wrappers_are_looked_through(data, mlp, watched, same, wrap):
    X, Y = data()
    net = mlp()
    wrapped = wrap(copy.deepcopy(net))  # DataParallel moves it to an accelerator where there is one
    same(watched(wrapped, [(X, Y)]).report(), watched(net, [(X, Y)]).report())


def test_distributed_data_parallel_is_looked_through(data, mlp, watched, same, tmp_path):
    X, Y = data()
    net = mlp()
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        wrapped = nn.parallel.DistributedDataParallel(net)
        same(watched(wrapped, [(X, Y)]).report(), watched(net, [(X, Y)]).report(), rel=0)
        assert not [module for module in wrapped.modules() if module._forward_pre_hooks]
    finally:
        torch.distributed.destroy_process_group()


def test_the_fused_transformer_path_is_not_taken_inside_and_is_back_after(seeded, as_before):
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
            self.head = nn.Linear(8, 3)

        def forward(self, x, mask):
            return self.head(self.encoder(x, src_key_padding_mask=mask)[:, 0])

    net = seeded(Masked)
    X = torch.randn(12, 5, 8, dtype=torch.float64)
    mask = torch.zeros(12, 5, dtype=torch.bool)
    mask[:3, 3:] = True
    before = as_before(net)
    for layers in ("weights", "blocks"):
        with deepnrc.attach(net, layers, pool="cls", mask=lambda x: ~x[1]) as probes, torch.no_grad():
            net(X, mask)
            probes.observe(torch.ones(12, 3))
        assert as_before(net) == before
    assert [layer.key for layer in probes._streams.layers.values()] == ["encoder.layers.0", "encoder.layers.1"]


@pytest.mark.parametrize("kind", ["leave", "forward", "observe", "interrupt", "body"])
def test_no_trace_is_left_however_the_block_ends(data, mlp, as_before, kind):
    X, Y = data()
    net = nn.Sequential(mlp(), nn.BatchNorm1d(3).double()).train()
    net[1].eval()
    before = as_before(net)
    probes = deepnrc.attach(net)
    try:
        with probes:
            net(X) if kind != "forward" else net(X[:, :2])
            probes.observe(Y if kind != "observe" else Y / 0)
            if kind == "interrupt":
                raise KeyboardInterrupt
            if kind == "body":
                raise RuntimeError("the user's own")
    except (RuntimeError, DataError, KeyboardInterrupt):
        assert kind != "leave"
    else:
        assert kind == "leave"
    assert as_before(net) == before


def test_a_layer_name_with_a_typo_leaves_no_trace(mlp, as_before):
    net = mlp().train()
    before = as_before(net)
    with pytest.raises(UsageError, match="No layer is called '00'"):
        deepnrc.attach(net, "00")
    assert as_before(net) == before


@pytest.mark.parametrize("kind", ["meta context", "default device"])
def test_statistics_stay_where_they_are_under_another_default_device(data, mlp, watched, same, kind):
    X, Y = data()
    net = mlp()
    expected = watched(net, [(X, Y)]).report()
    with torch.device("meta") if kind == "meta context" else contextlib.nullcontext():
        try:
            torch.set_default_device("meta" if kind == "default device" else None)
            attachment = watched(net, [(X, Y)])
        finally:
            torch.set_default_device(None)
    same(attachment.report(), expected, rel=0)


@pytest.mark.parametrize("inference_first", [True, False])
def test_batches_inside_and_outside_of_inference_mode_go_together(data, mlp, watched, same, inference_first):
    X, Y = data()
    net = mlp()
    expected = watched(net, [(X[:30], Y[:30]), (X[30:], Y[30:])], probes=["*", "nrc.1_centred"])
    with deepnrc.attach(net, probes=["*", "nrc.1_centred"]) as probes:
        for number in (1, 2):
            if number == 2:
                assert probes.second_pass()
            for i, part in enumerate((slice(0, 30), slice(30, 60))):
                with torch.inference_mode((i == 0) == inference_first):
                    net(X[part])
                    probes.observe(Y[part])
        with torch.inference_mode(inference_first):
            report = probes.report()
    with expected:
        assert expected.second_pass()
        for part in (slice(0, 30), slice(30, 60)):
            net(X[part])
            expected.observe(Y[part])
    same(report, expected.report(), rel=0)

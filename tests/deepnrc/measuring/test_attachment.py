import contextlib
import gc
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import deepnrc
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.layerstream import GATHERED


class Residual(nn.Module):
    """x += f(x), in place, and an in-place ReLU behind it."""

    def __init__(self):
        super().__init__()
        self.f, self.g, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        x = x.clone()
        x += self.f(x)
        x.relu_()
        x += torch.relu_(self.g(x))
        return self.head(x)


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("pool", ["mean", "positions"])
def test_in_place_changes_do_not_reach_what_was_read(data, seeded, moments, dtype, pool):
    X, Y = data(40, dtype=dtype)
    net = seeded(Residual, dtype)
    got = moments(net, [(X, Y)], pool=pool)
    f, g = (X, (X + net.f(X)).relu())
    expected = {"f": f, "g": g, "head": g + net.g(g).relu()}
    for name, H in expected.items():
        H = H.detach().double()
        torch.testing.assert_close(got[name].mean[:6], H.mean(0), rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(got[name].covariance[:6, :6], torch.cov(H.T, correction=0), rtol=1e-9, atol=1e-14)


def test_in_place_relu_gives_the_numbers_of_a_plain_one(data, mlp, probe, same):
    X, Y = data()
    same(probe(mlp(inplace=True), (X, Y)), probe(mlp(inplace=False), (X, Y)), rel=0)


def test_attach_and_probe_are_the_same_thing(data, mlp, probe, same):
    X, Y = data()
    net = mlp()
    with deepnrc.attach(net) as probes, torch.no_grad():
        for x, y in zip(X.split(25), Y.split(25), strict=True):
            net(x)
            probes.observe(y)
        report = probes.report()
    same(report, probe(net, list(zip(X.split(25), Y.split(25), strict=True))), rel=0)
    assert probes.samples == 60
    same(probes.report(), report, rel=0)


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


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_gradient_checkpoint_runs_layers_again_unread(data, seeded, reentrant):
    class Saving(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 5)), nn.Linear(5, 3)

        def forward(self, x):
            return self.head(checkpoint(self.body, x, use_reentrant=reentrant))

    X, Y = data()
    X.requires_grad_()
    net = seeded(Saving).train()
    with deepnrc.attach(net) as probes:
        for _ in range(2):
            out = net(X)
            ((out - Y) ** 2).mean().backward()
            probes.observe(Y)
    probes._streams.flush()
    counts = {key: layer.statistics["moments"].count for key, layer in probes._streams.layers.items()}
    assert counts == {"body.0": 120, "body.2": 120, "head": 120}
    assert net.body[0].weight.grad is not None


def test_targets_are_paired_with_the_latest_pass_once(data, mlp, by_hand):
    X, Y = data()
    net = mlp()
    with deepnrc.attach(net) as probes:
        with pytest.raises(UsageError, match="There is no forward pass to pair these targets with"):
            probes.observe(Y)
        net(X), net(2 * X)
        probes.observe(Y)
        with pytest.raises(UsageError, match="There is no forward pass to pair these targets with"):
            probes.observe(Y)
        net(X)
        with pytest.raises(UsageError, match=r"'0' gave 60 rows in batch 2, and the targets have 59"):
            probes.observe(Y[:59])
        with pytest.raises(UsageError, match="There is no forward pass"):
            probes.observe(Y)
    probes._streams.flush()
    mean = probes._streams.layers["0"].statistics["moments"].mean
    torch.testing.assert_close(mean[:6], 2 * X.mean(0))


def test_a_refused_batch_leaves_the_numbers_of_the_others(data, mlp, same):
    X, Y = data()
    reports = []
    for broken in (False, True):
        with deepnrc.attach(net := mlp()) as probes:
            kept = float(net[2].bias[0].detach())
            for x, y in zip(X.split(20), Y.split(20), strict=True):
                net(x)
                probes.observe(y)
                if broken:
                    net[2].bias.data[0] = float("inf")
                    net(x)
                    with pytest.raises(DataError, match=r"features of layer '4' hold NaN or infinity in batch"):
                        probes.observe(y)
                    net[2].bias.data[0] = kept
        reports.append(probes.report())
    same(*reports, rel=0)


def test_a_layer_that_never_ran_is_named_with_what_to_write(data, mlp):
    X, Y = data()
    net = nn.ModuleDict({"used": mlp(), "spare": nn.Linear(2, 2), "other": nn.Linear(2, 2)})
    net.forward = lambda x: net["used"](x)
    with deepnrc.attach(net) as probes:
        net(X)
        with pytest.raises(
            UsageError, match=r"'spare', 'other' did not run .* Leave them out: layers=\['!spare', '!other'\]"
        ):
            probes.observe(Y)
    with deepnrc.attach(net, "*[rs]*") as probes:
        net(X)
        with pytest.raises(UsageError, match=r"Leave them out: layers=\['\*\[rs\]\*', '!spare'"):
            probes.observe(Y)
    with deepnrc.attach(net, ["!spare", "!other"]) as probes:
        net(X)
        probes.observe(Y)


def test_a_layer_that_runs_in_some_batches_only_is_refused(data, seeded):
    class Moody(Residual):
        def forward(self, x):
            return super().forward(x) if len(x) > 10 else self.head(self.f(x))

    X, Y = data(30)
    with deepnrc.attach(net := seeded(Moody)) as probes:
        net(X), probes.observe(Y)
        net(X[:5])
        with pytest.raises(UsageError, match=r"'g' did not run in the forward pass"):
            probes.observe(Y[:5])


@pytest.mark.parametrize("method", ["wrapper", "in place"])
@pytest.mark.parametrize("called_before", [False, True])
def test_a_compiled_network_gives_the_numbers_of_the_plain_one(data, mlp, watched, same, method, called_before):
    X, Y = data()
    plain, net = mlp(), mlp()
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
    same(watched(wrap(net), [(X, Y)]).report(), watched(net, [(X, Y)]).report(), rel=0)


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
        with deepnrc.attach(net, layers, pool="cls") as probes, torch.no_grad():
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


def test_rank_is_checked_against_widths(data, mlp):
    X, Y = data(n=3)
    with deepnrc.attach(net := mlp(), rank=7) as probes:
        net(X)
        with pytest.raises(
            UsageError, match=r"rank=7 exceeds the width of '0 \(6\)'\. Choose a smaller rank, or leave"
        ):
            probes.observe(Y)


def test_rank_may_exceed_the_targets_width(data, mlp):
    report = deepnrc.probe(mlp(), data(n=3), rank=4, progress=False)
    rows = report.table.set_index("measure")
    assert set(rows["rank"]) == {4}
    assert set(rows.loc["deep.noise_fraction", "status"]) == {"ok"}
    assert set(rows.loc["deep.feature_side_alignment", "status"]) == {"not defined"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rank": 0}, r"rank must be a whole number from 1, or None for the targets' own; it is 0"),
        ({"rank": True}, r"rank must be a whole number from 1"),
        ({"rank": np.int64(0)}, r"rank must be a whole number from 1"),
        ({"rank": "2"}, r"rank must be a whole number from 1"),
        ({"rank": 1.5}, r"rank must be a whole number from 1"),
        ({"repeats": "second"}, r"repeats must be one of 'error', 'first', 'last', 'each', not 'second'"),
        ({"pool": "avg"}, r"There is no pooling 'avg'"),
        ({"probes": "deep.nose"}, r"There is no probe 'deep\.nose'\. Did you mean 'deep\.noise'"),
        ({"layers": "5"}, r"No layer is called '5'"),
    ],
)
def test_arguments_that_are_not_understood_are_refused_at_once(mlp, options, words):
    with pytest.raises(UsageError, match=words):
        deepnrc.attach(mlp(), **options)


@pytest.mark.parametrize("wrong", [lambda x: x, "timm:resnet18", None])
def test_what_is_no_module_is_refused(wrong):
    with pytest.raises(UsageError, match=r"The network must be a torch\.nn\.Module, not (function|str|NoneType)"):
        deepnrc.attach(wrong)


def test_torchscript_is_refused(mlp):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.trace(mlp(), torch.zeros(1, 6, dtype=torch.float64))
    with pytest.raises(UsageError, match=r"A TorchScript module takes no hooks\. Probe the Python module"):
        deepnrc.attach(script)


def test_a_report_of_nothing_is_refused(mlp):
    with deepnrc.attach(mlp()) as probes, pytest.raises(DataError, match="No samples were observed"):
        probes.report()


def test_what_needs_a_second_pass_says_so_until_it_is_made(data, mlp, watched, row):
    X, Y = data()
    attachment = watched(net := mlp(), [(X, Y)], probes="nrc.1_centred")
    found = row(attachment.report(), "4", "nrc.1_centred")
    assert (found["status"], found["note"]) == ("not defined", "needs a second pass over the data")
    with attachment:
        assert attachment.second_pass()
        net(X)
        attachment.observe(Y)
    assert row(attachment.report(), "4", "nrc.1_centred")["status"] == "ok"


def test_repeats_each_makes_a_row_of_every_run(data, seeded, watched, row):
    class Shared(Residual):
        def forward(self, x):
            return self.head(self.g(self.f(self.f(x))))

    X, Y = data()
    net = seeded(Shared)
    report = watched(net, [(X, Y)], repeats="each").report()
    assert list(dict.fromkeys(report.table["layer"]))[:-1] == ["f", "f#2", "g", "head"]
    first, second = (row(report, key, "deep.weight_stable_rank")["value"] for key in ("f", "f#2"))
    assert first == second


def test_memory_does_not_grow_with_the_number_of_samples(seeded, probe):
    def alive():
        return sum(o.untyped_storage().nbytes() for o in gc.get_objects() if type(o) is torch.Tensor)

    def loader():
        for _ in range(80):
            held.append(alive())
            yield torch.randn(8, 3, 16, 16, dtype=torch.float64), torch.randn(8, 2, dtype=torch.float64)

    held = []
    net = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(576, 2)))
    probe(net, loader(), pool="positions", probes="deep.noise")
    all_features = 80 * 8 * 8 * (3 * 16**2 + 4 * 14**2 + 576)
    gathered = 8 * GATHERED * (3 + 4 + 576)
    assert max(held[2:]) - held[1] < 2 * gathered < all_features / 4


@pytest.mark.parametrize("rank", [2, np.int64(2)])
def test_a_rank_may_be_any_whole_number(data, mlp, watched, rank):
    report = watched(mlp(), [data()], rank=rank).report()
    assert set(report.table["rank"]) == {2}
    assert report.provenance[0]["arguments"]["rank"] == 2
    json.dumps(report.provenance)


def test_labels_are_words(data, mlp, watched):
    report = watched(mlp(), [data()]).report(run=5, step=np.int64(3))
    assert report.runs == ["5"]
    assert (report.provenance[0]["run"], report.provenance[0]["step"]) == ("5", 3)
    assert report.at(3, "5").provenance == report.provenance


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

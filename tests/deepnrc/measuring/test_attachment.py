import json
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import deepnrc
from deepnrc.errors import DataError, UsageError


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
        words = r"'spare', 'other' did not run .* Leave them out: layers=\['weights', '!spare', '!other'\]"
        with pytest.raises(UsageError, match=words):
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
        ({"pool": ["mean"]}, r"There is no pooling \['mean'\]"),
        ({"pool": {}}, r"There is no pooling {}"),
        ({"pool": None}, r"There is no pooling None"),
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

import itertools
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import deepnrc
from deepnrc.errors import DataError, UsageError


@pytest.mark.parametrize("size", [1, 7, 13, 59, 1000])
def test_batching_changes_nothing(data, cnn, probe, same, size, split):
    X, Y = data(60, (3, 8, 8))
    net = cnn()
    same(probe(net, split(X, Y, size)), probe(net, [(X, Y)]), rel=1e-12)


def test_every_form_of_loader_gives_the_same_numbers(data, mlp, probe, same, split):
    X, Y = data()
    net = mlp()
    reference = probe(net, [(X, Y)])

    class Stream(IterableDataset):
        def __iter__(self):
            return iter(zip(X, Y, strict=True))

    frozen = X.numpy().copy()
    frozen.flags.writeable = False
    for loader in (
        split(X, Y, 60),
        (X, Y),
        (X.numpy(), Y.numpy()),
        (frozen, Y),
        ((x, y) for x, y in split(X, Y, 60)),
        DataLoader(TensorDataset(X, Y), batch_size=60),
        DataLoader(Stream(), batch_size=60),
        [[X, Y]],
        [(X, Y.tolist())],
    ):
        same(probe(net, loader), reference)


def test_tuple_and_keyword_inputs_give_the_same_numbers(data, seeded, probe, same):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(6, 5), nn.Linear(5, 3)

        def forward(self, x, scale=None, flag=False):
            return self.b(self.a(x) * scale).relu()

    X, Y = data()
    net = seeded(Scaled)
    S = 1 + X[:, :1] ** 2
    reference = probe(net, [((X, S), Y)])
    for x in ([X, S], {"x": X, "scale": S, "flag": True}, {"scale": S.numpy(), "x": X}):
        same(probe(net, [(x, Y)]), reference, rel=0)
    halves = [({"x": x, "scale": s}, y) for x, s, y in zip(X.split(23), S.split(23), Y.split(23), strict=True)]
    same(probe(net, halves), reference)


@pytest.mark.parametrize("limit", [1, 6, 40, 55])
def test_max_samples_is_exact(data, mlp, probe, same, limit, split):
    X, Y = data()
    net = mlp()
    report = probe(net, split(X, Y, 20), max_samples=limit)
    assert set(report.table["n_samples"]) == {limit}
    same(report, probe(net, (X[:limit], Y[:limit])))


@pytest.mark.parametrize("wrap", [lambda y: (y, None), lambda y: {"y": y, "extra": y[:, :1]}, lambda y: [[y]]])
def test_networks_that_return_containers(data, mlp, probe, same, wrap):
    class Wrapped(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return wrap(self.inner(x))

    X, Y = data()
    same(probe(Wrapped(mlp()), (X, Y)), probe(mlp(), (X, Y)), rel=0, labels=False)


def test_a_vector_of_targets_is_one_column_and_nrc3_is_not_defined(data, mlp, probe, same, row):
    X, Y = data(n=1)
    report = probe(mlp(n=1), (X, Y[:, 0]))
    same(report, probe(mlp(n=1), (X, Y)), rel=0)
    found = row(report, "4", "nrc.3")
    assert (found["status"], found["note"]) == ("not defined", "identically 0 for a single target")


def test_classes_are_one_hot_targets_as_wide_as_the_output(data, mlp, probe, same):
    X, _ = data()
    classes = torch.arange(60) % 2  # class 2 never appears
    same(probe(mlp(), (X, classes)), probe(mlp(), (X, nn.functional.one_hot(classes, 3).double())), rel=0)


@pytest.mark.parametrize("empty", [[], iter([]), [(torch.zeros(0, 6).double(), torch.zeros(0, 3))]])
def test_an_empty_loader_is_refused(mlp, probe, empty):
    with pytest.raises(DataError, match="The data is empty: the loader yielded no samples"):
        probe(mlp(), empty)


def test_targets_without_columns_are_refused(data, mlp, probe):
    X, _ = data()
    with pytest.raises(UsageError, match=r"targets of batch 1 have shape \(60, 0\) .* n >= 1"):
        probe(mlp(), [(X, torch.zeros(60, 0))])


def test_targets_of_another_number_of_rows_are_refused(data, mlp, probe):
    X, Y = data()
    with pytest.raises(UsageError, match=r"'0' gave 60 rows in batch 1, and the targets have 59"):
        probe(mlp(), [(X, Y[:59])])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_samples": 0}, r"max_samples must be at least 1, or None for all; it is 0"),
        ({"max_samples": 2.5}, r"max_samples must be a whole number; it is 2\.5"),
        ({"max_samples": True}, r"max_samples must be a whole number; it is True"),
        ({"step": 1.5}, r"A step must be a whole number; it is 1\.5"),
        ({"step": "a"}, r"A step must be a whole number; it is 'a'"),
        ({"autocast": "bfloat16"}, r"autocast must be a dtype such as torch\.bfloat16, or None; it is 'bfloat16'"),
        ({"device": "nonsense"}, r"There is no device 'nonsense'\. Give one that torch knows"),
        ({"rank": 7}, r"rank=7 exceeds the width of '0 \(6\)'"),
    ],
)
def test_arguments_that_cannot_be_are_refused(data, mlp, probe, options, words):
    with pytest.raises(UsageError, match=words):
        probe(mlp(), data(), **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused(data, mlp, probe):
    with pytest.raises(UsageError, match=r"The device 'cuda' is not available on this machine\. Leave it out"):
        probe(mlp(), data(), device="cuda")


def test_torchscript_and_lazy_networks_are_refused(data, probe):
    with pytest.raises(UsageError, match="have no weights yet"):
        probe(nn.Sequential(nn.LazyLinear(3)), data())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.trace(nn.Linear(6, 3), torch.zeros(1, 6))
    with pytest.raises(UsageError, match="A TorchScript module takes no hooks"):
        probe(script, data())


def test_numpys_whole_numbers_are_taken_as_whole_numbers(data, mlp, probe):
    report = probe(mlp(), data(), step=np.int64(3), max_samples=np.int32(40))
    (record,) = report.provenance
    assert (report.steps, record["step"], record["samples"], record["data"]["max_samples"]) == ([3], 3, 40, 40)
    assert type(record["step"]) is type(record["data"]["max_samples"]) is int


@pytest.mark.parametrize("device", [None, "cpu"])
def test_networks_without_weights_are_refused(data, mlp, probe, hooks, device):
    whole, half = mlp().to("meta"), mlp()
    half[2].to("meta")
    for model, first in ((whole, "0.weight"), (half, "2.weight")):
        with pytest.raises(UsageError, match=rf"The network is on the meta device and has no weights: '{first}', "):
            probe(model, data(), device=device)
        assert hooks(model) == 0


def test_centred_nrc_is_what_is_computed_by_hand(data, mlp, probe, by_hand, row, split):
    X, Y = data(200)
    net = mlp()
    report = probe(net, split(X, Y, 33), probes=["nrc.1", "nrc.1_centred", "nrc.2_centred"])
    H = by_hand(net, [X], ["4"])["4"]
    Hc = H - H.mean(0)
    P = torch.linalg.svd(Hc, full_matrices=False)[2][:3]
    Q = torch.linalg.svd(net[4].weight.detach(), full_matrices=False)[2]
    for measure, rows, basis in (("nrc.1", H, P), ("nrc.1_centred", Hc, P), ("nrc.2_centred", Hc, Q)):
        alive = rows[rows.norm(dim=1) > 0]
        u = alive / alive.norm(dim=1, keepdim=True)
        expected = float(((u - u @ basis.T @ basis) ** 2).sum(1).mean())
        assert row(report, "4", measure)["value"] == pytest.approx(expected, rel=1e-9)


def test_the_second_pass_keeps_to_max_samples(data, mlp, probe, same, split):
    X, Y = data()
    options = {"probes": "nrc.1_centred"}
    same(probe(mlp(), split(X, Y, 16), max_samples=40, **options), probe(mlp(), (X[:40], Y[:40]), **options))


@pytest.mark.parametrize("kind", ["shuffled inputs", "shuffled targets", "generator"])
def test_a_second_pass_over_other_data_is_refused(data, mlp, probe, kind):
    X, Y = data()
    order = itertools.cycle([torch.arange(60), torch.arange(60).flip(0)])

    class Loader:
        def __iter__(self):
            at = next(order)
            yield (X, Y[at]) if kind == "shuffled targets" else (X[at], Y[at])

    loader = iter([(X, Y)]) if kind == "generator" else Loader()
    with pytest.raises(
        UsageError, match=r"second pass saw other data than the first, .* no shuffling, .* no generator"
    ):
        probe(mlp(), loader, probes="nrc.1_centred")


def test_one_pass_is_made_unless_a_probe_needs_two(data, mlp, probe):
    X, Y = data()
    probe(mlp(), iter([(X, Y)]))
    assert "nrc.1_centred" not in probe(mlp(), [(X, Y)]).measures
    assert deepnrc.probe.__kwdefaults__["probes"] is None


def test_the_error_against_classes_is_said_to_be_one(data, mlp, probe, row):
    X, _ = data()
    found = row(probe(mlp(), (X, torch.arange(len(X)) % 3)), "(network)", "model.mse")
    assert found["note"] == "against classes as one-hot targets"

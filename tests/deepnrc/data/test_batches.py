from collections import UserDict, namedtuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import deepnrc
from deepnrc.data.batches import as_loader, call, count, pairs, tensors
from deepnrc.errors import DataError, UsageError

CPU = torch.device("cpu")
X, Y = torch.arange(20.0).reshape(10, 2), torch.arange(10.0)[:, None]


def sizes(loader, limit=None):
    return [rows for *_, rows in pairs(loader, CPU, limit)]


def test_whole_tensors_or_arrays_are_cut_into_batches():
    for data in ((X, Y), (X.numpy(), Y.numpy()), (X, Y.numpy())):
        batches = list(pairs(as_loader(data, 4), CPU))
        assert [rows for *_, rows in batches] == [4, 4, 2]
        assert torch.equal(torch.cat([x for x, *_ in batches]), X)
        assert torch.equal(torch.cat([y for _, y, _ in batches]), Y)


@pytest.mark.parametrize("form", [lambda x, y: (x, y), lambda x, y: [(x, y)], lambda x, y: [((x,), y)]])
def test_a_network_that_changes_its_input_leaves_the_data_as_it_was(form):
    data = torch.randn(10, 3)
    before = data.clone()
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2))
    deepnrc.probe(net, form(data, torch.randn(10, 2)), probes="nrc.1_centred", progress=False)  # in two passes
    assert torch.equal(data, before)


def test_whole_arrays_of_different_lengths_are_refused():
    with pytest.raises(UsageError, match=r"X has shape \(10, 2\) and Y \(9, 1\): they need the same number of rows"):
        as_loader((X, Y[:9]))
    with pytest.raises(UsageError, match=r"X has shape \(\) and Y \(\): they need the same number of rows"):
        as_loader((torch.tensor(1.0), torch.tensor(2.0)))


@pytest.mark.parametrize("wrong", [3, None, nn.Linear(1, 1)])
def test_what_cannot_be_iterated_over_is_refused(wrong):
    with pytest.raises(UsageError, match=r"A loader must yield \(input, target\) pairs, .* cannot be iterated over"):
        as_loader(wrong)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (X, r"batch 1 is a Tensor\. Say which are input and target: batch=\(0, 1\) by position"),
        ((X, Y, Y), r"batch 1 is a tuple of 3 \(\(10, 2\), \(10, 1\), \(10, 1\)\)\. Say which"),
        ({"x": X, "y": Y}, r"batch 1 is a dict with neither labels nor label \(x \(10, 2\), y \(10, 1\)\)\. Say"),
    ],
)
def test_batches_that_are_no_pairs_are_refused(batch, words):
    with pytest.raises(UsageError, match=rf"must yield \(input, target\) pairs, .*; {words}"):
        list(pairs([batch], CPU))


def test_a_dataset_is_to_be_put_in_a_loader():
    with pytest.raises(
        UsageError, match=r"A TensorDataset gives .* Put it in a loader: DataLoader\(dataset, batch_size="
    ):
        as_loader(TensorDataset(X, Y))


def test_sparse_tensors_are_refused():
    sparse = X.to_sparse()
    dense = r"is a sparse tensor \(torch\.sparse_\w+\)\. Make it dense with to_dense\(\)"
    with pytest.raises(UsageError, match=rf"An input of batch 1 {dense}"):
        list(pairs([({"x": sparse}, Y)], CPU))
    with pytest.raises(UsageError, match=rf"The target of batch 1 {dense}"):
        list(pairs([(X, sparse)], CPU))
    with pytest.raises(UsageError, match=rf"X {dense}"):
        as_loader((sparse, Y))


@pytest.mark.parametrize("limit", [1, 4, 5, 9, 10, 99])
@pytest.mark.parametrize("targets", [lambda y: y, lambda y: y.numpy(), lambda y: y.tolist()])
def test_max_samples_is_exact_and_pulls_no_batch_too_many(limit, targets):
    pulled = []
    loader = ((x, targets(y)) for x, y in zip(X.split(4), Y.split(4), strict=True) if pulled.append(1) is None)
    seen = list(pairs(loader, CPU, limit))
    assert torch.equal(torch.cat([x for x, *_ in seen]), X[:limit])
    assert torch.equal(torch.cat([y for _, y, _ in seen]), Y[:limit])
    assert sum(rows for *_, rows in seen) == min(limit, 10)
    assert len(pulled) == min(-(-limit // 4), 3)


def test_max_samples_cuts_what_has_a_row_a_sample_and_nothing_else():
    table, scale = torch.zeros(3, 2), torch.tensor(2.0)
    ((x, y, rows),) = pairs([({"x": X, "deep": [X, table], "scale": scale, "name": "it"}, Y)], CPU, 6)
    assert [len(t) for t in (x["x"], *x["deep"], y)] == [6, 6, 3, 6]
    assert (x["scale"].item(), x["name"], rows) == (2.0, "it", 6)


def test_nested_inputs_keep_their_form_and_become_tensors():
    Pair = namedtuple("Pair", "a b")
    ((x, y, _),) = pairs([([X.numpy(), (X, None)], Y.numpy())], CPU)
    assert isinstance(x, list)
    assert isinstance(x[1], tuple)
    assert len(tensors([x, y])) == 3
    ((x, *_),) = pairs([(Pair(X, {"mask": X > 1}), Y)], CPU)
    assert torch.equal(x[1]["mask"], X > 1)


@pytest.mark.parametrize("x", [(X, 2 * X), [X, 2 * X], {"a": X, "b": 2 * X}, UserDict(a=X, b=2 * X)])
def test_tuples_are_positional_arguments_and_mappings_keyword_arguments(x):
    class Difference(nn.Module):
        def forward(self, a, *, b=None, **rest):
            return b - a

    class Positional(Difference):
        def forward(self, a, b):
            return b - a

    net = Positional() if isinstance(x, tuple | list) else Difference()
    assert torch.equal(call(net, x), X)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_inputs_that_are_not_finite_are_refused_with_their_batch(bad):
    broken = X.clone()
    broken[3, 1] = bad
    with pytest.raises(DataError, match=r"inputs of batch 2 hold 1 NaN or infinite values"):
        list(pairs([(X, Y), ({"x": broken}, Y)], CPU))


def test_a_sum_that_overflows_is_not_taken_for_infinity():
    large = torch.full((10, 2), 6e4, dtype=torch.float16)
    assert sizes([(large, Y)]) == [10]


def test_an_array_that_torch_does_not_know_is_refused_with_its_batch():
    with pytest.raises(UsageError, match=r"An input of batch 2 is a ndarray of <U1, not a tensor"):
        list(pairs([(X, Y), (np.array(["a"]), Y)], CPU))
    with pytest.raises(UsageError, match=r"The target of batch 1 is a dict"):
        list(pairs([(X, {"y": Y})], CPU))


def test_a_stream_has_no_count():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(zip(X, Y, strict=True))

    assert count(DataLoader(Stream(), batch_size=4)) is None
    assert count(iter([])) is None
    assert count(DataLoader(TensorDataset(X, Y), batch_size=4)) == 3
